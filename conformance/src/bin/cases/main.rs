//! Runs a folder of conformance cases natively and through every binding, and reports where an answer differs.
//!
//! ```text
//!   *.yaml ──► corpus: questions, native's answers, what the case expects
//!                  └──► every binding that can be asked: the same answers? ──► one line a failure
//! ```

mod tally;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, ensure};
use clap::Parser;
use hpa_override_conformance::{
    bindings::{Binding, Bindings, answered},
    corpus::{Case, Run, files, run},
};
use hpa_override_testbed::exit_code;

use self::tally::{Outcome, Tally};

/// Runs a folder of conformance cases through every binding.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    bindings: Bindings,
    /// The folder, searched recursively for `*.yaml`; or one file.
    folder: PathBuf,
}

fn main() -> ExitCode {
    exit_code(run_all(&Args::parse()))
}

/// A success where all passed.
fn run_all(args: &Args) -> Result<ExitCode> {
    let bindings = args.bindings.start()?;
    let files = files(&args.folder)?;
    ensure!(!files.is_empty(), "there is no case in {}; cases are files `*.yaml`", args.folder.display());
    let mut tally = Tally::default();
    for file in &files {
        let failure = match Case::read(file) {
            Ok(case) => tally.count(ask(run(&case), &bindings)),
            Err(error) => Some(tally.count_unreadable(&error)),
        };
        if let Some(failure) = failure {
            println!("FAILED {}: {failure}", file.display());
        }
    }
    print!("{tally}");
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What differs: natively from what the case expects, in a binding from native. One that is asked nothing is left out.
fn ask(Run { asked, differences }: Run, bindings: &[Box<dyn Binding>]) -> Outcome {
    let by_binding = bindings.iter().filter_map(|binding| {
        let mut answers = asked.iter().filter_map(|(question, native)| {
            let expected = binding.expected(question, native)?;
            let answer = answered(binding.as_ref(), question);
            let function = &question.function;
            Some((answer != expected).then(|| format!("{function} gives {answer}, native {expected}")))
        });
        let first = answers.next()?;
        Some((binding.name(), first.into_iter().chain(answers.flatten()).collect()))
    });
    Outcome { by_binding: by_binding.collect(), unexpected: differences }
}
