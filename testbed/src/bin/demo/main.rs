//! Shows one override on a real Kubernetes API server, from its admission to its traceless end.
//!
//! What is printed was seen there: by a watch, a read, in the audit log, or as kubectl's own answer. Nothing is printed
//! because it was to be expected; every promise is checked, and one that was not kept fails the whole.

mod args;
mod facts;
mod keep;
mod shop;
mod sightings;
mod story;
mod timeline;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use hpa_override_testbed::{Options, World, WorldOptions};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use args::{Args, Programs};
use shop::{ALICE, ARGOCD};
use timeline::Timeline;

fn main() -> ExitCode {
    let timeline = Arc::new(Timeline::start());
    match run(&Args::parse(), &timeline) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, timeline: &Arc<Timeline>) -> Result<ExitCode> {
    let programs = args.programs()?;
    timeline.note("$ what somebody does · what is seen on the API server ✓ ✗ a promise, and what was seen of it");
    timeline.chapter("A control plane with hpa-override");
    let world = start(programs, timeline)?;
    // Ends before the world does: its watches would tell of a server that is gone.
    let runtime = tokio::runtime::Runtime::new().context("failed to start a runtime")?;
    runtime.block_on(async {
        tokio::select! {
            told = show(&world, timeline, args.keep) => told,
            interrupted = interrupted() => interrupted,
        }
    })
}
