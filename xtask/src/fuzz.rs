//! `cargo xtask fuzz`: builds the module, then asks it requests as nobody would send them.
//!
//! It asks nothing itself: the test `fuzz` of the policy does, which `cargo xtask test` runs with a few thousand.

use anyhow::Result;

use crate::{dist, workspace::Workspace};

const FUZZ: &str = "test --quiet --workspace --all-features --test fuzz -- --nocapture";

/// What to ask.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many requests.
    #[arg(long, default_value_t = 200_000)]
    count: u32,
    /// Ask the requests of an earlier run again: the number that it printed.
    #[arg(long)]
    seed: Option<u64>,
}

/// Builds the module and runs the test.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    dist::policy(workspace)?;
    let fuzz = workspace.cargo(FUZZ).variable("COUNT", args.count.to_string());
    match args.seed {
        Some(seed) => fuzz.variable("SEED", seed.to_string()).run(),
        None => fuzz.run(),
    }
}
