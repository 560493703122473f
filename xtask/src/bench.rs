//! `cargo xtask bench`: builds what is measured, then hands this terminal over to what measures.
//!
//! It measures nothing itself: the testbed's `bench` does, compiled as what it stands for would be.

use std::process::ExitCode;

use anyhow::Result;

use crate::{dist, workspace::Workspace};

const BENCH: &str = "run --quiet --release -p hpa-override-testbed --bin bench --";

/// What to measure.
#[derive(clap::Subcommand)]
pub(crate) enum Subject {
    /// What an admission costs, against a module that only accepts.
    Admission {
        /// How many requests of each sort.
        #[arg(long, default_value_t = 2_000)]
        count: usize,
    },
}

/// Builds both modules and the bench, then becomes the bench.
pub(crate) fn run(workspace: &Workspace, subject: &Subject) -> Result<ExitCode> {
    let Subject::Admission { count } = subject;
    dist::policy(workspace)?;
    let accepting = dist::accepting(workspace)?;
    let bench = workspace.cargo(BENCH).arg("--module").arg(dist::module(workspace)).arg("--accepting").arg(accepting);
    let bench = bench.arg("--requests").arg(workspace.root.join("policy/wapc/test_data"));
    let bench = bench.arg("--count").arg(count.to_string());
    println!("$ {bench}");
    bench.become_it()
}
