//! `cargo xtask differ`: builds the doors, then asks all of them the same random questions.
//!
//! It compares nothing itself: the testbed's `differ` asks the doors and reports.

use std::process::ExitCode;

use anyhow::Result;

use crate::{doors, workspace::Workspace};

/// What is measured is compiled for speed.
const DIFFER: &str = "run --quiet -p hpa-override-testbed --bin differ \
                      --config profile.dev.package.hpa-override-core.opt-level=3 \
                      --config profile.dev.package.hpa-override-crd.opt-level=3 --";

/// How much, and which.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many questions.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Which questions: the same number asks the same. Default: by the clock.
    #[arg(long)]
    seed: Option<u64>,
}

/// Builds doors and differ, then becomes the differ.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let doors = doors::args(workspace)?;
    let differ = workspace.cargo(DIFFER).args(doors).arg("--count").arg(args.count.to_string());
    let seed = args.seed.map(|seed| format!("--seed={seed}").into());
    differ.args(seed).become_it()
}
