//! A clock that a module reads instead of the real one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock that admission reads. Copies are the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Mutex<Reading>>);

#[derive(Clone, Copy, Debug)]
enum Reading {
    /// So many seconds apart from the real time.
    Apart(i64),
    /// It stops at that many seconds after 1970.
    Frozen(i64),
}

impl Default for Reading {
    fn default() -> Self {
        Self::Apart(0)
    }
}

impl Clock {
    /// It runs, so many seconds ahead of the real time (behind it, where negative).
    pub fn run(&self, ahead: i64) {
        self.set(Reading::Apart(ahead));
    }

    /// It stops at that second after 1970.
    pub fn freeze(&self, at: i64) {
        self.set(Reading::Frozen(at));
    }

    fn set(&self, reading: Reading) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }

    /// The time since 1970.
    pub(super) fn now(&self) -> Duration {
        let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Reading::Frozen(at) => seconds(at.max(0)),
            Reading::Apart(ahead) => {
                let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                if ahead < 0 { real.saturating_sub(seconds(ahead)) } else { real + seconds(ahead) }
            }
        }
    }
}
