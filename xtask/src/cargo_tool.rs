//! Programs of others that are cargo's subcommands, installed once from crates.io into `target/tools`.

use std::{env::consts::EXE_SUFFIX, fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// Without optimisation a program is there in a minute instead of many: where it is fast enough.
pub(crate) const FAST_ENOUGH: &str = "--debug";

/// The program of that name and version, installed with these flags.
pub(crate) fn program(workspace: &Workspace, name: &str, version: &str, flags: &str) -> Result<PathBuf> {
    let root = workspace.target.join("tools");
    let program = root.join("bin").join(format!("{name}{EXE_SUFFIX}"));
    // What cargo has installed there, and from where.
    let installed = fs::read_to_string(root.join(".crates.toml")).unwrap_or_default();
    if !(program.exists() && installed.contains(&format!("\"{name} {version} "))) {
        println!("installing {name} {version}, once, into {}", workspace.shown(&root));
        let install = workspace.cargo("install --locked --quiet --force").words(flags).arg(name);
        let install = install.arg("--version").arg(version);
        install.arg("--root").arg(root).run().with_context(|| format!("cannot install {name} from crates.io"))?;
    }
    Ok(program)
}
