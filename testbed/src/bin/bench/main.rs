//! Measures how fast something is, each thing against a baseline in the same run.
//!
//! It builds nothing: `cargo xtask bench` does, and then becomes this program.

mod admission;
mod controller;

use std::process::ExitCode;

use clap::Parser;
use hpa_override_testbed::exit_code;

/// Measures how fast something is.
#[derive(Parser)]
enum Subject {
    /// What an admission costs with the policy module, against one that only accepts.
    Admission(admission::Args),
    /// What the controller costs and how fast it is, against a bare client.
    Controller(controller::Args),
}

fn main() -> ExitCode {
    exit_code(match Subject::parse() {
        Subject::Admission(args) => admission::run(&args),
        Subject::Controller(args) => controller::run(&args),
    })
}
