//! The admission module as Kubewarden takes it, in `dist/policy.wasm`.

use std::path::PathBuf;

use anyhow::Result;

use super::{Limit, WASI, built, metadata, optimise, say, section, write};
use crate::workspace::Workspace;

/// The package of the admission module.
pub(crate) const PACKAGE: &str = "hpa-override-policy";
/// Of `dist/policy.wasm`, metadata included: each admission request instantiates the module afresh.
const LIMIT: Limit = Limit { what: "the module", package: PACKAGE, raw: 300_000, gzip: 150_000 };

/// Where the module ends up.
pub(crate) fn module(workspace: &Workspace) -> PathBuf {
    workspace.root.join("dist").join("policy.wasm")
}

/// Builds, optimises, annotates, writes.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let built = built(workspace, [PACKAGE, WASI, "--lib", "hpa_override_policy.wasm"], "symbols")?;
    say("built", built.len());
    let smaller = optimise::smaller(workspace, "policy", &built)?;
    say(&smaller.how, smaller.module.len());
    let metadata = metadata::section(workspace)?;
    say("metadata", metadata.len());
    let annotated = section::put(&smaller.module, section::METADATA, &metadata)?;
    LIMIT.check(&annotated, smaller.optimised)?;
    write(workspace, &module(workspace), &annotated)
}

/// Builds and optimises the module that only accepts, in the same way, for the bench to compare with. Where it ends up.
pub(crate) fn accepting(workspace: &Workspace) -> Result<PathBuf> {
    let built = built(workspace, [PACKAGE, WASI, "--example accept", "accept.wasm"], "symbols")?;
    let smaller = optimise::smaller(workspace, "accept", &built)?;
    let path = workspace.target.join("xtask").join("accept.wasm");
    write(workspace, &path, &smaller.module)?;
    Ok(path)
}
