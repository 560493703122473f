//! What is printed: when, what kind of line, and what was seen.
//!
//! ```text
//!     +9.8s  $ what somebody did          ✓ a promise, and the numbers by which it was kept
//!            │ what the server answered   ✗ a promise, and what was seen instead
//!     +9.9s  · what a watch reported
//! ```
//!
//! Lines come from several tasks and never mix. It says nothing by itself and counts promises.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "1;31";
const GREEN: &str = "32";

/// The one that prints.
pub(crate) struct Timeline {
    start: Instant,
    colour: bool,
    tally: Mutex<Tally>,
}

/// How many promises were kept, and which were not.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    pub(crate) kept: usize,
    pub(crate) broken: Vec<String>,
}

impl Timeline {
    /// Time counts from here.
    pub(crate) fn start() -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { start: Instant::now(), colour, tally: Mutex::default() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.lock().clone()
    }

    /// What comes next.
    pub(crate) fn chapter(&self, title: &str) {
        self.print(&format!("\n{}\n", self.paint(BOLD, title)));
    }

    /// Something that somebody did.
    pub(crate) fn did(&self, who: &str, command: &str) {
        self.line("$", &format!("{} {}", self.paint(DIM, &format!("{who}:")), self.paint(BOLD, command)), "");
    }

    /// Something that was seen; further lines are quoted below.
    pub(crate) fn saw(&self, what: &str) {
        self.line("·", what, "");
    }

    /// A promise: what was seen by which it was kept, or what was seen instead.
    pub(crate) fn promise(&self, promise: &str, outcome: Result<String>) {
        match outcome {
            Ok(seen) => {
                self.lock().kept += 1;
                self.line(&self.paint(GREEN, "✓"), &format!("{promise}: {seen}"), "");
            }
            Err(error) => {
                self.lock().broken.push(promise.to_owned());
                let broken = format!("NOT KEPT: {promise}; seen:");
                self.line(&self.paint(RED, "✗"), &self.paint(RED, &broken), &format!("{error:#}"));
            }
        }
    }

    /// Text as it is, set off from what is said here.
    pub(crate) fn quote(&self, text: &str) {
        self.print(&self.quoted(text));
    }

    /// Text without a time.
    pub(crate) fn note(&self, text: &str) {
        self.print(&format!("{text}\n"));
    }

    fn line(&self, mark: &str, text: &str, quote: &str) {
        let time = format!("{:>9}", format!("+{:.1}s", self.elapsed().as_secs_f64()));
        self.print(&format!("{}  {mark} {text}\n{}", self.paint(DIM, &time), self.quoted(quote)));
    }

    fn quoted(&self, text: &str) -> String {
        let bar = self.paint(DIM, "│");
        text.trim_end().lines().map(|line| format!("{:11}{bar} {line}\n", "")).collect()
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// In one piece. Where nobody reads any more (`| head`), the exit code still tells.
    fn print(&self, text: &str) {
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
