//! When something is to be looked at again: instants of the wall clock, one timer for all of them.
//!
//! The wall clock may be set and a machine be suspended, so that no sleep is longer than [`LONGEST_SLEEP`] while there is an
//! instant to wait for. Where there is none, nothing wakes up. It does not know why an instant matters.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hpa_override_core::Instant;
use tokio::{sync::Notify, time::timeout};

use crate::{
    clock::{Clock, LONGEST_SLEEP},
    object::Key,
};

/// At most one instant for each key.
#[derive(Debug, Default)]
pub struct Timers {
    instants: Mutex<Instants>,
    /// For those who sleep, where the first instant has become an earlier one.
    earlier: Notify,
}

#[derive(Debug, Default)]
struct Instants {
    by_key: BTreeMap<Key, Instant>,
    in_order: BTreeSet<(Instant, Key)>,
}

impl Timers {
    /// Sets the instant of a key in place of the one before; none: it has no instant any longer.
    pub fn set(&self, key: &Key, at: Option<Instant>) {
        let is_earlier = self.instants().set(key, at);
        if is_earlier {
            self.earlier.notify_waiters();
        }
    }

    /// Waits until the wall clock has reached the first instant. Returns the instants that it has reached and their keys, the
    /// earliest first; they have none any longer. Never empty. Dropping the future loses nothing.
    pub async fn next_due(&self, clock: Clock) -> Vec<(Instant, Key)> {
        loop {
            self.until_first(clock, Duration::ZERO).await;
            let due = self.instants().take_due(clock.now().instant());
            if !due.is_empty() {
                return due;
            }
        }
    }

    /// Waits until the first instant is no further away than `ahead` by the wall clock.
    pub async fn until_first(&self, clock: Clock, ahead: Duration) {
        loop {
            let mut earlier = pin!(self.earlier.notified());
            let sleep = {
                let (instants, now) = (self.instants(), clock.now());
                // Under the lock: no instant that is set from now on is missed.
                earlier.as_mut().enable();
                instants.first().map(|first| now.until(first).saturating_sub(ahead).min(LONGEST_SLEEP))
            };
            match sleep {
                Some(Duration::ZERO) => return,
                // Either way it is time to look.
                Some(sleep) => drop(timeout(sleep, earlier).await),
                None => earlier.await,
            }
        }
    }

    /// The keys whose instants are no further away than `ahead`.
    pub fn within(&self, clock: Clock, ahead: Duration) -> Vec<Key> {
        let now = clock.now();
        let instants = self.instants();
        let is_near = |(at, _): &&(Instant, Key)| now.until(*at) <= ahead;
        instants.in_order.iter().take_while(is_near).map(|(_, key)| key.clone()).collect()
    }

    /// All keys that have an instant, the earliest first.
    pub fn keys(&self) -> Vec<Key> {
        self.instants().in_order.iter().map(|(_, key)| key.clone()).collect()
    }

    /// How long until the first instant; none: there is none.
    pub fn left(&self, clock: Clock) -> Option<Duration> {
        let (instants, now) = (self.instants(), clock.now());
        instants.first().map(|first| now.until(first))
    }

    /// Forgets all instants.
    pub fn clear(&self) {
        *self.instants() = Instants::default();
    }

    fn instants(&self) -> MutexGuard<'_, Instants> {
        self.instants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instants {
    /// Whether the first instant is an earlier one than before.
    fn set(&mut self, key: &Key, at: Option<Instant>) -> bool {
        let before = self.first();
        if let Some(old) = self.by_key.remove(key) {
            self.in_order.remove(&(old, key.clone()));
        }
        let Some(at) = at else { return false };
        self.by_key.insert(key.clone(), at);
        self.in_order.insert((at, key.clone()));
        before.is_none_or(|before| at < before)
    }

    fn first(&self) -> Option<Instant> {
        self.in_order.first().map(|(at, _)| *at)
    }

    fn take_due(&mut self, now: Instant) -> Vec<(Instant, Key)> {
        let mut due = Vec::new();
        while self.first().is_some_and(|first| first <= now) {
            let Some((at, key)) = self.in_order.pop_first() else { break };
            self.by_key.remove(&key);
            due.push((at, key));
        }
        due
    }
}

#[cfg(test)]
mod tests;
