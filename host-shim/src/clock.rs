//! The clock, injected everywhere: the only place in this crate that reads the time.
//!
//! Decisions are made by wall-clock instants in whole seconds, lengths of time are measured by a clock that is never set back.
//! In tests both follow tokio's time, which can be paused.

#[cfg(test)]
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hpa_override_core::Instant;
use tokio::time::Instant as SteadyInstant;

/// However far off an instant is, the wall clock is read this often: it may be set, and a machine may be suspended.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How far the two clocks may drift apart within [`LONGEST_SLEEP`].
const SLACK: Duration = Duration::from_secs(1);

/// Where the time comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The wall clock of the machine, with seconds added that only tests set.
    System {
        /// Seconds to add, negative ones to subtract.
        offset: i64,
    },
    /// A wall clock that advances with tokio's time. For tests.
    #[cfg(test)]
    Simulated {
        /// What it shows at `since`.
        start: Duration,
        /// When it was made.
        since: SteadyInstant,
        /// By how many seconds it has been set ahead since; negative, where it has been set back.
        set: &'static AtomicI64,
    },
}

impl Clock {
    /// Reads it.
    pub fn now(self) -> Moment {
        let steady = SteadyInstant::now();
        let wall = match self {
            Self::System { offset } => shifted(since_1970(), offset),
            #[cfg(test)]
            Self::Simulated { start, since, set } => {
                shifted(start + steady.saturating_duration_since(since), set.load(Ordering::Relaxed))
            }
        };
        Moment { wall, steady }
    }

    /// A clock that shows `start` now. For tests with paused time.
    #[cfg(test)]
    pub fn simulated(start: Instant) -> Self {
        Self::Simulated { start: wall(start), since: SteadyInstant::now(), set: Box::leak(Box::default()) }
    }

    /// Sets a simulated clock ahead, or back by negative seconds.
    #[cfg(test)]
    pub fn set(self, seconds: i64) {
        match self {
            Self::Simulated { set, .. } => drop(set.fetch_add(seconds, Ordering::Relaxed)),
            Self::System { .. } => panic!("the clock of the machine is not set by tests"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one reading of the wall clock")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn shifted(time: Duration, seconds: i64) -> Duration {
    let shift = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { time.saturating_sub(shift) } else { time.saturating_add(shift) }
}

fn wall(instant: Instant) -> Duration {
    Duration::from_secs(u64::try_from(instant.as_unix()).unwrap_or_default())
}

/// One reading of the clock; a decision uses one.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Since 1970, as the wall clock has it.
    wall: Duration,
    steady: SteadyInstant,
}

impl Moment {
    /// For lengths of time: never set back.
    pub fn steady(self) -> SteadyInstant {
        self.steady
    }

    /// How long ago `earlier` was; zero where it is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        self.steady.saturating_duration_since(earlier.steady)
    }

    /// How old what was so `earlier` is: by whichever clock has gone further. A machine that was suspended has a steady clock
    /// that stood still.
    pub fn age_of(self, earlier: Self) -> Duration {
        self.since(earlier).max(self.wall.saturating_sub(earlier.wall))
    }

    /// The instant of the decision: floored to whole seconds.
    pub fn instant(self) -> Instant {
        Instant::from_unix(i64::try_from(self.wall.as_secs()).unwrap_or(i64::MAX))
    }

    /// Whether the wall clock was set back since `earlier`, by more than a second.
    pub fn is_set_back_since(self, earlier: Self) -> bool {
        self.wall + SLACK < earlier.wall + self.since(earlier)
    }

    /// How long ago the wall clock showed `instant`; zero where that is to come.
    pub fn past(self, instant: Instant) -> Duration {
        self.wall.saturating_sub(wall(instant))
    }

    /// How long until the wall clock shows `instant`; zero where that is past.
    pub fn until(self, instant: Instant) -> Duration {
        wall(instant).saturating_sub(self.wall)
    }
}

#[cfg(test)]
impl Moment {
    /// A later moment.
    pub fn after(self, time: Duration) -> Self {
        Self { wall: self.wall + time, steady: self.steady + time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_advances_with_tokio() {
        let start: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
        let clock = Clock::simulated(start);
        let first = clock.now();
        tokio::time::advance(Duration::from_millis(1500)).await;
        let second = clock.now();
        assert_eq!(second.instant().as_unix() - start.as_unix(), 1, "whole seconds");
        assert_eq!(second.since(first), Duration::from_millis(1500));
        assert_eq!(second.until(start.saturating_add(2)), Duration::from_millis(500));
        assert_eq!(second.until(start), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_is_set_back_is_noticed() {
        let [now, later, earlier] = [0, 5, -5].map(|offset| Clock::System { offset }.now());
        assert!(earlier.is_set_back_since(now) && now.is_set_back_since(later));
        assert!(!later.is_set_back_since(now) && !now.is_set_back_since(now));
    }

    #[tokio::test(start_paused = true)]
    async fn an_age_is_by_the_clock_that_has_gone_further() {
        let [now, resumed] = [0, 3600].map(|offset| Clock::System { offset }.now());
        assert!(resumed.age_of(now) >= Duration::from_hours(1), "the machine was suspended");
        let clock = Clock::simulated("2026-11-27T06:00:00Z".parse().unwrap());
        let before = clock.now();
        clock.set(-60);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now().age_of(before), Duration::from_secs(2), "the wall clock was set back");
    }

    #[test]
    fn an_offset_shifts_the_wall_clock_alone() {
        let (plain, late) = (Clock::System { offset: 0 }.now(), Clock::System { offset: 3600 }.now());
        let ahead = late.instant().as_unix() - plain.instant().as_unix();
        assert!((3600..=3602).contains(&ahead), "{ahead}");
        assert!(late.since(plain) < Duration::from_secs(2));
    }
}
