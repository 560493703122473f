//! Asks every door the same random questions, and compares the answers with native's byte for byte; of the admission
//! module what it decides.
//!
//! ```text
//!   seed ──► question ──► native ──┬─► component, jco, javascript: the same answer, the same error?
//!                                  └─► wapc: the same decision?
//!                                            └─ no ──► shrink ──► a case file
//! ```
#![expect(clippy::indexing_slicing, reason = "JSON that lacks a key is null there; nothing is indexed by a number")]

mod broken;
mod case_file;
#[cfg(test)]
mod coverage;
mod hpa;
mod mistakes;
mod ovr;
mod question;
mod scene;
mod settings;
mod shrink;
mod some;
mod watch;

use std::{
    process::ExitCode,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use clap::Parser;
use hpa_override_testbed::{
    Random,
    doors::{Door, Doors, Native, Outcome, Wapc, decision},
    ended,
};

use self::{question::Question, watch::Watch};

/// Asks every door the same random questions.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    doors: Doors,
    /// How many questions.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Which questions: the same number asks the same. Default: by the clock.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

/// A success where there was no difference.
fn run(args: &Args) -> Result<ExitCode> {
    let seed =
        args.seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()));
    let (doors, wapc) = (args.doors.open()?, args.doors.open_wapc()?);
    let (mut random, mut watch, start) = (Random(seed), Watch::default(), Instant::now());
    for number in 1..=args.count {
        let question = question::question(&mut random);
        if let Some(difference) = ask(&question, &doors, wapc.as_ref(), &mut watch) {
            print!("# question {number} of seed {seed}\n{difference}");
            return Ok(ExitCode::FAILURE);
        }
    }
    print!("{watch}");
    println!("{} questions, seed {seed}, {:.1} s, 0 differences", args.count, start.elapsed().as_secs_f32());
    Ok(ExitCode::SUCCESS)
}

/// The first difference, shrunk.
fn ask(question: &Question, doors: &[Box<dyn Door>], wapc: Option<&Wapc>, watch: &mut Watch) -> Option<String> {
    // What is answered first is answered slowly, so it is not measured.
    let _ = question.native();
    let native = watch.native(|| question.native());
    let expected = text(&native);
    let Question { function, argument } = question;
    for door in doors.iter().filter(|door| door.name() != Native.name() && door.takes(function, argument, &native)) {
        let answer = watch.time(door.name(), || asked(door.as_ref(), question));
        if answer != expected {
            let gives = |question: &Question| gives(door.as_ref(), question);
            return Some(told(question, door.name(), &answer, gives, |question| Some(text(&question.native()))));
        }
    }
    let native = |question: &Question| decision::of_native(question.function, &question.argument);
    let (wapc, expected) = (wapc?, native(question)?);
    let decided = watch.time("wapc", || decision::of_wapc(wapc, function, argument))?;
    let gives = |question: &Question| {
        native(question).and_then(|_| decision::of_wapc(wapc, question.function, &question.argument))
    };
    (decided != expected).then(|| told(question, "wapc", &decided, gives, native))
}

/// What a door gives, as text. None where its types rule the question out.
fn gives(door: &dyn Door, question: &Question) -> Option<String> {
    let takes = door.takes(question.function, &question.argument, &question.native());
    takes.then(|| asked(door, question))
}

fn asked(door: &dyn Door, Question { function, argument }: &Question) -> String {
    match door.ask(function, argument) {
        Ok(Some(outcome)) => text(&outcome),
        Ok(None) => "nothing: it cannot be asked".into(),
        Err(error) => format!("{BROKEN}{error:#}"),
    }
}

/// What a door that breaks is said to give.
const BROKEN: &str = "broken: ";

fn text(outcome: &Outcome) -> String {
    match outcome {
        Ok(answer) => answer.to_string(),
        Err(error) => format!("error {error}"),
    }
}

/// The difference in words, and as a case file. A door that broke answers nothing more, so that question stays as it is.
fn told(
    question: &Question,
    door: &str,
    answer: &str,
    gives: impl Fn(&Question) -> Option<String>,
    native: impl Fn(&Question) -> Option<String>,
) -> String {
    let with = |argument: &_| Question { function: question.function, argument: Clone::clone(argument) };
    let differs = |argument: &_| {
        let question = with(argument);
        let answer = gives(&question).filter(|answer| !answer.starts_with(BROKEN));
        answer.is_some_and(|answer| native(&question).is_some_and(|native| native != answer))
    };
    let broken = answer.starts_with(BROKEN);
    let small = if broken { question.clone() } else { with(&shrink::shrunk(question.argument.clone(), differs)) };
    let answer = if broken { Some(answer.to_owned()) } else { gives(&small) };
    let [answer, native] = [answer, native(&small)].map(Option::unwrap_or_default);
    case_file::of(&format!("{door} differs\n{door} gives {answer}\nnative gives {native}"), &small)
}
