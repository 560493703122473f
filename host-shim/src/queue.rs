//! What is to be done next, and for which object: one entry per key, however often it is asked for.
//!
//! ```text
//!   add ─────────► waiting: ends, then beginnings, then statuses; within those, namespaces in turn ──► next ──► Running
//!   add_after ──► delayed ──► (its time comes) ──────────┘                                                       │
//!                                  └────────────── asked for meanwhile: once more ◄────── dropped ◄──────────────┘
//! ```
//! It does nothing itself: it starts no task and writes no log. Whoever takes a [`Running`] does the work and drops it.
//! All waiting is for a notification or for one timer; nothing polls.

mod entries;
mod lines;
mod priority;

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use self::entries::{Entries, Wake, Wanted};
pub use self::priority::Priority;
use crate::object::Key;

/// No delay is longer.
const LONGEST_DELAY: Duration = Duration::from_hours(24);

/// A queue of keys. A clone is the same queue.
///
/// # Guarantees
/// - A key is in it once. Never are two [`Running`] of one key there at one time.
/// - Nothing that is added is lost: after the last `add` of a key, a run of it begins.
/// - What is asked for one key in several ways is done once: at the earliest of the times, with the highest of the
///   priorities.
/// - Within a priority every namespace that waits has a turn before any has a second one.
/// - A key that neither waits nor runs takes no memory.
///
/// A higher priority always goes before a lower one, which may so wait for as long as there is more of the higher.
#[derive(Clone, Debug, Default)]
pub struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    entries: Mutex<Entries>,
    /// Wakes those who wait in `next`, as [`Wake`] says.
    changed: Notify,
}

impl Queue {
    /// Asks for a run as soon as may be. A key that waits keeps its place, unless the priority is a higher one; while it
    /// runs, it will run once more.
    pub fn add(&self, key: &Key, priority: Priority) {
        self.want(key, Wanted { at: None, priority });
    }

    /// Asks for a run after a delay, at most a day: a retry. Where an earlier run is asked for, before or after this, that one
    /// is all.
    pub fn add_after(&self, key: &Key, priority: Priority, delay: Duration) {
        self.want(key, Wanted { at: Some(Instant::now() + delay.min(LONGEST_DELAY)), priority });
    }

    /// The next to be run, once there is one; `None` after [`Self::close`]. Any number of tasks may wait; dropping the future
    /// loses nothing.
    pub async fn next(&self) -> Option<Running> {
        loop {
            let mut changed = pin!(self.0.changed.notified());
            let earliest = {
                let mut entries = self.entries();
                if entries.is_closed() {
                    return None;
                }
                entries.release(Instant::now());
                if let Some((key, priority)) = entries.take() {
                    return Some(Running { queue: self.clone(), key, priority });
                }
                // Under the lock: of two keys added before two of those who wait are known to wait, one would be missed.
                changed.as_mut().enable();
                entries.earliest()
            };
            match earliest {
                // Either way it is time to look.
                Some(at) => drop(timeout_at(at, changed).await),
                None => changed.await,
            }
        }
    }

    /// Lets every `next` end, now and from now on. What runs is not touched.
    pub fn close(&self) {
        self.entries().close();
        self.wake(Wake::All);
    }

    /// How many keys wait for their turn, and how long the one has waited that has waited longest.
    pub fn waiting(&self, now: Instant) -> (usize, Duration) {
        let (count, oldest) = self.entries().waiting();
        (count, oldest.map(|since| now.saturating_duration_since(since)).unwrap_or_default())
    }

    /// When the last run was over.
    pub fn finished(&self) -> Option<Instant> {
        self.entries().finished()
    }

    /// How many keys are to be run, those with a delay included, those that run not.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether no key waits for its turn; it may for its time.
    pub fn is_idle(&self) -> bool {
        self.entries().is_idle()
    }

    fn want(&self, key: &Key, wanted: Wanted) {
        let wake = self.entries().want(key, wanted, Instant::now());
        self.wake(wake);
    }

    fn wake(&self, wake: Wake) {
        match wake {
            Wake::Nobody => {}
            Wake::One => self.0.changed.notify_one(),
            Wake::All => self.0.changed.notify_waiters(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key whose turn it is. Dropping it ends the run, also where that is by a panic; what was asked for meanwhile is then to
/// be run.
#[derive(Debug)]
pub struct Running {
    queue: Queue,
    key: Key,
    priority: Priority,
}

impl Running {
    /// Whose turn it is.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The highest that was asked for.
    pub fn priority(&self) -> Priority {
        self.priority
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let wake = self.queue.entries().finish(&self.key, Instant::now());
        self.queue.wake(wake);
    }
}

#[cfg(test)]
mod tests;
