//! The project's own commands, `cargo xtask …`: one place that a person and CI both use.
//!
//! It installs what a command needs and says so. It refuses to link anything of the cluster side (kube, wasmtime,
//! the testbed): what needs those is a binary of its own that a command here builds and runs.

mod bench;
mod cases;
mod codegen;
mod command;
mod demo;
mod differ;
mod dist;
mod doors;
mod fuzz;
mod npm;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::Workspace;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build all that is WebAssembly into dist/: the admission module, the component, the JavaScript package.
    Dist,
    /// Write the generated files, or check that they are up to date.
    Codegen {
        /// Write nothing; fail if a file differs from what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Run conformance cases through every door.
    Cases(cases::Args),
    /// Ask every door the same random questions, and compare the answers.
    Differ(differ::Args),
    /// Ask the module arbitrary requests, and check what it promises of every answer.
    Fuzz(fuzz::Args),
    /// Measure how fast something is.
    #[command(subcommand)]
    Bench(bench::Subject),
    /// Run everything that a change has to pass.
    Test,
    /// Show an override on a real control plane on this machine.
    Demo(demo::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().verb) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::Dist => dist::run(&workspace)?,
        Verb::Codegen { check: true } => codegen::check(&workspace)?,
        Verb::Codegen { check: false } => codegen::write(&workspace)?,
        Verb::Test => test::run(&workspace)?,
        Verb::Fuzz(args) => fuzz::run(&workspace, &args)?,
        Verb::Bench(subject) => return bench::run(&workspace, &subject),
        Verb::Cases(args) => return cases::run(&workspace, &args),
        Verb::Differ(args) => return differ::run(&workspace, &args),
        Verb::Demo(args) => return demo::run(&workspace, &args),
    }
    Ok(ExitCode::SUCCESS)
}
