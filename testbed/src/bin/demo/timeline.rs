//! What is printed: when, what kind of line, and what was seen.
//!
//! Lines come from several tasks and never mix; what has several lines goes on below, set off from the next. It counts
//! promises.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

/// What the marks mean, for the reader.
pub(crate) const LEGEND: &str = "\
Seconds since the start, then
  $ what somebody does     │ what kubectl answers, or what is in a file
  · what the API server shows: to a watch, to a read, or in its audit log
  ✓ a promise that is kept, and the numbers by which     ✗ one that is not, and what was seen instead";

/// The one that prints.
pub(crate) struct Timeline {
    start: Instant,
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
        Self { start: Instant::now(), tally: Mutex::default() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Something that somebody did.
    pub(crate) fn did(&self, who: &str, command: &str) {
        self.lines('$', &format!("{who}: {command}"));
    }

    /// Something that was seen.
    pub(crate) fn saw(&self, what: &str) {
        self.lines('·', what);
    }

    /// The text of a file or a program.
    pub(crate) fn quote(&self, text: &str) {
        self.lines('│', &text.trim_end().replace('\n', "\n│ "));
    }

    /// A promise: what was seen by which it was kept, or what was seen instead.
    pub(crate) fn promise(&self, promise: &str, outcome: Result<String>) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(seen) => {
                tally.kept += 1;
                self.lines('✓', &format!("{promise}:\n  {}", seen.replace('\n', "\n  ")));
            }
            Err(error) => {
                tally.broken.push(promise.to_owned());
                self.lines('✗', &format!("NOT KEPT: {promise}; seen:\n  {error:#}"));
            }
        }
    }

    fn lines(&self, mark: char, text: &str) {
        let time = format!("+{:.1}s", self.elapsed().as_secs_f64());
        let below = if mark == '│' { "\n           " } else { "\n             " };
        note(&format!("{time:>9}  {mark} {}", text.replace('\n', below)));
    }
}

/// What comes next.
pub(crate) fn chapter(title: &str) {
    note(&format!("\n── {title}"));
}

/// Text without a time, in one piece. Where nobody reads any more (`| head`), the exit code still shows the result.
pub(crate) fn note(text: &str) {
    let _ = std::io::stdout().lock().write_all(format!("{text}\n").as_bytes());
}
