//! `cargo xtask test`: everything that a change has to pass, cheapest answers first.
//!
//! It stops at the first failure with a command that repeats it alone, hides no output of the tools that it runs, and
//! assumes none beyond what `rust-toolchain.toml` installs.

mod binaries;
mod deny;
mod imports;
mod steps;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use steps::STEPS;

/// One thing to pass: its name, and what does it.
type Step = (&'static str, fn(&Workspace) -> Result<()>);

/// Runs the steps in order; the table at the end is printed for a failure too.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut times = Vec::new();
    let outcome = STEPS.iter().enumerate().try_for_each(|(index, (name, step))| {
        println!("\n== {}/{} {name}", index + 1, STEPS.len());
        let start = Instant::now();
        let outcome = step(workspace).with_context(|| format!("step `{name}` failed"));
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("== {name} {word} in {:.1} s", start.elapsed().as_secs_f32());
        times.push((*name, word, start.elapsed()));
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
