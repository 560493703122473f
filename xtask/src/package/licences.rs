//! The licences of all that is linked into a program or module, by cargo-about.

use anyhow::{Context, Result, ensure};

use crate::{cargo_tool, command::Command, workspace::Workspace};

const VERSION: &str = "0.9.3";
const FOLDER: &str = "xtask/src/package";

/// Every licence with its text, and the crates that have it. The texts are those in the crates: no service is asked.
pub(super) fn of(workspace: &Workspace, package: &str) -> Result<String> {
    let about = cargo_tool::program(workspace, "cargo-about", VERSION, "--features cli")?;
    workspace.cargo("fetch --locked --quiet").quietly()?;
    let folder = workspace.root.join(FOLDER);
    let about = Command::new(about).words("generate --locked --offline --fail --config").arg(folder.join("about.toml"));
    let about = about.arg("--manifest-path").arg(workspace.manifest_of(package)?);
    let text = about.arg(folder.join("about.hbs")).stdout();
    let text = text.with_context(|| format!("cannot collect the licences of what {package} contains"))?;
    ensure!(text.contains("Apache License"), "cargo-about lists no licence of what {package} contains");
    Ok(text)
}
