//! How fast each door answers.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// Questions asked and time taken, door by door.
#[derive(Debug, Default)]
pub struct Watch(BTreeMap<&'static str, (u32, Duration)>);

impl Watch {
    /// Times one answer; none was not asked.
    pub fn time<T>(&mut self, door: &'static str, ask: impl FnOnce() -> Option<T>) -> Option<T> {
        let start = Instant::now();
        let answer = ask()?;
        let (count, time) = self.0.entry(door).or_default();
        *count += 1;
        *time += start.elapsed();
        Some(answer)
    }
}

/// A line a door.
impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |(count, time): &(u32, Duration)| f64::from(*count) / time.as_secs_f64().max(f64::MIN_POSITIVE);
        let native = self.0.get("native").map_or(1.0, rate);
        for (door, measured) in &self.0 {
            let rate = rate(measured);
            writeln!(f, "{door}: {} answers, {rate:.0} a second, {:.3} of native", measured.0, rate / native)?;
        }
        Ok(())
    }
}
