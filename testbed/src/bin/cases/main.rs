//! Runs a folder of conformance cases through every door, and says where an answer differs.
//!
//! ```text
//!   *.yaml ──► case ──┬─► native: the core's JSON door ──┐
//!                     └─► wasm: the admission module ────┴─► compare with `expect` ──► one line a failure
//! ```
//! The format is described in `cases/README.md`. It refuses to know what an override means: it asks, and compares.

#![expect(clippy::indexing_slicing, reason = "JSON that lacks a key is null there; nothing is indexed by a number")]

mod case;
mod compare;
mod native;
mod wasm;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Parser;

use self::{case::Case, wasm::Wasm};

/// Runs a folder of conformance cases through every door.
#[derive(Parser)]
struct Args {
    /// The admission module.
    #[arg(long)]
    module: PathBuf,
    /// The folder, searched recursively for `*.yaml`; or one file.
    folder: PathBuf,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all passed.
fn run(args: &Args) -> Result<bool> {
    let wasm = Wasm::load(&args.module)?;
    let files = files(&args.folder)?;
    anyhow::ensure!(!files.is_empty(), "there is no case in {}; cases are files `*.yaml`", args.folder.display());
    let mut failed = 0;
    for file in &files {
        let differences = match read(file) {
            Ok(case) => doors(&case, &wasm),
            Err(error) => vec![format!("{error:#}")],
        };
        if !differences.is_empty() {
            failed += 1;
            println!("FAILED {}: {}", file.display(), differences.join("; "));
        }
    }
    println!("{} passed, {failed} failed", files.len() - failed);
    Ok(failed == 0)
}

fn read(file: &Path) -> Result<Case> {
    Case::parse(&fs::read_to_string(file).context("failed to read the file")?)
}

/// What differs, door by door; equal differences are told once.
fn doors(case: &Case, wasm: &Wasm) -> Vec<String> {
    let native = native::differences(case);
    let wasm = wasm.differences(case);
    match (native.is_empty(), wasm) {
        (_, Some(wasm)) if wasm == native => prefixed("every door", native),
        (_, wasm) => [prefixed("native", native), prefixed("wasm", wasm.unwrap_or_default())].concat(),
    }
}

fn prefixed(door: &str, differences: Vec<String>) -> Vec<String> {
    differences.into_iter().map(|difference| format!("{door}: {difference}")).collect()
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
