//! `cargo deny`: which crates, licences and registries may be depended on, as `deny.toml` has it.
//!
//! The program is installed here, once, into `target/tools`. Where it cannot be, the step fails: dependencies that are
//! not checked have not passed.

use std::{env::consts::EXE_SUFFIX, path::PathBuf};

use anyhow::{Context, Result};

use crate::{command::Command, workspace::Workspace};

const VERSION: &str = "0.20.2";

/// Checks the dependencies. What `deny.toml` only warns about is shown by the command without `--log-level`.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let deny = Command::new(tool(workspace)?).words("--log-level error --locked --manifest-path");
    deny.arg(workspace.root.join("Cargo.toml")).words("check bans licenses sources").run()
}

fn tool(workspace: &Workspace) -> Result<PathBuf> {
    let root = workspace.target.join("tools");
    let tool = root.join("bin").join(format!("cargo-deny{EXE_SUFFIX}"));
    if !(tool.exists() && is_current(&Command::new(&tool).arg("--version").stdout()?)) {
        println!("test: installing cargo-deny {VERSION}, once, into {}", workspace.shown(&root));
        // Without optimisation it takes a minute instead of many, and is fast enough.
        let install = workspace.cargo("install cargo-deny --locked --quiet --force --debug --version").arg(VERSION);
        let why = "cannot install cargo-deny from crates.io, without which the dependencies are not checked";
        install.arg("--root").arg(root).run().context(why)?;
    }
    Ok(tool)
}

fn is_current(answer: &str) -> bool {
    answer.split_whitespace().nth(1) == Some(VERSION)
}
