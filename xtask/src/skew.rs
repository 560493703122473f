//! `cargo xtask skew`: the CRD of this version with the controller of another, and the other way round.

use std::fs;

use anyhow::{Context, Result};

use crate::{command::Command, workspace::Workspace};

/// Before the first tag: a commit whose API lacks the last changes.
const BEFORE: &str = "843dbc8";
const TEST: &str = "test -p hpa-override-host-shim --test skew -- --ignored --nocapture --test-threads=1";

/// Which other version.
#[derive(clap::Args)]
pub(crate) struct SkewArgs {
    /// A tag or commit of this repository.
    #[arg(default_value = BEFORE)]
    revision: String,
}

/// Builds the other version below `target/skew`, from a clone, and fails where the two do not work together.
pub(crate) fn run(workspace: &Workspace, args: &SkewArgs) -> Result<()> {
    let room = workspace.target.join("skew");
    if !room.exists() {
        fs::create_dir_all(&workspace.target).context("cannot make the target folder")?;
        Command::new("git").words("clone --quiet --shared --no-checkout").arg(&workspace.root).arg(&room).run()?;
    }
    let git = || Command::new("git").arg("-C").arg(&room);
    // By its hash: a branch of the clone is that of another day.
    let commit = format!("{}^{{commit}}", args.revision);
    let commit = workspace.git("rev-parse --verify").arg(commit).stdout()?;
    git().words("checkout --quiet --detach").arg(commit.trim()).run()?;
    let build = Command::cargo(&room).words("build --quiet --locked -p hpa-override-host-shim --bin host-shim");
    let controller = build.variable("CARGO_TARGET_DIR", room.join("target")).artifact("host-shim")?;
    let test = workspace.cargo(TEST).variable("HPA_OVERRIDE_OTHER_CONTROLLER", controller);
    test.variable("HPA_OVERRIDE_OTHER_CRD", room.join("crd/crd.yaml")).run()
}
