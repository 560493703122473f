//! The controller of hpa-override: applies overrides to HPAs, keeps them applied, ends them, reports what happened.
//!
//! It decides nothing: `hpa-override-plan` does.

mod access_review;
mod admin;
mod admissions;
mod apply;
mod args;
mod clock;
mod cluster;
mod confirm;
mod error;
mod events;
#[cfg(test)]
mod fake_api;
mod health;
mod hpa_loop;
#[cfg(test)]
mod in_memory;
mod index;
mod leader;
mod leadership;
mod list_watch;
mod listed;
mod listener;
mod metrics;
mod object;
mod page;
mod permissions;
mod queue;
mod queues;
#[cfg(test)]
mod random_histories;
mod reached;
mod release_all;
mod request;
mod run;
#[cfg(test)]
mod scale;
mod scope;
mod settings;
mod state;
mod status_loop;
mod tasks;
mod telemetry;
mod timers;
mod watch;
mod webhook;
mod write;

use std::process::ExitCode;

use clap::Parser;

use self::args::Command;

/// A third of the processor time went to the C library's: every event of a watch is a few thousand bytes, taken and given
/// back. That of musl, for static binaries, is slower still.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = args::Args::parse();
    let _traces = telemetry::init(args.log_format)?;
    match &args.command {
        Some(Command::ReleaseAll(release)) => release_all::run(&args, release).await,
        None => run::run(args).await.map(|()| ExitCode::SUCCESS),
    }
}
