//! The backoff of one HPA whose bounds somebody keeps reverting, where there is no merge policy.
//!
//! Three reverts within a minute are undone at once. From then on each is undone only after a delay, twice as long each
//! time, so that two controllers never make a write storm of one HPA.

use std::time::Duration;

use crate::clock::Moment;

/// Reverts within [`WINDOW`] that are undone at once.
const FREE: u32 = 3;
const WINDOW: Duration = Duration::from_mins(1);
const FIRST_DELAY: Duration = Duration::from_secs(2);
const LONGEST_DELAY: Duration = Duration::from_mins(5);

/// The reverts of one HPA.
#[derive(Clone, Copy, Debug, Default)]
pub struct RevertBackoff {
    reverts: u32,
    first: Option<Moment>,
    /// When the delay before the next write began, and how long it is.
    delay: Option<(Moment, Duration)>,
}

impl RevertBackoff {
    /// Counts a revert that is to be undone at `now`; how long to wait before that, none: undo it now.
    pub fn note_revert(&mut self, now: Moment) -> Option<Duration> {
        if self.left(now).is_none() {
            *self = Self { first: Some(now), ..Self::default() };
        }
        if let Some((since, delay)) = self.delay
            && let Some(left) = remaining(delay, now, since)
        {
            return Some(left);
        }
        self.reverts += 1;
        if self.reverts <= FREE {
            return None;
        }
        let delayed_already = self.delay.is_some();
        let delay = self.next_delay();
        self.delay = Some((now, delay));
        (!delayed_already).then_some(delay)
    }

    /// How much longer the HPA counts as contested; none where reverts were few, or there has been none since the last
    /// delay ended for as long as that delay, at least a minute from its start.
    pub fn contested_for(&self, now: Moment) -> Option<Duration> {
        self.delay.and_then(|_| self.left(now))
    }

    fn left(&self, now: Moment) -> Option<Duration> {
        let delayed = self.delay.map(|(since, delay)| (since, delay.saturating_mul(2).max(WINDOW)));
        let (since, length) = delayed.or_else(|| self.first.map(|first| (first, WINDOW)))?;
        remaining(length, now, since)
    }

    fn next_delay(&self) -> Duration {
        let doubled = self.delay.map_or(FIRST_DELAY, |(_, delay)| delay.saturating_mul(2));
        doubled.min(LONGEST_DELAY)
    }
}

/// What is left of `length` since `since`; none where nothing is.
fn remaining(length: Duration, now: Moment, since: Moment) -> Option<Duration> {
    length.checked_sub(now.since(since)).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn now() -> Moment {
        Clock::System { offset: 0 }.now()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_are_undone_at_once_and_then_after_longer_and_longer_delays() {
        let start = now();
        let mut backoff = RevertBackoff::default();
        for second in 0..3 {
            assert_eq!(backoff.note_revert(start.after(seconds(second))), None);
            assert_eq!(backoff.contested_for(start.after(seconds(second))), None, "few reverts");
        }
        assert_eq!(backoff.note_revert(start.after(seconds(3))), Some(seconds(2)));
        assert_eq!(backoff.note_revert(start.after(seconds(4))), Some(seconds(1)));
        assert_eq!(backoff.note_revert(start.after(seconds(5))), None);
        assert_eq!(backoff.note_revert(start.after(seconds(6))), Some(seconds(3)));
        assert_eq!(backoff.contested_for(start.after(seconds(6))), Some(seconds(59)));
        assert_eq!(backoff.note_revert(start.after(seconds(9))), None);
        assert_eq!(backoff.note_revert(start.after(seconds(9))), Some(seconds(8)));
    }

    /// Somebody who reverts as soon as the override's bounds are there.
    #[test]
    fn at_most_seven_are_undone_in_the_first_minute() {
        let start = now();
        let (mut now, mut backoff, mut undone) = (start, RevertBackoff::default(), 0);
        while now.since(start) < seconds(60) {
            match backoff.note_revert(now) {
                None => undone += 1,
                Some(delay) => now = now.after(delay),
            }
        }
        assert_eq!(undone, 7);
    }

    #[test]
    fn a_delay_is_never_longer_than_five_minutes() {
        let (mut now, mut backoff, mut longest) = (now(), RevertBackoff::default(), Duration::ZERO);
        for _ in 0..40 {
            if let Some(delay) = backoff.note_revert(now) {
                longest = longest.max(delay);
                now = now.after(delay);
            }
        }
        assert_eq!(longest, LONGEST_DELAY);
    }

    #[test]
    fn it_is_over_when_there_was_no_revert_for_a_minute() {
        let start = now();
        let mut backoff = RevertBackoff::default();
        for _ in 0..4 {
            backoff.note_revert(start);
        }
        assert_eq!(backoff.contested_for(start.after(seconds(59))), Some(seconds(1)));
        assert_eq!(backoff.contested_for(start.after(seconds(60))), None);
        assert_eq!(backoff.note_revert(start.after(seconds(60))), None);
    }

    #[test]
    fn reverts_a_minute_apart_are_undone_at_once() {
        let (mut now, mut backoff) = (now(), RevertBackoff::default());
        for _ in 0..9 {
            assert_eq!(backoff.note_revert(now), None);
            now = now.after(WINDOW);
        }
    }
}
