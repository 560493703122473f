//! From source to module: the target that it needs, the profile that keeps it small.
//!
//! It refuses to guess where cargo puts things, and keeps the builder's home folder out of the module.

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{command::Command, workspace::Workspace};

/// The package of the admission module.
pub(crate) const POLICY: &str = "hpa-override-policy";
/// What Kubewarden runs.
pub(crate) const TARGET: &str = "wasm32-wasip1";

/// Adds the standard library of [`TARGET`] where it is missing.
pub(crate) fn ensure_target() -> Result<()> {
    let libraries = Command::new("rustc").words("--print target-libdir --target").arg(TARGET).stdout()?;
    if fs::exists(libraries.trim()).unwrap_or(false) {
        return Ok(());
    }
    println!("dist: the Rust target {TARGET} is missing; adding it");
    let add = Command::new("rustup").words("target add").arg(TARGET);
    add.run().with_context(|| format!("cannot add the Rust target {TARGET}; without rustup, install it by hand"))
}

/// The module as the compiler leaves it.
pub(super) fn module(workspace: &Workspace) -> Result<Vec<u8>> {
    artifact(workspace, "--lib", "hpa_override_policy.wasm")
}

/// The example that only accepts, as the compiler leaves it.
pub(super) fn accepting(workspace: &Workspace) -> Result<Vec<u8>> {
    artifact(workspace, "--example accept", "accept.wasm")
}

fn artifact(workspace: &Workspace, what: &str, name: &str) -> Result<Vec<u8>> {
    let build = workspace.cargo("build --profile policy").words(what).arg("-p").arg(POLICY).arg("--target").arg(TARGET);
    let path = build.variable("CARGO_ENCODED_RUSTFLAGS", flags()).artifact(name)?;
    fs::read(&path).with_context(|| format!("cannot read the module {}", path.display()))
}

/// Panic messages name source files: the same module whoever builds it.
fn flags() -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display())).unwrap_or_default()
}
