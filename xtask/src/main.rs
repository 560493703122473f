//! The project's own commands, `cargo xtask …`: one place that a person and CI both use.
//!
//! It installs what a command needs and says so. It refuses to link anything of the cluster side (kube, wasmtime,
//! the testbed): what needs those is a binary of its own that a command here builds and runs.

mod cargo_tool;
mod chart;
mod codegen;
mod command;
mod dist;
mod go;
mod kubeconform;
mod monitoring;
mod npm;
mod package;
mod programs;
mod promise;
mod skew;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use package::{PackageArgs, publish::PublishArgs};
use programs::{CasesArgs, DemoArgs, Random, Subject};
use promise::PromiseArgs;
use skew::SkewArgs;
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
    /// Make everything of a release in dist/: programs, image, chart, manifests, modules, SBOMs, licences, checksums.
    Package(PackageArgs),
    /// Push what `package` has made to a registry, and write what the release page says: dist/notes.md.
    Publish(PublishArgs),
    /// Write the generated files, or check that they are up to date.
    Codegen {
        /// Write nothing; fail if a file differs from what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Check that everything that v1 promises still holds, or record what it promises.
    Promise(PromiseArgs),
    /// Check the published JSON Schema with kubeconform: examples are valid, mistakes are not.
    Kubeconform,
    /// Check the alerts and the dashboard with promtool.
    Monitoring {
        /// Also show every panel what a real Prometheus has of a real controller, and draw that: target/dashboard.svg.
        #[arg(long)]
        render: bool,
    },
    /// Put the Helm chart into the hands of real Helm, 3 and 4: values, variants, and a life from install to uninstall.
    Chart,
    /// Put this version's CRD together with another version's controller, and the other way round.
    Skew(SkewArgs),
    /// Run conformance cases through every binding.
    Cases(CasesArgs),
    /// Ask every binding the same random questions, and compare the answers.
    Differ(Random<10_000>),
    /// Ask a real API server and the core about the same random overrides.
    Agree(Random<3_000>),
    /// Send the module arbitrary requests, and check what it promises of every answer.
    Fuzz(Random<200_000>),
    /// Measure how fast something is.
    #[command(subcommand)]
    Bench(Subject),
    /// Run everything that a change has to pass.
    Test,
    /// Show an override on a real control plane on this machine.
    Demo(DemoArgs),
}

fn main() -> ExitCode {
    run(Cli::parse().verb).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(verb: Verb) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::Dist => dist::run(&workspace)?,
        Verb::Package(args) => package::run(&workspace, &args)?,
        Verb::Publish(args) => package::publish::run(&workspace, &args)?,
        Verb::Codegen { check: true } => codegen::check(&workspace)?,
        Verb::Codegen { check: false } => codegen::write(&workspace)?,
        Verb::Promise(args) => promise::run(&workspace, &args)?,
        Verb::Kubeconform => kubeconform::run(&workspace)?,
        Verb::Monitoring { render: false } => monitoring::run(&workspace)?,
        Verb::Monitoring { render: true } => monitoring::render(&workspace)?,
        Verb::Chart => chart::run(&workspace)?,
        Verb::Skew(args) => skew::run(&workspace, &args)?,
        Verb::Test => test::run(&workspace)?,
        Verb::Cases(args) => return programs::cases(&workspace, &args),
        Verb::Differ(args) => return programs::differ(&workspace, &args),
        Verb::Agree(args) => return programs::agree(&workspace, &args),
        Verb::Fuzz(args) => return programs::fuzz(&workspace, &args),
        Verb::Bench(subject) => return programs::bench(&workspace, &subject),
        Verb::Demo(args) => return programs::demo(&workspace, &args),
    }
    Ok(ExitCode::SUCCESS)
}
