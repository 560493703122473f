//! The controller of hpa-override: applies overrides to HPAs, keeps them applied, ends them, reports what happened.
//!
//! It decides nothing: `hpa-override-plan` does.

mod access_review;
mod apply;
mod args;
mod context;
mod error;
mod events;
mod gather;
mod known_objects;
mod object;
mod reached;
mod reconcile;
mod revert_backoff;
mod run;
mod telemetry;
mod watch;

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = args::Args::parse();
    context::offset_clock(args.clock_offset);
    telemetry::init(args.log_format);
    run::run(args).await
}
