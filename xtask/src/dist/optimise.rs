//! `wasm-opt -Oz` over the module, where node and npm can be had.
//!
//! A machine without them gets a larger module that behaves the same, and one line that says so. A module that
//! `wasm-opt` refuses is an error all the same: that is never the machine's fault.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{command::Command, npm, workspace::Workspace};

/// The npm package `binaryen`; its major number is the version of `wasm-opt`.
const BINARYEN: &str = "132.0.0";

/// A stripped module no longer says which WebAssembly features it was compiled for: what rustc uses by default.
const FLAGS: &str = "-Oz --enable-bulk-memory --enable-bulk-memory-opt --enable-nontrapping-float-to-int \
                     --enable-sign-ext --enable-mutable-globals --enable-multivalue --enable-reference-types";

/// The module after this step, and how it came about.
pub(super) struct Smaller {
    pub(super) module: Vec<u8>,
    pub(super) how: String,
    pub(super) optimised: bool,
}

/// The optimised module of that name, from an earlier run where one had the same input.
pub(super) fn smaller(workspace: &Workspace, name: &str, module: &[u8]) -> Result<Smaller> {
    let room = room(workspace);
    let mut hasher = DefaultHasher::new();
    (module, FLAGS).hash(&mut hasher);
    let file = |end: &str| room.join(format!("{name}-{:016x}.{end}", hasher.finish()));
    let (input, part, output) = (file("input.wasm"), file("part"), file("wasm"));
    if let Ok(module) = fs::read(&output) {
        return Ok(Smaller { module, how: format!("wasm-opt {BINARYEN}, nothing changed"), optimised: true });
    }
    let tool = match tool(&room) {
        Ok(tool) => tool,
        Err(why) => {
            let how = format!("not optimised, larger and otherwise the same ({why})");
            return Ok(Smaller { module: module.to_vec(), how, optimised: false });
        }
    };
    let place = || format!("cannot write below {}", room.display());
    fs::write(&input, module).with_context(place)?;
    let wasm_opt = Command::new("node").arg(tool).arg(&input).words(FLAGS).arg("-o").arg(&part);
    wasm_opt.quietly().context("wasm-opt refuses the module")?;
    // Last: a run that was cut off leaves no output.
    fs::rename(&part, &output).with_context(place)?;
    let module = fs::read(&output).with_context(|| format!("cannot read {}", output.display()))?;
    Ok(Smaller { module, how: format!("wasm-opt {BINARYEN}"), optimised: true })
}

/// Fails where modules could not be optimised.
pub(super) fn ensure(workspace: &Workspace) -> Result<()> {
    let found = tool(&room(workspace)).map(drop);
    found.context("what is released is optimised, which needs Node with npm")
}

fn room(workspace: &Workspace) -> PathBuf {
    workspace.target.join("xtask").join(format!("binaryen-{BINARYEN}"))
}

/// `wasm-opt`, known to run; installed first where it is not there.
fn tool(room: &Path) -> Result<PathBuf> {
    let tool = npm::installed(room, &format!("binaryen@{BINARYEN}"))?.join("bin/wasm-opt");
    Command::new("node").arg(&tool).arg("--version").quietly()?;
    Ok(tool)
}
