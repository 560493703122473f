//! A contest: somebody without the merge policy keeps writing other bounds over ours.
//!
//! Three reverts within a minute are put back at once. From then on each is put back only after a pause, twice as long
//! each time, so that two controllers never make a write storm of one HPA.

use std::time::Duration;

use crate::context::Moment;

/// Reverts within [`WINDOW`] that are put back at once.
const FREE: u32 = 3;
const WINDOW: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// What to do about a revert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Put ours back.
    PutBack,
    /// Put ours back only after that time.
    Hold(Duration),
}

/// The reverts of one HPA.
#[derive(Debug, Default)]
pub struct Contest {
    reverts: u32,
    first: Option<Moment>,
    /// When the pause before the next write began, and how long it is.
    pause: Option<(Moment, Duration)>,
}

impl Contest {
    /// Judges a revert that is to be put back at `now`.
    pub fn note_revert(&mut self, now: Moment) -> Verdict {
        if self.left(now).is_none() {
            *self = Self { first: Some(now), ..Self::default() };
        }
        if let Some((since, pause)) = self.pause
            && let Some(left) = rest(pause, now, since)
        {
            return Verdict::Hold(left);
        }
        self.reverts += 1;
        if self.reverts <= FREE {
            return Verdict::PutBack;
        }
        let held_already = self.pause.is_some();
        let pause = self.next_pause();
        self.pause = Some((now, pause));
        if held_already { Verdict::PutBack } else { Verdict::Hold(pause) }
    }

    /// How much longer it counts as going on; none where reverts were few, or ours has stood for long enough: as long
    /// again as the last pause, at least a minute.
    pub fn goes_on_for(&self, now: Moment) -> Option<Duration> {
        self.pause.and_then(|_| self.left(now))
    }

    fn left(&self, now: Moment) -> Option<Duration> {
        let paused = self.pause.map(|(since, pause)| (since, pause.saturating_mul(2).max(WINDOW)));
        let (since, length) = paused.or_else(|| self.first.map(|first| (first, WINDOW)))?;
        rest(length, now, since)
    }

    fn next_pause(&self) -> Duration {
        let doubled = self.pause.map_or(FIRST_PAUSE, |(_, pause)| pause.saturating_mul(2));
        doubled.min(LONGEST_PAUSE)
    }
}

/// What is left of `length` since `since`; none where nothing is.
fn rest(length: Duration, now: Moment, since: Moment) -> Option<Duration> {
    length.checked_sub(now.since(since)).filter(|left| !left.is_zero())
}
