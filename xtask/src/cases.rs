//! `cargo xtask cases`: builds the doors, then runs a folder of conformance cases through them.
//!
//! It compares nothing itself: the testbed's `cases` asks the doors and reports.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use crate::{doors, workspace::Workspace};

const CASES: &str = "run --quiet -p hpa-override-testbed --bin cases --";

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A folder with cases, searched recursively for `*.yaml`, or one such file. Default: the project's own.
    folder: Option<PathBuf>,
}

/// Builds doors and runner, then becomes the runner.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let doors = doors::args(workspace)?;
    let folder = args.folder.clone().unwrap_or_else(|| workspace.root.join("cases"));
    workspace.cargo(CASES).args(doors).arg(folder).become_it()
}
