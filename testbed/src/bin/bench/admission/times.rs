//! Times of two that do the same in turn, and how they compare.

use std::time::Duration;

use anyhow::Result;

/// Rounds that are not counted: caches fill, connections warm up.
const WARM_UP: usize = 50;

/// Times of one, sorted.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Does it so often with each of several, in turn; which of them goes first changes, too.
    pub(crate) fn in_turn<const N: usize>(
        count: usize,
        mut once: impl FnMut(usize) -> Result<Duration>,
    ) -> Result<[Self; N]> {
        let mut times = [(); N].map(|()| Vec::with_capacity(count));
        for round in 0..WARM_UP + count {
            for which in (0..N).map(|which| (which + round) % N) {
                let time = once(which)?;
                if let Some(times) = times.get_mut(which).filter(|_| round >= WARM_UP) {
                    times.push(time);
                }
            }
        }
        for times in &mut times {
            times.sort_unstable();
        }
        Ok(times.map(Self))
    }

    /// The time within which that share of a hundred is done, in milliseconds.
    fn within(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * percent / 100).map_or(0.0, Duration::as_secs_f64) * 1000.0
    }

    /// How many are done in a second, one after another.
    fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.0.len()).unwrap_or(u32::MAX)) / self.0.iter().sum::<Duration>().as_secs_f64()
    }
}

/// The line above those of [`print()`].
pub(crate) fn head() -> String {
    let each = format!("{:>9}{:>9}{:>9}", "p50 ms", "p99 ms", "a second");
    format!("{:<52}  accept-only:{}  hpa-override:{}  ratio:{:>6}{:>6}", "", &each, &each, "p50", "p99")
}

/// One line: each of the two, and the second as a multiple of the first.
pub(crate) fn print(what: &str, [accepting, ours]: [&Times; 2]) {
    let each = |times: &Times| format!("{:>9.3}{:>9.3}{:>9.0}", times.within(50), times.within(99), times.per_second());
    let [p50, p99] = [50, 99].map(|percent| ours.within(percent) / accepting.within(percent));
    let (accepting, ours) = (each(accepting), each(ours));
    println!("{what:<52}              {accepting}               {ours}        {p50:>6.2}{p99:>6.2}");
}
