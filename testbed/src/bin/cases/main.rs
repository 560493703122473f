//! Runs a folder of conformance cases through every door, and says where an answer differs.
//!
//! ```text
//!   *.yaml ──► case ──┬─► native, component, jco, javascript ──┐
//!                     └─► wapc: the admission module ──────────┴─► compare with `expect` ──► one line a failure
//! ```
//! The format is described in `cases/README.md`. It refuses to know what an override means: it asks, and compares.

#![expect(clippy::indexing_slicing, reason = "JSON that lacks a key is null there; nothing is indexed by a number")]

mod any;
mod argument;
mod case;
mod compare;
mod tally;
mod wapc;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Parser;

use hpa_override_testbed::{
    doors::{Door, Doors, Wapc},
    ended,
};

use self::{case::Case, tally::Tally};

/// Runs a folder of conformance cases through every door.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    doors: Doors,
    /// The folder, searched recursively for `*.yaml`; or one file.
    folder: PathBuf,
}

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

/// A success where all passed.
fn run(args: &Args) -> Result<ExitCode> {
    let (doors, wapc) = (args.doors.open()?, args.doors.open_wapc()?);
    let files = files(&args.folder)?;
    anyhow::ensure!(!files.is_empty(), "there is no case in {}; cases are files `*.yaml`", args.folder.display());
    let mut tally = Tally::default();
    for file in &files {
        let told = match read(file) {
            Ok(case) => tally.of_doors(ask(&case, &doors, wapc.as_ref())),
            Err(error) => Some(tally.unreadable(&error)),
        };
        if let Some(told) = told {
            println!("FAILED {}: {told}", file.display());
        }
    }
    print!("{tally}");
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What differs, door by door.
fn ask(case: &Case, doors: &[Box<dyn Door>], wapc: Option<&Wapc>) -> Vec<(&'static str, Vec<String>)> {
    let any = doors.iter().map(|door| (door.name(), any::differences(case, door.as_ref())));
    let wapc = wapc.and_then(|door| wapc::differences(case, door)).map(|differences| ("wapc", differences));
    any.chain(wapc).collect()
}

fn read(file: &Path) -> Result<Case> {
    Case::parse(&fs::read_to_string(file).context("failed to read the file")?)
}

/// The cases of a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.is_file() {
        return Ok(vec![folder.into()]);
    }
    let entries = fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(path);
        }
    }
    Ok(files)
}
