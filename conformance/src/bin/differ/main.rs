//! Asks every binding the same random questions, and compares the answers with native's byte for byte; of the admission
//! module what it decides.
//!
//! ```text
//!   seed ──► question ──► native ──► every binding: the same answer, error or decision?
//!                                        └─ no ──► shrink ──► a case file
//! ```
#![expect(clippy::indexing_slicing, reason = "JSON that lacks a key is null there; nothing is indexed by a number")]

mod broken;
mod choices;
#[cfg(test)]
mod coverage;
mod hpa;
mod ovr;
mod question;
mod scene;

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::Parser;
use hpa_override_conformance::{
    Question, Random,
    bindings::{BROKEN, Binding, Bindings, answered},
    seed, shrunk, text,
};
use hpa_override_testbed::exit_code;

/// How many questions a binding was asked, how long it took, and native for the same.
type Times = BTreeMap<&'static str, (u32, Duration, Duration)>;

/// Asks every binding the same random questions.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    bindings: Bindings,
    /// How many questions.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Which questions: the same number asks the same. Default: by the clock.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    exit_code(run(&Args::parse()))
}

/// A success where there was no difference.
fn run(args: &Args) -> Result<ExitCode> {
    let (seed, bindings) = (seed(args.seed), args.bindings.start()?);
    let (mut random, mut times, start) = (Random(seed), Times::new(), Instant::now());
    for number in 1..=args.count {
        if let Some(difference) = ask(&question::question(&mut random), &bindings, &mut times) {
            print!("# question {number} of seed {seed}\n{difference}");
            return Ok(ExitCode::FAILURE);
        }
    }
    for (binding, (count, own, native)) in times {
        let own = own.as_secs_f64().max(f64::MIN_POSITIVE);
        let (rate, ratio) = (f64::from(count) / own, native.as_secs_f64() / own);
        println!("{binding}: {count} answers, {rate:.0} a second, {ratio:.3} of native on the same questions");
    }
    println!("{} questions, seed {seed}, {:.1} s, 0 differences", args.count, start.elapsed().as_secs_f32());
    Ok(ExitCode::SUCCESS)
}

/// The first difference, shrunk.
fn ask(question: &Question, bindings: &[Box<dyn Binding>], times: &mut Times) -> Option<String> {
    // The first call is a slow one, so it is not measured.
    let _ = question.native();
    let (native, natives) = timed(|| question.native());
    note(times, "native", natives, natives);
    bindings.iter().find_map(|binding| {
        let expected = binding.expected(question, &native)?;
        let (answer, own) = timed(|| answered(binding.as_ref(), question));
        note(times, binding.name(), own, natives);
        (answer != expected).then(|| described(question, binding.as_ref(), &answer))
    })
}

fn timed<T>(ask: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (ask(), start.elapsed())
}

fn note(times: &mut Times, binding: &'static str, own: Duration, native: Duration) {
    let (count, owns, natives) = times.entry(binding).or_default();
    *count += 1;
    *owns += own;
    *natives += native;
}

/// The difference in words, and as a case file. A binding that broke answers nothing more, so that question stays as it is.
fn described(question: &Question, binding: &dyn Binding, answer: &str) -> String {
    let with = |argument: &_| Question::new(question.function.clone(), Clone::clone(argument));
    let differs = |argument: &_| {
        let question = with(argument);
        binding.expected(&question, &question.native()).is_some_and(|expected| {
            let answer = answered(binding, &question);
            answer != expected && !answer.starts_with(BROKEN)
        })
    };
    let name = binding.name();
    if answer.starts_with(BROKEN) {
        let native = text(&question.native());
        return case_file(&[format!("{name} differs"), format!("{name} gives {answer}"), native], question);
    }
    let small = with(&shrunk(question.argument.clone(), differs));
    let expected = binding.expected(&small, &small.native()).unwrap_or_default();
    let gives = format!("{name} gives {}", answered(binding, &small));
    case_file(&[format!("{name} differs"), gives, format!("native gives {expected}")], &small)
}

/// A case that passes where every binding answers as native does, below what was found as comments.
fn case_file(found: &[String], Question { function, argument }: &Question) -> String {
    let mut lines: Vec<String> = found.iter().map(|line| format!("# {line}")).collect();
    lines.push(format!("title: every binding answers alike\nkind: question\nfunction: {function}"));
    match argument.as_object().filter(|map| !map.is_empty()) {
        Some(map) => {
            lines.push("argument:".into());
            lines.extend(map.iter().map(|(key, value)| format!("  {key}: {value}")));
        }
        None => lines.push(format!("argument: {argument}")),
    }
    lines.join("\n") + "\n"
}
