//! Who may send a request next: by rank, at most so many each second, at most so many writes at once. Nobody is driven by
//! a task of its own: the first in line waits for its time, and wakes the next one when it has gone.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{clock::Clock, queue::Priority};

/// Writes at once. A burst of them must not starve the renewal of a lease, nor the reviews of the webhooks that they call.
pub(super) const WRITES_AT_ONCE: usize = 32;

/// How much of a second's requests may be sent at once after a quiet time.
const AHEAD: Duration = Duration::from_millis(100);

/// Order in which requests are sent. Reads first: there are few, and writes wait for what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Read,
    Write(Priority),
    /// A read for which nothing waits.
    Background,
}

impl Rank {
    fn is_write(self) -> bool {
        matches!(self, Self::Write(_))
    }
}

/// The waiting list, and what has been sent.
#[derive(Debug)]
pub(super) struct Gate {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    waiting: BTreeMap<Ticket, Arc<Notify>>,
    tickets: u64,
    writes: usize,
    rate: Rate,
    paused_until: Instant,
}

/// A place in the waiting list: by rank, then in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    rank: Rank,
    number: u64,
}

/// Whether the holder of a ticket may send.
enum Turn {
    Now,
    /// It is the first, and has to wait until then.
    At(Instant),
    /// Somebody else comes first, or as many writes as may be are in flight: it is woken.
    Later,
}

impl Gate {
    pub(super) fn new(clock: Clock, most_per_second: u32) -> Arc<Self> {
        let now = clock.now().steady();
        let state = State {
            waiting: BTreeMap::new(),
            tickets: 0,
            writes: 0,
            rate: Rate::new(most_per_second, now),
            paused_until: now,
        };
        Arc::new(Self { clock, state: Mutex::new(state) })
    }

    /// Waits for its turn. The request is in flight until the permit is dropped.
    pub(super) async fn pass(self: &Arc<Self>, rank: Rank) -> Permit {
        let place = self.enter(rank);
        loop {
            match self.turn_of(place.ticket) {
                Turn::Now => return Permit { gate: self.clone(), rank },
                // Woken or in time, it asks again.
                Turn::At(at) => drop(timeout_at(at, place.woken.notified()).await),
                Turn::Later => place.woken.notified().await,
            }
        }
    }

    /// Nothing is sent until then; a pause is never made shorter.
    pub(super) fn pause_until(&self, at: Instant) {
        let mut state = self.lock();
        state.paused_until = state.paused_until.max(at);
    }

    fn enter(&self, rank: Rank) -> Place<'_> {
        let mut state = self.lock();
        state.tickets += 1;
        let ticket = Ticket { rank, number: state.tickets };
        let woken = Arc::new(Notify::new());
        state.waiting.insert(ticket, woken.clone());
        Place { gate: self, ticket, woken }
    }

    fn turn_of(&self, ticket: Ticket) -> Turn {
        let now = self.clock.now().steady();
        self.lock().turn_of(ticket, now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn turn_of(&mut self, ticket: Ticket, now: Instant) -> Turn {
        let is_first = self.waiting.keys().next() == Some(&ticket);
        let is_write = ticket.rank.is_write();
        if !is_first || is_write && self.writes >= WRITES_AT_ONCE {
            return Turn::Later;
        }
        if self.paused_until > now {
            return Turn::At(self.paused_until);
        }
        match self.rate.take(now) {
            Ok(()) => {
                self.writes += usize::from(is_write);
                Turn::Now
            }
            Err(at) => Turn::At(at),
        }
    }

    fn wake_first(&self) {
        if let Some(first) = self.waiting.values().next() {
            first.notify_one();
        }
    }
}

/// A place in the waiting list, given up when it is dropped: sent, or no longer wanted.
struct Place<'a> {
    gate: &'a Gate,
    ticket: Ticket,
    woken: Arc<Notify>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.waiting.remove(&self.ticket);
        state.wake_first();
    }
}

/// A request in flight.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<Gate>,
    rank: Rank,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.rank.is_write() {
            let mut state = self.gate.lock();
            state.writes = state.writes.saturating_sub(1);
            state.wake_first();
        }
    }
}

/// At most so many each second, evenly, after a short burst.
#[derive(Debug)]
struct Rate {
    interval: Duration,
    /// When what has been sent is used up.
    used_until: Instant,
}

impl Rate {
    fn new(most_per_second: u32, now: Instant) -> Self {
        Self { interval: Duration::from_secs(1) / most_per_second.max(1), used_until: now }
    }

    /// # Errors
    /// When it is too early: from when on it is not.
    fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let used = self.used_until.saturating_duration_since(now);
        match used.checked_sub(AHEAD) {
            Some(early) if !early.is_zero() => return Err(now + early),
            _ => {}
        }
        self.used_until = self.used_until.max(now) + self.interval;
        Ok(())
    }
}
