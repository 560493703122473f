//! Asks a real API server that has the CRD alone, and the core, about the same objects.
//!
//! ```text
//!   seed ──► objects ──┬─► API server, dry run ──┐   the schema never refuses what the core admits;
//!                      └─► shape_errors ─────────┴── what only the core refuses is in core_only.yaml
//! ```
mod objects;
mod tally;

use std::{process::ExitCode, time::Instant};

use anyhow::Result;
use clap::Parser;
use hpa_override_conformance::{CoreOnly, Random, seed};
use hpa_override_testbed::{CrdAlone, exit_code};
use serde_json::Value;

use tally::Tally;

/// Objects that are held at a time.
const AT_A_TIME: usize = 1_000;

/// Asks the API server and the core about the same random objects.
#[derive(Parser)]
struct Args {
    /// How many objects.
    #[arg(long, default_value_t = 3_000)]
    count: usize,
    /// Which objects: the same number asks about the same. Default: by the clock.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    exit_code(run(&Args::parse()))
}

/// A success where they agree.
fn run(args: &Args) -> Result<ExitCode> {
    let seed = seed(args.seed);
    let (schema, mut random, start) = (CrdAlone::start()?, Random(seed), Instant::now());
    let mut tally = Tally::new(CoreOnly::all()?);
    let examples = tally.examples();
    for (row, verdict) in schema.ask(&examples)?.iter().enumerate() {
        tally.example(row, verdict);
    }
    let mut left = args.count;
    while left > 0 && tally.disagreements.is_empty() {
        let asked: Vec<Value> =
            (0..left.min(AT_A_TIME)).map(|_| objects::object(&objects::spec(&mut random))).collect();
        left -= asked.len();
        for (object, verdict) in asked.iter().zip(schema.ask(&asked)?) {
            tally.object(object, &verdict);
        }
    }
    print!("{tally}");
    println!("{} objects, seed {seed}, {:.1} s", args.count - left, start.elapsed().as_secs_f32());
    Ok(if tally.disagreements.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
