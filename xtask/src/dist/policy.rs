//! The admission module as Kubewarden takes it, in `dist/policy.wasm`.
//!
//! It writes no module over the limit.

use std::path::PathBuf;

use anyhow::Result;

use super::{
    build::{self, POLICY, TARGET},
    limit::Limit,
    metadata, optimise, say, section, write,
};
use crate::workspace::Workspace;

/// Of `dist/policy.wasm`, metadata included: each admission request instantiates the module afresh.
const LIMIT: Limit = Limit { what: "the module", package: POLICY, target: TARGET, raw: 300_000, gzip: 150_000 };

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
    LIMIT.judge(&annotated, smaller.optimised)?;
    write(workspace, &module(workspace), &annotated)
}

/// Builds and optimises the module that only accepts, in the same way, for the bench to compare with. Where it ends up.
pub(crate) fn accepting(workspace: &Workspace) -> Result<PathBuf> {
    let smaller = optimise::smaller(workspace, "accept", &build::accepting(workspace)?)?;
    let path = workspace.target.join("xtask").join("accept.wasm");
    write(workspace, &path, &smaller.module)?;
    Ok(path)
}
