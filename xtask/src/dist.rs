//! `cargo xtask dist`: everything that is WebAssembly, in `dist/`.
//!
//! ```text
//! policy/wapc ────── build ─► optimise ─► annotate ────────────► dist/policy.wasm
//! policy/component ─ build ─► optimise ─► encode ─► describe ──► dist/hpa-override.component.wasm
//! policy/js ──────── build ─► bindings ─► optimise ─► package ─► dist/js/
//! ```
//!
//! It touches no file whose bytes would stay the same.

mod build;
mod component;
mod js;
mod limit;
pub(crate) mod metadata;
mod optimise;
mod policy;
mod section;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};

use crate::workspace::Workspace;

pub(crate) use build::{BARE, POLICY, TARGET, ensure_target};
pub(crate) use component::PACKAGE as COMPONENT;
pub(crate) use policy::{accepting, module, run as policy};

/// Builds all of it.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    policy::run(workspace)?;
    component::run(workspace)?;
    js::run(workspace)
}

/// Where the component ends up.
pub(crate) fn component(workspace: &Workspace) -> PathBuf {
    workspace.root.join("dist").join("hpa-override.component.wasm")
}

/// Where the npm package ends up.
pub(crate) fn package(workspace: &Workspace) -> PathBuf {
    workspace.root.join("dist").join("js")
}

fn say(what: &str, bytes: usize) {
    println!("dist: {what}: {bytes} bytes");
}

/// Puts the file in place, and says what it weighs.
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
