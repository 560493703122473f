//! `cargo deny`: which crates, licences and registries may be depended on, as `deny.toml` has it.
//!
//! Where the program cannot be installed the step fails: dependencies that are not checked have not passed.

use anyhow::Result;

use crate::{cargo_tool, command::Command, workspace::Workspace};

const VERSION: &str = "0.20.2";

/// Checks the dependencies. What `deny.toml` only warns about is shown by the command without `--log-level`.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let deny = cargo_tool::program(workspace, "cargo-deny", VERSION, cargo_tool::FAST_ENOUGH)?;
    let deny = Command::new(deny).words("--log-level error --locked --manifest-path");
    deny.arg(workspace.root.join("Cargo.toml")).words("check bans licenses sources").run()
}
