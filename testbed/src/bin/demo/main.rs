//! Shows one override on a real Kubernetes API server, from its admission to its traceless end.
//!
//! What is printed was seen there: by a watch, a read, in the audit log, or as kubectl's own answer. Nothing is printed
//! because it was expected; every promise is checked, and one that was not kept fails the whole.

mod shop;
mod story;
mod timeline;
mod watch_log;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser;
use hpa_override_testbed::assets::{self, Program};
use hpa_override_testbed::{Admission, Identity, Options, World, WorldOptions, exit_code};
use serde_json::{Value, json};

use shop::{ALICE, ARGOCD};
use timeline::{LEGEND, Timeline, chapter, note};

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Shows an override on a real control plane on this machine. `cargo xtask demo` builds all that it needs.
#[derive(Parser)]
#[command(name = "demo")]
struct Args {
    /// The controller.
    #[arg(long)]
    controller: PathBuf,
    /// The admission module; without it, the controller answers admission itself.
    #[arg(long)]
    module: Option<PathBuf>,
    /// Leave the control plane up at the end, and print kubeconfigs for it.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    exit_code(run(Args::parse(), &Arc::new(Timeline::start())))
}

fn run(Args { controller, module, keep }: Args, timeline: &Arc<Timeline>) -> Result<ExitCode> {
    note(LEGEND);
    chapter("A control plane with hpa-override");
    let world = start(controller, module, timeline)?;
    let runtime = tokio::runtime::Runtime::new().context("failed to start a runtime")?;
    runtime.block_on(async {
        let kept = tokio::select! {
            kept = show(&world, timeline) => kept?,
            _ = tokio::signal::ctrl_c() => return Ok(INTERRUPTED.into()),
        };
        if keep {
            stay(&world).await?;
        }
        Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
    // The runtime ends before the world: its watches would report a server that is gone.
}

/// The limits of the platform team, which somebody will break.
fn settings() -> Value {
    json!({"maxDuration": "8h", "requireReason": true})
}

fn start(controller: PathBuf, module: Option<PathBuf>, timeline: &Timeline) -> Result<World> {
    let (admission, who, what) = match module {
        Some(module) => {
            let size = std::fs::metadata(&module).with_context(|| format!("there is no {}", module.display()))?.len();
            (
                Admission::Policies(module),
                "the policies and",
                format!("policies        both run policy.wasm, {size} bytes"),
            )
        }
        None => (Admission::Webhook, "and", "webhook         the controller answers admission itself".into()),
    };
    timeline.saw(&format!("starting etcd, the API server, the controller manager, {who} our controller"));
    let plane = Options::with_controllers().user(ALICE, &[]).user(ARGOCD, &[]);
    let world = World::start(WorldOptions { plane, controller, admission, settings: settings() })?;
    timeline.saw(&format!("{what}; settings {}", settings()));
    Ok(world)
}

/// Whether all promises were kept.
async fn show(world: &World, timeline: &Arc<Timeline>) -> Result<bool> {
    let client = world.plane().client(&Identity::Admin).await?;
    let version = client.apiserver_version().await?.git_version;
    timeline.saw(&format!("API server      {version} at {}", world.plane().url()));
    let outcome = story::run(world, timeline).await;
    Ok(sum_up(world, timeline, &outcome))
}

/// Whether all went well; where not, with the end of the controller's log.
fn sum_up(world: &World, timeline: &Timeline, outcome: &Result<()>) -> bool {
    let tally = timeline.tally();
    let took = timeline.elapsed().as_secs_f64();
    chapter(&format!("{} promises kept, {} broken, in {took:.1} s", tally.kept, tally.broken.len()));
    for promise in &tally.broken {
        note(&format!("broken: {promise}"));
    }
    if let Err(error) = outcome {
        note(&format!("the demonstration ended early: {error:#}"));
    }
    let kept = outcome.is_ok() && tally.broken.is_empty();
    if !kept {
        note(&format!("\n{}", world.controller_log()));
        note("HPA_OVERRIDE_TESTBED_KEEP=1 leaves all logs of a run, the audit log among them, in target/testbed/run.");
    }
    kept
}

/// Prints how to get in, and returns after Enter or Ctrl-C. The control plane ends with this process.
async fn stay(world: &World) -> Result<()> {
    let export = |identity| {
        let file = world.plane().kubeconfig_file(&identity)?;
        anyhow::Ok(format!("  export KUBECONFIG={}", file.display()))
    };
    let campaign = world.plane().folder().join("campaign.yaml");
    chapter("The control plane stays up. In another terminal, as admin:");
    note(&format!("  alias kubectl={}", assets::find(Program::Kubectl)?.display()));
    note(&export(Identity::Admin)?);
    note("  kubectl -n shop get hpao,hpa,deployments");
    note(&format!("  kubectl replace --force -f {}    # the override once more", campaign.display()));
    chapter("As another user, with that user's rights in the namespace shop:");
    note(&format!("{}    # alice", export(Identity::user(ALICE))?));
    note(&format!("{}    # Git", export(Identity::user(ARGOCD))?));
    chapter("What the watches see is printed below. Enter or Ctrl-C ends it.");
    tokio::select! {
        () = enter() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

/// Returns with the next line on standard input. Where there is none to come, it does not.
async fn enter() {
    let (sender, line) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let read = std::io::stdin().read_line(&mut String::new());
        if read.is_ok_and(|bytes| bytes > 0) {
            let _ = sender.send(());
        }
    });
    if line.await.is_err() {
        std::future::pending::<()>().await;
    }
}
