//! `cargo xtask promise`: what v1 promises was recorded, and still holds.
//!
//! What others depend on is read from the code: the served schema of the CRD, and the names that stand elsewhere
//! (annotations, reasons, codes, settings, the keys of the record). `crd/promise/v1.json` is what it was when somebody
//! last recorded it. Additions pass; anything else fails, with what to do. docs/reference/versioning.md is the promise.

mod compare;
mod surface;

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{codegen, command::Command, workspace::Workspace};
use compare::compare;

const RECORDED: &str = "crd/promise/v1.json";

/// What to do beside the comparison.
#[derive(clap::Args)]
pub(crate) struct PromiseArgs {
    /// Write what is promised now; refused while a promise is broken.
    #[arg(long)]
    record: bool,
    /// Record it although the comparison fails: before the first release, or where a review has found that a changed
    /// pattern or rule accepts all that it did.
    #[arg(long, requires = "record")]
    reviewed: bool,
}

/// Compares, and records where asked to.
pub(crate) fn run(workspace: &Workspace, args: &PromiseArgs) -> Result<()> {
    let current = current(workspace)?;
    if !args.reviewed {
        compare_with(workspace, &current)?;
    }
    if args.record {
        let path = workspace.root.join(RECORDED);
        fs::write(path, surface::text(&current)).with_context(|| format!("cannot write {RECORDED}"))?;
        println!("promise: {RECORDED} written");
    }
    Ok(())
}

/// Compares, as a step among others.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    compare_with(workspace, &current(workspace)?)
}

fn current(workspace: &Workspace) -> Result<Value> {
    let crd = codegen::crd(workspace)?;
    let names = Command::new(workspace.example("names")?).stdout()?;
    surface::of(&crd, serde_json::from_str(&names).context("cannot read what the example `names` prints")?)
}

fn compare_with(workspace: &Workspace, current: &Value) -> Result<()> {
    let recorded =
        serde_json::from_str(&workspace.read(RECORDED)?).with_context(|| format!("cannot read {RECORDED}"))?;
    let found = compare(&recorded, current);
    ensure!(found.broken.is_empty(), "{}", advice(&found.broken));
    println!("promise: everything in {RECORDED} still holds");
    if !found.added.is_empty() {
        println!("promise: not recorded yet: {}", found.added.join(", "));
        println!("promise: record them with: cargo xtask promise --record");
    }
    Ok(())
}

fn advice(broken: &[String]) -> String {
    format!(
        "v1 promises what it no longer has:\n  {}\nUndo each, or make it in a new version of the API: see \
         docs/reference/versioning.md. Before the first release, record it anew: cargo xtask promise --record --reviewed",
        broken.join("\n  ")
    )
}
