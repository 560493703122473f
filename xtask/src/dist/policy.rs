//! The admission module as Kubewarden takes it, in `dist/policy.wasm`.
//!
//! It writes no module over the limit. Only the optimised module is held to it: a machine without npm is told, not
//! stopped.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{
    build::{self, POLICY, TARGET},
    metadata, optimise, say, section, write,
};
use crate::workspace::Workspace;

/// Bytes of `dist/policy.wasm`, metadata included: each admission request instantiates the module afresh.
const LIMIT: usize = 300_000;

/// Where the module ends up.
pub(crate) fn module(workspace: &Workspace) -> PathBuf {
    workspace.root.join("dist").join("policy.wasm")
}

/// Builds, optimises, annotates, writes.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    build::ensure_target(TARGET)?;
    let built = build::policy(workspace)?;
    say("built", built.len());
    let smaller = optimise::smaller(workspace, "policy", &built)?;
    say(&smaller.how, smaller.module.len());
    let metadata = metadata::section(workspace)?;
    say("metadata", metadata.len());
    let annotated = section::put(&smaller.module, section::METADATA, &metadata)?;
    judge(annotated.len(), smaller.optimised)?;
    write(workspace, &module(workspace), &annotated)
}

/// Builds and optimises the module that only accepts, in the same way, for the bench to compare with. Where it ends up.
pub(crate) fn accepting(workspace: &Workspace) -> Result<PathBuf> {
    let smaller = optimise::smaller(workspace, "accept", &build::accepting(workspace)?)?;
    let path = workspace.target.join("xtask").join("accept.wasm");
    write(workspace, &path, &smaller.module)?;
    Ok(path)
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
