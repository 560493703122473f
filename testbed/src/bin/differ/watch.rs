//! How fast each door answers, and native the same questions.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// What was measured, door by door.
#[derive(Debug, Default)]
pub struct Watch {
    doors: BTreeMap<&'static str, Times>,
    /// Native's time on the question at hand.
    native: Duration,
}

#[derive(Debug, Default)]
struct Times {
    count: u32,
    own: Duration,
    natives: Duration,
}

impl Watch {
    /// Native's answer; to be asked first of every question.
    pub fn native<T>(&mut self, ask: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let answer = ask();
        self.native = start.elapsed();
        self.note("native", self.native);
        answer
    }

    /// The answer of another door to the same question.
    pub fn time<T>(&mut self, door: &'static str, ask: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let answer = ask();
        self.note(door, start.elapsed());
        answer
    }

    fn note(&mut self, door: &'static str, own: Duration) {
        let times = self.doors.entry(door).or_default();
        times.count += 1;
        times.own += own;
        times.natives += self.native;
    }
}

/// A line a door. The ratio is that of the speeds on the questions that the door was asked.
impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (door, Times { count, own, natives }) in &self.doors {
            let own = own.as_secs_f64().max(f64::MIN_POSITIVE);
            let (rate, ratio) = (f64::from(*count) / own, natives.as_secs_f64() / own);
            writeln!(f, "{door}: {count} answers, {rate:.0} a second, {ratio:.3} of native on the same questions")?;
        }
        Ok(())
    }
}
