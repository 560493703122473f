//! `cargo xtask demo`: builds what the demonstration shows, then hands this terminal over to it.
//!
//! It shows nothing itself: the testbed's `demo` starts the control plane and reports what it sees there.

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;

use crate::{command::Command, dist, workspace::Workspace};

/// What to show.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the control plane up at the end, and print a kubeconfig for it.
    #[arg(long)]
    keep: bool,
    /// Further arguments, passed on as they are.
    #[arg(last = true)]
    rest: Vec<OsString>,
}

/// Builds module and controller, then becomes the demonstration.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    dist::policy(workspace)?;
    let controller = workspace.program("host-shim", "latency")?;
    println!("demo: controller {}", workspace.shown(&controller));
    let demo = Command::new(workspace.program("demo", "cases")?).arg("--controller").arg(controller);
    let demo = demo.arg("--module").arg(dist::module(workspace));
    let demo = demo.args(args.keep.then(|| OsString::from("--keep"))).args(args.rest.clone());
    println!("$ {demo}");
    demo.become_it()
}
