//! From the verb to its file.

use std::{ffi::OsString, process::ExitCode};

use clap::CommandFactory as _;
use clap_complete::engine::complete;

use crate::{
    args::{Args, Verb},
    failure::{Failure, Outcome},
    say::say,
    session::Session,
    verbs::{
        adopt, completion, doctor, end, explain, extend, hold, list, man, preview, release, set, suspend, validate,
        version,
    },
};

/// cobra's "these are no files": what kubectl expects on the last line.
const NO_FILES: &str = ":4";

/// Does what is asked for.
pub async fn run(verb: Verb, session: &Session) -> Outcome {
    match verb {
        Verb::Set(args) => set::run(args, session).await,
        Verb::Hold(args) => hold::run(args, session).await,
        Verb::List(args) => list::run(args, session).await,
        Verb::Explain(args) => explain::run(&args, session).await,
        Verb::Extend(args) => extend::run(&args, session).await,
        Verb::End(args) => end::run(&args, session).await,
        Verb::Suspend(args) => suspend::run(&args, true, session).await,
        Verb::Resume(args) => suspend::run(&args, false, session).await,
        Verb::Preview(args) => preview::run(&args, session).await,
        Verb::Validate(args) => validate::run(&args, session),
        Verb::Doctor(args) => doctor::run(&args, session).await,
        Verb::Adopt(args) => adopt::run(&args, session).await,
        Verb::Release(args) => release::run(&args, session).await,
        Verb::Completion(args) => completion::run(&args),
        Verb::Version(args) => version::run(&args, session).await,
        Verb::Man(args) => man::run(&args, Args::command()),
        // Answered before there is a runtime.
        Verb::Complete { .. } => Ok(ExitCode::SUCCESS),
    }
}

/// Answers kubectl's own completion: what can follow the words, a line each.
pub fn answer_kubectl(words: Vec<String>) -> Outcome {
    let mut command = Args::command();
    let name = OsString::from(command.get_name());
    let last = words.len().max(1);
    let is_flag = words.last().is_some_and(|word| word.starts_with('-'));
    let words: Vec<OsString> = [name].into_iter().chain(words.into_iter().map(OsString::from)).collect();
    let found = complete(&mut command, words, last, None).map_err(|error| Failure::new(error.to_string()))?;
    for candidate in found {
        let value = candidate.get_value().to_string_lossy();
        // As kubectl does, flags are for who has begun to type one.
        if value.starts_with('-') && !is_flag {
            continue;
        }
        match candidate.get_help() {
            Some(help) => say!("{value}\t{}", help.to_string().lines().next().unwrap_or_default()),
            None => say!("{value}"),
        }
    }
    say!("{NO_FILES}");
    Ok(ExitCode::SUCCESS)
}
