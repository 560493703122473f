//! `cargo xtask cases`: builds the doors, then runs a folder of conformance cases through them.
//!
//! It compares nothing itself: the testbed's `cases` asks the doors and reports.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use crate::{command::Command, doors, workspace::Workspace};

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A folder with cases, searched recursively for `*.yaml`, or one such file. Default: the project's own.
    folder: Option<PathBuf>,
}

/// Builds doors and runner, then becomes the runner.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let folder = args.folder.clone().unwrap_or_else(|| own(workspace));
    runner(workspace)?.arg(folder).become_it()
}

/// The project's own cases through every door, as a step among others.
pub(crate) fn pass(workspace: &Workspace) -> Result<()> {
    runner(workspace)?.arg(own(workspace)).run()
}

fn own(workspace: &Workspace) -> PathBuf {
    workspace.root.join("cases")
}

/// The runner and the doors that it asks.
fn runner(workspace: &Workspace) -> Result<Command> {
    let doors = doors::args(workspace)?;
    Ok(Command::new(workspace.program("cases", "cases")?).args(doors))
}
