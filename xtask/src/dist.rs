//! `cargo xtask dist`: everything that is WebAssembly, in `dist/`.
//!
//! ```text
//! policy/wapc ────── build ─► optimise ─► annotate ────────────► dist/policy.wasm
//! policy/component ─ build ─► optimise ─► encode ─► describe ──► dist/hpa-override.component.wasm
//! policy/js ──────── build ─► bindings ─► optimise ─► package ─► dist/js/
//! ```
//!
//! It touches no file whose bytes would stay the same, writes nothing over its limit, and keeps the builder's home folder
//! out of the modules.

mod component;
mod js;
pub(crate) mod metadata;
mod optimise;
mod policy;
mod section;

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};

use crate::{command::Command, workspace::Workspace};

pub(crate) use component::PACKAGE as COMPONENT;
pub(crate) use policy::{PACKAGE as POLICY, accepting, module, run as policy};

/// What Kubewarden runs.
pub(crate) const WASI: &str = "wasm32-wasip1";
/// What has no host at all: nothing to import.
pub(crate) const BARE: &str = "wasm32-unknown-unknown";

/// Builds all of it.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    policy::run(workspace)?;
    component::run(workspace)?;
    js::run(workspace)
}

/// Fails where modules would be built without being optimised.
pub(crate) fn ensure_optimised(workspace: &Workspace) -> Result<()> {
    optimise::ensure(workspace)
}

/// Where the component ends up.
pub(crate) fn component(workspace: &Workspace) -> PathBuf {
    workspace.root.join("dist").join("hpa-override.component.wasm")
}

/// Where the npm package ends up.
pub(crate) fn package(workspace: &Workspace) -> PathBuf {
    workspace.root.join("dist").join("js")
}

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

/// The flags, as `CARGO_ENCODED_RUSTFLAGS` takes them, that keep cargo's home, the only folder of this machine that source files have
/// beside the workspace's, out of what is built: panic messages name source
/// files, and it is to be the same whoever builds it.
pub(crate) fn without_paths() -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display())).unwrap_or_default()
}

/// A module as the compiler leaves it.
fn built(workspace: &Workspace, [package, target, what, name]: [&str; 4], strip: &str) -> Result<Vec<u8>> {
    ensure_target(target)?;
    let build =
        workspace.cargo("rustc --profile policy").words(what).arg("-p").arg(package).arg("--target").arg(target);
    let build =
        build.variable("CARGO_ENCODED_RUSTFLAGS", without_paths()).variable("CARGO_PROFILE_POLICY_STRIP", strip);
    let path = build.artifact(name)?;
    fs::read(&path).with_context(|| format!("cannot read the module {}", path.display()))
}

/// A module without a host, with the sections from which its bindings are made. Only here is its package more than a
/// library: natively there are no linkers that take the names of its functions.
fn bare(workspace: &Workspace, package: &str) -> Result<Vec<u8>> {
    let name = format!("{}.wasm", package.replace('-', "_"));
    built(workspace, [package, BARE, "--lib --crate-type cdylib", &name], "debuginfo")
}

/// The most bytes that something may have, also with gzip, as it travels.
struct Limit {
    what: &'static str,
    package: &'static str,
    raw: usize,
    gzip: usize,
}

impl Limit {
    /// Fails where it is exceeded. What wasm-opt has not seen (a machine without npm) is only reported.
    fn check(&self, bytes: &[u8], optimised: bool) -> Result<()> {
        let Self { what, package, raw, gzip: zipped } = self;
        for (bytes, most, how) in [(bytes.len(), *raw, ""), (gzip(bytes)?, *zipped, " with gzip")] {
            if bytes > most && !optimised {
                println!("dist: over the limit of {most} bytes{how}, which holds for what is optimised");
                continue;
            }
            ensure!(
                bytes <= most,
                "{what} has {bytes} bytes{how}, {} over the limit of {most}; nothing written. Find what grew: \
                 `cargo tree -p {package} -e normal`",
                bytes - most
            );
        }
        Ok(())
    }
}

fn say(what: &str, bytes: usize) {
    println!("dist: {what}: {bytes} bytes");
}

/// Puts the file in place, and prints its size.
fn write(workspace: &Workspace, path: &Path, bytes: &[u8]) -> Result<()> {
    let news = if replace(path, bytes)? { "written" } else { "unchanged" };
    let (shown, raw, gzip) = (workspace.shown(path), bytes.len(), gzip(bytes)?);
    println!("dist: {shown} {news}: {raw} bytes, {gzip} with gzip");
    Ok(())
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

/// Whether it had to be written. Readers see the old file or the new one, never a half.
fn replace(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    let place = |step: &str| format!("cannot {step} {}", path.display());
    fs::create_dir_all(path.parent().unwrap_or(path)).with_context(|| place("make the folder of"))?;
    let part = path.with_extension("part");
    fs::write(&part, bytes).with_context(|| place("write beside"))?;
    fs::rename(&part, path).with_context(|| place("put in place"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_last_size_that_passes_also_with_gzip() {
        let limit = Limit { what: "the module", package: "p", raw: 1000, gzip: 100 };
        assert!(limit.check(&[0; 1000], true).is_ok() && limit.check(&[0; 1001], false).is_ok());
        let sentence = "the module has 1001 bytes, 1 over the limit of 1000; nothing written. Find what grew: \
                        `cargo tree -p p -e normal`";
        assert_eq!(limit.check(&[0; 1001], true).unwrap_err().to_string(), sentence);
        let noise: Vec<u8> = (0_u32..500).map(|number| (number.pow(2) / 7 % 251) as u8).collect();
        let error = limit.check(&noise, true).unwrap_err().to_string();
        assert!(error.contains(" bytes with gzip, ") && error.contains(" over the limit of 100; "), "{error}");
    }
}
