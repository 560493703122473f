//! The controller of hpa-override: applies overrides to HPAs, keeps them applied, ends them, reports what happened.
//!
//! It decides nothing: `hpa-override-plan` does.

mod access_review;
mod apply;
mod args;
mod clock;
mod confirm;
mod error;
mod events;
#[cfg(test)]
mod fake_api;
mod hpa_loop;
#[cfg(test)]
mod in_memory;
mod index;
mod leader;
mod leadership;
mod list_watch;
mod object;
mod page;
mod queue;
mod queues;
#[cfg(test)]
mod random_histories;
mod reached;
mod request;
mod run;
#[cfg(test)]
mod scale;
mod state;
mod status_loop;
mod tasks;
mod telemetry;
mod timers;
mod watch;

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = args::Args::parse();
    telemetry::init(args.log_format);
    run::run(args).await
}
