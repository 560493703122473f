//! Measures what the controller costs and how fast it is, on a real API server, against a bare client in the same run.
//!
//! ```text
//!   without the merge admission ─┐   bare client ► idle cluster ► 20 selectors begin, are deleted ► one override each begins
//!   with it ─────────────────────┘   ► statuses ► steady state, restart (without it only) ► all end at one second ► bare client
//! ```
//! What the controller did and when is read from the audit log, so no watch of the bench slows anything down; afterwards
//! every HPA is looked at. All that is not the controller's (API server, etcd, policy host, bench) shares the machine, for
//! the bare client too. Noise is how far apart the same patches of the bare client were, before and after.

mod api;
mod concurrent;
mod course;
mod fleet;
mod load;
mod overrides;
mod phases;
mod profile;
mod raw;
mod requests;
mod restart;
mod site;
mod steady;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::Runtime;

use self::course::Course;
use self::table::Table;

/// What to measure, and on how much.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The controller.
    #[arg(long)]
    controller: PathBuf,
    /// The admission module.
    #[arg(long)]
    module: PathBuf,
    #[command(flatten)]
    size: Size,
}

/// On how much, and how long.
#[derive(Clone, clap::Args)]
pub(crate) struct Size {
    /// How many HPAs, and overrides where each has its own [default: 1000, with --short 200]
    #[arg(long)]
    hpas: Option<usize>,
    /// Fewer HPAs, shorter looks, and only without the merge admission: less than two minutes.
    #[arg(long)]
    short: bool,
    /// How much longer than usual to wait for the controller, for one that is slow.
    #[arg(long, default_value_t = 1)]
    patience: u32,
    /// Record the phases with `perf`, into this folder.
    #[arg(long, value_name = "FOLDER")]
    profile: Option<PathBuf>,
}

impl Size {
    fn hpas(&self) -> usize {
        self.hpas.unwrap_or(if self.short { 200 } else { 1000 })
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    ensure!(args.size.hpas() >= fleet::NAMESPACES, "--hpas is less than {}, one for each namespace", fleet::NAMESPACES);
    let runtime = Runtime::new().context("failed to start a runtime")?;
    let mut missed = 0;
    let with = (!args.size.short).then(|| ("with", Some(args.module.clone())));
    for (title, module) in [("without", None)].into_iter().chain(with) {
        let mut table = Table::new(format!("{} HPAs, {title} the merge admission", args.size.hpas()));
        let outcome = runtime.block_on(measure(args, module, &mut table));
        println!("\n{table}");
        outcome?;
        missed += table.missed();
    }
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(args: &Args, module: Option<PathBuf>, table: &mut Table) -> Result<()> {
    let is_merged = module.is_some();
    let site = site::Site::start(args.controller.clone(), module).await?;
    Course { site: &site, size: args.size.clone(), is_merged, table, raw: None }.run().await
}
