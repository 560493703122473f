//! `cargo xtask test`: everything that a change has to pass, cheapest answers first.
//!
//! It stops at the first failure with a command that repeats it alone, hides no output of the tools that it runs, and
//! assumes none beyond what `rust-toolchain.toml` installs.

mod binaries;
mod deny;
mod steps;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use steps::STEPS;

/// One thing to pass.
struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<()>,
}

/// Runs the steps in order; the table at the end is printed for a failure too.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut times = Vec::new();
    let outcome = STEPS.iter().enumerate().try_for_each(|(index, step)| {
        println!("\n== {}/{} {}", index + 1, STEPS.len(), step.name);
        let start = Instant::now();
        let outcome = (step.run)(workspace).with_context(|| format!("step `{}` failed", step.name));
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("== {} {word} in {:.1} s", step.name, start.elapsed().as_secs_f32());
        times.push((step.name, word, start.elapsed()));
        outcome
    });
    println!("\n{}", table(&times));
    outcome
}

fn table(times: &[(&str, &str, Duration)]) -> String {
    let line = |name: &str, word: &str, time: Duration| format!("{name:<22}{word:<8}{:>8.1} s", time.as_secs_f32());
    let mut lines: Vec<_> = times.iter().map(|(name, word, time)| line(name, word, *time)).collect();
    let passed = times.iter().filter(|(_, word, _)| *word == "ok").count();
    let count = format!("{passed}/{}", STEPS.len());
    lines.push(line("all steps", &count, times.iter().map(|(_, _, time)| *time).sum()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_adds_up() {
        let times = [("format", "ok", Duration::from_millis(1_250)), ("lints", "FAILED", Duration::from_secs(61))];
        let total = format!("all steps             {:<8}    62.2 s", format!("1/{}", STEPS.len()));
        let expected = ["format                ok           1.2 s", "lints                 FAILED      61.0 s", &total];
        assert_eq!(table(&times).lines().collect::<Vec<_>>(), expected);
    }
}
