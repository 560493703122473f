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
use hpa_override_testbed::{Identity, Options, World, WorldOptions, ended};
use serde_json::{Value, json};

use args::{Args, Programs};
use shop::{ALICE, ARGOCD};
use timeline::{LEGEND, Timeline, note};

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    ended(run(&Args::parse(), &Arc::new(Timeline::start())))
}

fn run(args: &Args, timeline: &Arc<Timeline>) -> Result<ExitCode> {
    let programs = args.programs()?;
    note(LEGEND);
    timeline.chapter("A control plane with hpa-override");
    let world = start(programs, timeline)?;
    let runtime = tokio::runtime::Runtime::new().context("failed to start a runtime")?;
    runtime.block_on(async {
        let kept = tokio::select! {
            kept = show(&world, timeline) => kept?,
            _ = tokio::signal::ctrl_c() => return Ok(INTERRUPTED.into()),
        };
        if args.keep {
            keep::stay(&world, timeline).await?;
        }
        Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
    // The runtime ends before the world: its watches would tell of a server that is gone.
}

/// The limits of the platform team, which somebody will break.
fn settings() -> Value {
    json!({"maxDuration": "8h", "requireReason": true})
}

fn start(programs: Programs, timeline: &Timeline) -> Result<World> {
    let Programs { controller, module } = programs;
    let size = std::fs::metadata(&module).context("failed to look at the module")?.len();
    timeline.saw("starting etcd, the API server, the controller manager, the policies and our controller");
    let plane = Options::with_controllers().user(ALICE, &[]).user(ARGOCD, &[]);
    let world = World::start(WorldOptions { plane, controller, module: Some(module), settings: settings() })?;
    timeline.saw(&format!("policies        both run policy.wasm, {size} bytes; settings {}", settings()));
    Ok(world)
}

/// Whether all promises were kept.
async fn show(world: &World, timeline: &Arc<Timeline>) -> Result<bool> {
    let client = world.plane().client(&Identity::Admin).await?;
    let version = client.apiserver_version().await?.git_version;
    timeline.saw(&format!("API server      {version} at {}", world.plane().url()));
    let told = story::tell(world, timeline).await;
    Ok(sum_up(world, timeline, &told))
}

/// Whether all went well; where not, with the end of the controller's log.
fn sum_up(world: &World, timeline: &Timeline, told: &Result<()>) -> bool {
    let tally = timeline.tally();
    let took = timeline.elapsed().as_secs_f64();
    timeline.chapter(&format!("{} promises kept, {} broken, in {took:.1} s", tally.kept, tally.broken.len()));
    for promise in &tally.broken {
        note(&format!("broken: {promise}"));
    }
    if let Err(error) = told {
        note(&format!("the demonstration ended early: {error:#}"));
    }
    let kept = told.is_ok() && tally.broken.is_empty();
    if !kept {
        note(&format!("\n{}", world.controller_log()));
        note("HPA_OVERRIDE_TESTBED_KEEP=1 leaves all logs of a run, the audit log among them, in target/testbed/run.");
    }
    kept
}
