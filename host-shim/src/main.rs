//! The controller of hpa-override: puts overrides on HPAs, keeps them there, takes them off, tells what happened.
//!
//! It decides nothing: `hpa-override-core` does.

mod apply;
mod args;
mod authorize;
mod contest;
mod context;
mod error;
mod gather;
mod memory;
mod object;
mod reconcile;
mod report;
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
