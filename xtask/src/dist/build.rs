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
/// What has no host at all: nothing to import.
pub(crate) const BARE: &str = "wasm32-unknown-unknown";

/// Adds the standard library of that target where it is missing.
pub(crate) fn ensure_target(target: &str) -> Result<()> {
    let libraries = Command::new("rustc").words("--print target-libdir --target").arg(target).stdout()?;
    if fs::exists(libraries.trim()).unwrap_or(false) {
        return Ok(());
    }
    println!("dist: the Rust target {target} is missing; adding it");
    let add = Command::new("rustup").words("target add").arg(target);
    add.run().with_context(|| format!("cannot add the Rust target {target}; without rustup, install it by hand"))
}

/// The admission module as the compiler leaves it.
pub(super) fn policy(workspace: &Workspace) -> Result<Vec<u8>> {
    artifact(workspace, [POLICY, TARGET, "--lib", "hpa_override_policy.wasm"], "symbols")
}

/// The example that only accepts, as the compiler leaves it.
pub(super) fn accepting(workspace: &Workspace) -> Result<Vec<u8>> {
    artifact(workspace, [POLICY, TARGET, "--example accept", "accept.wasm"], "symbols")
}

/// A module without a host, as the compiler leaves it: with the sections from which its bindings are made. Only here is its
/// package more than a library: natively there are no linkers that take the names of its functions.
pub(super) fn bare(workspace: &Workspace, package: &str) -> Result<Vec<u8>> {
    ensure_target(BARE)?;
    let name = format!("{}.wasm", package.replace('-', "_"));
    artifact(workspace, [package, BARE, "--lib --crate-type cdylib", &name], "debuginfo")
}

fn artifact(workspace: &Workspace, [package, target, what, name]: [&str; 4], strip: &str) -> Result<Vec<u8>> {
    let build =
        workspace.cargo("rustc --profile policy").words(what).arg("-p").arg(package).arg("--target").arg(target);
    let build = build.variable("CARGO_ENCODED_RUSTFLAGS", flags()).variable("CARGO_PROFILE_POLICY_STRIP", strip);
    let path = build.artifact(name)?;
    fs::read(&path).with_context(|| format!("cannot read the module {}", path.display()))
}

/// Panic messages name source files: the same module whoever builds it.
fn flags() -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display())).unwrap_or_default()
}
