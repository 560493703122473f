//! `cargo xtask dist`: the admission module as Kubewarden takes it, in `dist/policy.wasm`.
//!
//! ```text
//! policy/wapc ── build ──► module ── optimise ──► smaller ── annotate ──► dist/policy.wasm
//!                                                   metadata.yml ──┘
//! ```
//!
//! It writes no module over the limit, and touches no file whose bytes would stay the same. Only the optimised
//! module is held to the limit: a machine without npm is told, not stopped.

mod build;
pub(crate) mod metadata;
mod optimise;
mod section;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

pub(crate) use build::{POLICY, TARGET, ensure_target};

/// Bytes of `dist/policy.wasm`, metadata included: each admission request instantiates the module afresh.
const LIMIT: usize = 300_000;

/// Where the module ends up.
pub(crate) fn module(workspace: &Workspace) -> PathBuf {
    workspace.root.join("dist").join("policy.wasm")
}

/// Builds, optimises, annotates, writes.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    build::ensure_target()?;
    let built = build::module(workspace)?;
    say("built", built.len());
    let smaller = optimise::smaller(workspace, "policy", &built)?;
    say(&smaller.how, smaller.module.len());
    let metadata = metadata::section(workspace)?;
    say("metadata", metadata.len());
    let annotated = section::put(&smaller.module, section::METADATA, &metadata)?;
    judge(annotated.len(), smaller.optimised)?;
    let path = module(workspace);
    let news = if write(&path, &annotated)? { "written" } else { "unchanged" };
    say(&format!("{} {news}", workspace.shown(&path)), annotated.len());
    Ok(())
}

/// Builds and optimises the module that only accepts, in the same way, for the bench to compare with. Where it ends up.
pub(crate) fn accepting(workspace: &Workspace) -> Result<PathBuf> {
    let smaller = optimise::smaller(workspace, "accept", &build::accepting(workspace)?)?;
    let path = workspace.target.join("xtask").join("accept.wasm");
    write(&path, &smaller.module)?;
    say(&format!("a module that only accepts, {}", smaller.how), smaller.module.len());
    Ok(path)
}

fn say(what: &str, bytes: usize) {
    println!("dist: {what}: {bytes} bytes");
}

fn judge(bytes: usize, optimised: bool) -> Result<()> {
    match (bytes > LIMIT, optimised) {
        (false, _) => Ok(()),
        (true, false) => {
            println!("dist: over the limit of {LIMIT} bytes, which holds for the optimised module");
            Ok(())
        }
        (true, true) => bail!(
            "the module has {bytes} bytes, {} over the limit of {LIMIT}; nothing written. Find what grew: \
             `cargo tree -p {POLICY} --target {TARGET} -e normal`",
            bytes - LIMIT
        ),
    }
}

/// Whether it had to be written. Readers see the old file or the new one, never a half.
fn write(path: &Path, bytes: &[u8]) -> Result<bool> {
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
    fn the_limit_is_the_last_size_that_passes() {
        assert!(judge(LIMIT, true).is_ok());
        let error = judge(LIMIT + 1, true).unwrap_err().to_string();
        assert!(error.starts_with("the module has 300001 bytes, 1 over the limit of 300000; nothing written."));
    }

    #[test]
    fn without_wasm_opt_a_large_module_is_told_not_refused() {
        assert!(judge(LIMIT + 1, false).is_ok());
    }
}
