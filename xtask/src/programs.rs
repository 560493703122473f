//! Commands that build what another program needs, and then become that program: `demo`, `cases`, `differ`, `agree`,
//! `fuzz`, `bench`. They show, compare and measure nothing themselves.

use std::{env::consts::EXE_SUFFIX, ffi::OsString, fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};

use crate::{
    command::Command,
    dist, npm,
    workspace::{Workspace, read},
};

/// The npm package that translates components for Node.
const JCO: &str = "1.35.0";
const FUZZ: &str = "test --quiet --workspace --all-features --test fuzz -- --nocapture";
const BENCH: &str = "run --quiet --profile harness -p hpa-override-testbed --bin bench --";

/// What to show.
#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// Leave the control plane up at the end, and print a kubeconfig for it.
    #[arg(long)]
    keep: bool,
    /// Let the controller answer admission itself, in place of the policies.
    #[arg(long)]
    webhook: bool,
}

/// What to run.
#[derive(clap::Args)]
pub(crate) struct CasesArgs {
    /// A folder with cases, searched recursively for `*.yaml`, or one such file. Default: the project's own.
    folder: Option<PathBuf>,
}

/// Which random questions or requests.
#[derive(clap::Args)]
pub(crate) struct Random<const COUNT: u64> {
    /// How many.
    #[arg(long, default_value_t = COUNT)]
    count: u64,
    /// Which: the same number asks the same. Default: by the clock.
    #[arg(long)]
    seed: Option<u64>,
}

/// What to measure.
#[derive(clap::Subcommand)]
pub(crate) enum Subject {
    /// What an admission costs, by the module and by the controller's own webhook, against a module that only accepts.
    Admission {
        /// How many requests of each sort.
        #[arg(long, default_value_t = 2_000)]
        count: usize,
    },
    /// What the controller costs and how fast it is, against a bare client.
    Controller(ControllerArgs),
}

/// On how much, and how long.
#[derive(clap::Args)]
pub(crate) struct ControllerArgs {
    /// How many HPAs, and overrides where each has its own [default: 1000, with --short 200].
    #[arg(long)]
    hpas: Option<usize>,
    /// Fewer HPAs, shorter looks, and only without the merge admission.
    #[arg(long)]
    short: bool,
    /// Measure this program instead of the controller of this workspace, say of an earlier version.
    #[arg(long, value_name = "PROGRAM")]
    controller: Option<PathBuf>,
    /// How much longer than usual to wait for the controller, for one that is slow.
    #[arg(long, default_value_t = 1)]
    patience: u32,
    /// Record the phases with `perf` into this folder; the controller is built with symbols and frame pointers.
    #[arg(long, value_name = "FOLDER")]
    profile: Option<PathBuf>,
}

pub(crate) fn demo(workspace: &Workspace, args: &DemoArgs) -> Result<ExitCode> {
    let controller = workspace.program("host-shim")?;
    println!("demo: controller {}", workspace.shown(&controller));
    let demo = Command::new(workspace.program("demo")?).arg("--controller").arg(controller);
    let demo = demo.args(args.keep.then(|| "--keep".into()));
    if args.webhook {
        return demo.become_it();
    }
    dist::policy(workspace)?;
    demo.arg("--module").arg(dist::module(workspace)).become_it()
}

pub(crate) fn cases(workspace: &Workspace, args: &CasesArgs) -> Result<ExitCode> {
    dist::run(workspace)?;
    let folder = args.folder.clone().unwrap_or_else(|| workspace.root.join("cases"));
    asker(workspace, "cases")?.arg(folder).become_it()
}

/// The project's own cases in every binding that `dist` has made, as a step among others.
pub(crate) fn pass_cases(workspace: &Workspace) -> Result<()> {
    asker(workspace, "cases")?.arg(workspace.root.join("cases")).run()
}

pub(crate) fn differ<const C: u64>(workspace: &Workspace, args: &Random<C>) -> Result<ExitCode> {
    dist::run(workspace)?;
    let seed = args.seed.map(|seed| format!("--seed={seed}").into());
    asker(workspace, "differ")?.arg("--count").arg(args.count.to_string()).args(seed).become_it()
}

pub(crate) fn agree<const C: u64>(workspace: &Workspace, args: &Random<C>) -> Result<ExitCode> {
    let seed = args.seed.map(|seed| format!("--seed={seed}").into());
    let agree = Command::new(workspace.program("agree")?);
    agree.arg("--count").arg(args.count.to_string()).args(seed).become_it()
}

pub(crate) fn fuzz<const C: u64>(workspace: &Workspace, args: &Random<C>) -> Result<ExitCode> {
    dist::policy(workspace)?;
    let fuzz = workspace.cargo(FUZZ).variable("COUNT", args.count.to_string());
    let fuzz = match args.seed {
        Some(seed) => fuzz.variable("SEED", seed.to_string()),
        None => fuzz,
    };
    fuzz.become_it()
}

pub(crate) fn bench(workspace: &Workspace, subject: &Subject) -> Result<ExitCode> {
    dist::policy(workspace)?;
    match subject {
        Subject::Admission { count } => bench_admission(workspace, *count),
        Subject::Controller(args) => bench_controller(workspace, args),
    }
}

fn bench_admission(workspace: &Workspace, count: usize) -> Result<ExitCode> {
    let accepting = dist::accepting(workspace)?;
    let bench = workspace.cargo(BENCH).arg("admission").arg("--module").arg(dist::module(workspace));
    let bench = bench.arg("--accepting").arg(accepting).arg("--controller").arg(released(workspace, false)?);
    let bench = bench.arg("--requests").arg(workspace.root.join("policy/wapc/test_data"));
    bench.arg("--count").arg(count.to_string()).become_it()
}

fn bench_controller(workspace: &Workspace, args: &ControllerArgs) -> Result<ExitCode> {
    let controller = match &args.controller {
        Some(program) => program.clone(),
        None => released(workspace, args.profile.is_some())?,
    };
    let bench = workspace.cargo(BENCH).arg("controller").arg("--controller").arg(controller);
    let bench = bench.arg("--module").arg(dist::module(workspace)).arg("--patience").arg(args.patience.to_string());
    let bench = bench.args(args.hpas.map(|hpas| format!("--hpas={hpas}").into()));
    let bench = bench.args(args.short.then(|| "--short".into()));
    let folder = args.profile.as_ref().map(std::path::absolute).transpose()?;
    bench.args(folder.into_iter().flat_map(|folder| ["--profile".into(), folder.into()])).become_it()
}

/// The controller as it is released, or the same with what a profiler needs, in a folder of its own: other flags would
/// have all of it built anew each time.
fn released(workspace: &Workspace, is_profiled: bool) -> Result<PathBuf> {
    let build = workspace.cargo("build --quiet --release -p hpa-override-host-shim --bin host-shim");
    let build = if is_profiled {
        let build = build.arg("--target-dir").arg(workspace.target.join("profile"));
        let build = build.variable("RUSTFLAGS", "-Cforce-frame-pointers=yes");
        build
            .variable("CARGO_PROFILE_RELEASE_STRIP", "none")
            .variable("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
    } else {
        build
    };
    build.artifact(&format!("host-shim{EXE_SUFFIX}"))
}

/// A program of `conformance/`, with every binding that can run on this machine. Two need Node: without it one line says
/// so, and the others are asked.
fn asker(workspace: &Workspace, name: &str) -> Result<Command> {
    let asker = Command::new(workspace.program(name)?);
    let asker = asker.arg("--module").arg(dist::module(workspace)).arg("--component").arg(dist::component(workspace));
    let asker = asker.arg("--plugin").arg(workspace.program("kubectl-hpa_override")?);
    if let Err(why) = Command::new("node").arg("--version").quietly() {
        println!("bindings: jco and javascript are left out: {why:#}");
        return Ok(asker);
    }
    let jco: [OsString; 2] = match translated(workspace) {
        Ok(folder) => ["--jco".into(), folder.into()],
        Err(why) => {
            println!("bindings: jco is left out: {why:#}");
            return Ok(asker.arg("--javascript").arg(dist::package(workspace)));
        }
    };
    Ok(asker.arg("--javascript").arg(dist::package(workspace)).args(jco))
}

/// The folder with the component as jco translates it, from the last run where that had the same component: what was
/// translated lies with it, and came last.
fn translated(workspace: &Workspace) -> Result<PathBuf> {
    let room = workspace.target.join("xtask").join(format!("jco-{JCO}"));
    let folder = room.join("component");
    let seen = folder.join("translated.wasm");
    let component = read(&dist::component(workspace))?;
    if fs::read(&seen).is_ok_and(|before| before == component) {
        return Ok(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    let jco = npm::installed(&room, &format!("@bytecodealliance/jco@{JCO}"))?.join("dist/jco.js");
    let translate = Command::new("node").arg(jco).arg("transpile").arg(dist::component(workspace));
    translate.words("--name component --no-typescript --quiet -o").arg(&folder).quietly()?;
    fs::write(folder.join("package.json"), r#"{"type":"module"}"#).context("cannot write beside the translation")?;
    fs::write(&seen, component).with_context(|| format!("cannot write {}", seen.display()))?;
    Ok(folder)
}
