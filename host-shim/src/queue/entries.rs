//! What a queue holds, without waiting: which keys wait, which are delayed, which run.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::{lines::Lines, priority::Priority};
use crate::object::Key;

/// When a run is wanted and how urgently. The lesser of two is sooner, the lesser priority the higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// None: as soon as may be.
    pub at: Option<Instant>,
    /// Before what else.
    pub priority: Priority,
}

impl Wanted {
    /// One run that is as soon and as urgent as either.
    fn and(self, other: Self) -> Self {
        Self { at: self.at.min(other.at), priority: self.priority.min(other.priority) }
    }
}

/// Who of those that wait for a key has to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wake {
    /// Nothing has changed for them.
    Nobody,
    /// One: a key waits.
    One,
    /// All: each sleeps until the earliest delay is over, and that has become an earlier one.
    All,
}

/// All keys that wait, are delayed or run.
#[derive(Debug, Default)]
pub struct Entries {
    by_key: BTreeMap<Key, Entry>,
    waiting: Lines,
    delayed: BTreeSet<(Instant, Key)>,
    running: usize,
    /// When the last run was over.
    finished: Option<Instant>,
    closed: bool,
}

/// A key is in one of these states; one that is idle is in none.
#[derive(Debug)]
enum Entry {
    /// To be run. In `waiting` with this number, or in `delayed`.
    Queued(Wanted, u64),
    /// Running, and what is wanted after it.
    Running(Option<Wanted>),
}

impl Entries {
    /// Asks for a run of a key.
    pub fn want(&mut self, key: &Key, wanted: Wanted, now: Instant) -> Wake {
        match self.by_key.get_mut(key) {
            None => self.insert(key, wanted, now),
            Some(Entry::Running(again)) => {
                *again = Some(again.map_or(wanted, |again| again.and(wanted)));
                Wake::Nobody
            }
            Some(Entry::Queued(before, _)) if before.and(wanted) == *before => Wake::Nobody,
            Some(Entry::Queued(before, number)) => {
                let (before, number) = (*before, *number);
                self.withdraw(key, before, number);
                self.insert(key, before.and(wanted), now)
            }
        }
    }

    /// Lets the keys wait whose delay is over. Nobody is to be woken: all sleep no longer than until then.
    pub fn release(&mut self, now: Instant) {
        while self.earliest().is_some_and(|at| at <= now) {
            let Some((_, key)) = self.delayed.pop_first() else { break };
            if let Some(Entry::Queued(wanted, number)) = self.by_key.get_mut(&key) {
                wanted.at = None;
                *number = self.waiting.push(&key, wanted.priority, now);
            }
        }
    }

    /// The key whose turn it is; it runs from now on.
    pub fn take(&mut self) -> Option<(Key, Priority)> {
        let (key, priority) = self.waiting.take()?;
        self.by_key.insert(key.clone(), Entry::Running(None));
        self.running += 1;
        Some((key, priority))
    }

    /// The run of a key is over.
    pub fn finish(&mut self, key: &Key, now: Instant) -> Wake {
        self.running -= 1;
        self.finished = Some(now);
        match self.by_key.remove(key) {
            Some(Entry::Running(Some(again))) => self.insert(key, again, now),
            _ => Wake::Nobody,
        }
    }

    /// When the first delay is over.
    pub fn earliest(&self) -> Option<Instant> {
        self.delayed.first().map(|(at, _)| *at)
    }

    /// Whether no key waits for its turn.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many wait for their turn, and when the one came that has waited longest.
    pub fn waiting(&self) -> (usize, Option<Instant>) {
        (self.waiting.len(), self.waiting.oldest())
    }

    /// When the last run was over.
    pub fn finished(&self) -> Option<Instant> {
        self.finished
    }

    /// How many are to be run.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.by_key.len() - self.running
    }

    /// No key is taken from now on.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether no key is known, and none has left anything.
    #[cfg(test)]
    pub fn holds_nothing(&self) -> bool {
        self.by_key.is_empty() && self.waiting.is_empty() && self.delayed.is_empty() && self.running == 0
    }

    fn insert(&mut self, key: &Key, wanted: Wanted, now: Instant) -> Wake {
        let (number, wake) = match wanted.at {
            None => (self.waiting.push(key, wanted.priority, now), Wake::One),
            Some(at) => {
                let is_first = self.earliest().is_none_or(|earliest| at < earliest);
                self.delayed.insert((at, key.clone()));
                (0, if is_first { Wake::All } else { Wake::Nobody })
            }
        };
        self.by_key.insert(key.clone(), Entry::Queued(wanted, number));
        wake
    }

    fn withdraw(&mut self, key: &Key, wanted: Wanted, number: u64) {
        match wanted.at {
            None => self.waiting.remove(key, wanted.priority, number),
            Some(at) => {
                self.delayed.remove(&(at, key.clone()));
            }
        }
    }
}
