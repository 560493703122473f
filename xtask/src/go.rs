//! Programs of others, built by Go from the modules pinned below `testbed/tools`. Go's own cache decides whether there is anything
//! to build.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{command::Command, workspace::Workspace};

/// The module that pins the programs of a release.
pub(crate) const RELEASE_TOOLS: &str = "testbed/tools/release";

/// The program of a package, by the name that it gets, from the module in that folder.
pub(crate) fn program(workspace: &Workspace, folder: &str, package: &str, name: &str) -> Result<PathBuf> {
    let program = workspace.target.join("tools/bin").join(name);
    let go = Command::new("go").arg("-C").arg(workspace.root.join(folder)).words("build -trimpath -o").arg(&program);
    let built = go.variable("CGO_ENABLED", "0").arg(package).run();
    built.with_context(|| format!("cannot build {name}, which needs Go 1.26"))?;
    Ok(program)
}
