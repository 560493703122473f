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
mod decision;
mod question;
mod shrink;
mod watch;

use std::{
    process::ExitCode,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use clap::Parser;
use hpa_override_testbed::{
    Random,
    doors::{Door, Doors, Native, Outcome, Wapc},
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
            println!("question {number} of seed {seed}: {difference}");
            return Ok(ExitCode::FAILURE);
        }
    }
    print!("{watch}");
    println!("{} questions, seed {seed}, {:.1} s, 0 differences", args.count, start.elapsed().as_secs_f32());
    Ok(ExitCode::SUCCESS)
}

/// The first difference, shrunk.
fn ask(question: &Question, doors: &[Box<dyn Door>], wapc: Option<&Wapc>, watch: &mut Watch) -> Option<String> {
    let native = native(question);
    for door in doors {
        if rules_out(door.as_ref(), &native) {
            continue;
        }
        let answer = watch.time(door.name(), || asked(door.as_ref(), question));
        if let Some(answer) = answer.filter(|answer| *answer != text(&native)) {
            let gives = |question: &Question| gives(door.as_ref(), question);
            return Some(told(question, door.name(), &answer, gives, |question| Some(text(&self::native(question)))));
        }
    }
    let (wapc, expected) = (wapc?, decision::of_native(question)?);
    let decided = watch.time("wapc", || decision::of_wapc(wapc, question))?;
    let gives = |question: &Question| decision::of_native(question).and_then(|_| decision::of_wapc(wapc, question));
    (decided != expected).then(|| told(question, "wapc", &decided, gives, decision::of_native))
}

fn native(Question { function, argument }: &Question) -> Outcome {
    Native::answer(function, argument)
}

/// Whether the door's types rule out what native refuses.
fn rules_out(door: &dyn Door, native: &Outcome) -> bool {
    let refused = |code: &str| ["functionUnknown", "keyUnknown", "typeInvalid"].contains(&code);
    door.is_typed() && native.as_ref().is_err_and(|error| error["code"].as_str().is_some_and(refused))
}

/// What a door gives, as text. None where its types rule the question out.
fn gives(door: &dyn Door, question: &Question) -> Option<String> {
    if rules_out(door, &native(question)) { None } else { asked(door, question) }
}

fn asked(door: &dyn Door, Question { function, argument }: &Question) -> Option<String> {
    match door.ask(function, argument) {
        Ok(outcome) => outcome.as_ref().map(text),
        Err(error) => Some(format!("broken: {error:#}")),
    }
}

fn text(outcome: &Outcome) -> String {
    match outcome {
        Ok(answer) => answer.to_string(),
        Err(error) => format!("error {error}"),
    }
}

/// The difference in words, and as a case file. A door that broke answers nothing more.
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
        gives(&question).is_some_and(|answer| native(&question).is_some_and(|native| native != answer))
    };
    let broken = answer.starts_with("broken: ");
    let small = if broken { question.clone() } else { with(&shrink::shrunk(question.argument.clone(), differs)) };
    let answer = if broken { Some(answer.to_owned()) } else { gives(&small) };
    let [answer, native] = [answer, native(&small)].map(Option::unwrap_or_default);
    format!("{door} differs\n# {} gives {answer}\n# native gives {native}\n{}", small.function, case_file::of(&small))
}
