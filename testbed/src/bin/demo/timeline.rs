//! What is printed: when, what kind of line, and what was seen.
//!
//! Lines come from several tasks and never mix. A long one goes on below, set off from the next. It counts promises, and
//! says nothing by itself.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

/// What the marks mean, for the reader.
pub(crate) const LEGEND: &str = "\
Seconds since the start, then
  $ what somebody does     │ what kubectl answers, or what is in a file
  · what the API server shows: to a watch, to a read, or in its audit log
  ✓ a promise that is kept, and the numbers by which     ✗ one that is not, and what was seen instead";

/// Characters of a line beside its time.
const WIDTH: usize = 107;

const PLAIN: &str = "";
const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
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
    /// Time counts from here. There is colour on a terminal, unless `NO_COLOR` is set.
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
        note(&format!("\n{}", self.paint(BOLD, title)));
    }

    /// Something that somebody did.
    pub(crate) fn did(&self, who: &str, command: &str) {
        self.lines("$", PLAIN, BOLD, "   ", &format!("{who}: {command}"));
    }

    /// Something that was seen.
    pub(crate) fn saw(&self, what: &str) {
        self.lines("·", PLAIN, PLAIN, "   ", what);
    }

    /// The text of a file or a program.
    pub(crate) fn quote(&self, text: &str) {
        self.lines("│", PLAIN, PLAIN, "│", text);
    }

    /// A promise: what was seen by which it was kept, or what was seen instead.
    pub(crate) fn promise(&self, promise: &str, outcome: Result<String>) {
        match outcome {
            Ok(seen) => {
                self.lock().kept += 1;
                let fits = promise.chars().count() + seen.chars().count() + 2 <= WIDTH;
                let gap = if fits && !seen.contains('\n') { " " } else { "\n" };
                self.lines("✓", GREEN, PLAIN, "   ", &format!("{promise}:{gap}{seen}"));
            }
            Err(error) => {
                self.lock().broken.push(promise.to_owned());
                self.lines("✗", RED, RED, "   ", &format!("NOT KEPT: {promise}; seen:\n{error:#}"));
            }
        }
    }

    /// The first line behind time and mark, the others behind `below`.
    fn lines(&self, mark: &str, mark_colour: &str, colour: &str, below: &str, text: &str) {
        let time = format!("{:>9} ", format!("+{:.1}s", self.elapsed().as_secs_f64()));
        let first = format!("{} {} ", self.paint(DIM, &time), self.paint(mark_colour, mark));
        let others = format!("\n{:11}{below} ", "");
        let lines = text.trim_end().lines().flat_map(|line| wrap(line, WIDTH));
        let lines: Vec<_> = lines.map(|line| self.paint(colour, &line)).collect();
        print(&format!("{first}{}\n", lines.join(&others)));
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour && !colour.is_empty() { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Text without a time.
pub(crate) fn note(text: &str) {
    print(&format!("{text}\n"));
}

/// In one piece. Where nobody reads any more (`| head`), the exit code still tells.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Breaks a line that is too long at its spaces; others stay as they are.
fn wrap(line: &str, width: usize) -> Vec<String> {
    if line.chars().count() <= width {
        return vec![line.to_owned()];
    }
    let mut done = Vec::new();
    let mut current = String::new();
    for word in line.split(' ') {
        if !current.is_empty() && current.chars().count() + 1 + word.chars().count() > width {
            done.push(std::mem::take(&mut current));
        }
        let gap = if current.is_empty() { "" } else { " " };
        current = current + gap + word;
    }
    done.push(current);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_fits_stays_as_it_is() {
        assert_eq!(wrap("  a  b", 6), ["  a  b"]);
    }

    #[test]
    fn a_long_line_breaks_at_spaces_alone() {
        assert_eq!(wrap("one two three-four-five six", 9), ["one two", "three-four-five", "six"]);
    }
}
