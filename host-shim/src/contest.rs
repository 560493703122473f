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
#[derive(Clone, Copy, Debug, Default)]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_are_put_back_at_once_and_then_after_longer_and_longer_pauses() {
        let start = Moment::now();
        let mut contest = Contest::default();
        for second in 0..3 {
            assert_eq!(contest.note_revert(start.after(seconds(second))), Verdict::PutBack);
            assert_eq!(contest.goes_on_for(start.after(seconds(second))), None, "few reverts are no contest");
        }
        assert_eq!(contest.note_revert(start.after(seconds(3))), Verdict::Hold(seconds(2)));
        assert_eq!(contest.note_revert(start.after(seconds(4))), Verdict::Hold(seconds(1)));
        assert_eq!(contest.note_revert(start.after(seconds(5))), Verdict::PutBack);
        assert_eq!(contest.note_revert(start.after(seconds(6))), Verdict::Hold(seconds(3)));
        assert_eq!(contest.goes_on_for(start.after(seconds(6))), Some(seconds(59)));
        assert_eq!(contest.note_revert(start.after(seconds(9))), Verdict::PutBack);
        assert_eq!(contest.note_revert(start.after(seconds(9))), Verdict::Hold(seconds(8)));
    }

    #[test]
    fn a_pause_is_never_longer_than_five_minutes() {
        let (mut now, mut contest, mut longest) = (Moment::now(), Contest::default(), Duration::ZERO);
        for _ in 0..40 {
            if let Verdict::Hold(pause) = contest.note_revert(now) {
                longest = longest.max(pause);
                now = now.after(pause);
            }
        }
        assert_eq!(longest, LONGEST_PAUSE);
    }

    #[test]
    fn it_is_over_when_ours_has_stood_for_a_minute() {
        let start = Moment::now();
        let mut contest = Contest::default();
        for _ in 0..4 {
            contest.note_revert(start);
        }
        assert_eq!(contest.goes_on_for(start.after(seconds(59))), Some(seconds(1)));
        assert_eq!(contest.goes_on_for(start.after(seconds(60))), None);
        assert_eq!(contest.note_revert(start.after(seconds(60))), Verdict::PutBack);
    }

    #[test]
    fn reverts_a_minute_apart_are_no_contest() {
        let (mut now, mut contest) = (Moment::now(), Contest::default());
        for _ in 0..9 {
            assert_eq!(contest.note_revert(now), Verdict::PutBack);
            now = now.after(WINDOW);
        }
    }
}
