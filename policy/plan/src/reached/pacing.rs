//! How often scale targets are read. Numbers only: the host has the clock.

use std::time::Duration;

/// The most reads in one second, of all scale targets together.
pub const MOST_READS_PER_SECOND: u32 = 50;
/// Seconds after which a target is read again that has just changed.
const SHORTEST: u64 = 5;
/// Seconds after which it is read again in any case.
const LONGEST: u64 = 300;

/// After how long a scale target is read again that did not change in the last `unchanged` reads: 5 s, twice as long each
/// time, at most 5 min.
#[must_use]
pub fn read_again_after(unchanged: u32) -> Duration {
    let factor = 2_u64.saturating_pow(unchanged);
    Duration::from_secs(SHORTEST.saturating_mul(factor).min(LONGEST))
}

/// The pause between two reads, of whatever targets.
#[must_use]
pub fn pause_between_reads() -> Duration {
    Duration::from_secs(1) / MOST_READS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_nothing_changes_the_fewer_reads() {
        let seconds = |unchanged| read_again_after(unchanged).as_secs();
        assert_eq!((0..9).map(seconds).collect::<Vec<_>>(), [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(seconds(u32::MAX), 300);
    }

    #[test]
    fn fifty_reads_fit_into_a_second() {
        assert_eq!(pause_between_reads() * MOST_READS_PER_SECOND, Duration::from_secs(1));
    }
}
