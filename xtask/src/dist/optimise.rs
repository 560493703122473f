//! `wasm-opt -Oz` over the module, where node and npm can be had.
//!
//! A machine without them gets a larger module that behaves the same, and one line that says so. A module that
//! `wasm-opt` refuses is an error all the same: that is never the machine's fault.

use std::{fs, path::PathBuf};

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

/// The optimised module of that name, from the last run where that had the same input.
pub(super) fn smaller(workspace: &Workspace, name: &str, module: &[u8]) -> Result<Smaller> {
    let room = workspace.target.join("xtask").join(format!("binaryen-{BINARYEN}"));
    let file = |what: &str| room.join(format!("{name}.{what}"));
    let work = Work { input: file("input.wasm"), flags: file("flags"), output: file("output.wasm"), room };
    if let Some(module) = work.remembered(module) {
        return Ok(Smaller { module, how: format!("wasm-opt {BINARYEN}, nothing changed"), optimised: true });
    }
    match work.tool() {
        Ok(tool) => work.optimise(&tool, module),
        Err(why) => Ok(Smaller {
            module: module.to_vec(),
            how: format!("not optimised, larger and otherwise the same ({why})"),
            optimised: false,
        }),
    }
}

/// The files of this step, in a folder of their own that the version names.
struct Work {
    room: PathBuf,
    input: PathBuf,
    flags: PathBuf,
    output: PathBuf,
}

impl Work {
    fn remembered(&self, module: &[u8]) -> Option<Vec<u8>> {
        let same = fs::read(&self.input).ok()? == module && fs::read_to_string(&self.flags).ok()? == FLAGS;
        same.then(|| fs::read(&self.output).ok()).flatten()
    }

    /// `wasm-opt`, known to run; installed first where it is not there.
    fn tool(&self) -> Result<PathBuf> {
        let tool = npm::installed(&self.room, &format!("binaryen@{BINARYEN}"))?.join("bin/wasm-opt");
        Command::new("node").arg(&tool).arg("--version").quietly()?;
        Ok(tool)
    }

    /// The output goes first and comes last: a run that was cut off is never remembered.
    fn optimise(&self, tool: &PathBuf, module: &[u8]) -> Result<Smaller> {
        let place = || format!("cannot write below {}", self.room.display());
        if self.output.exists() {
            fs::remove_file(&self.output).with_context(place)?;
        }
        fs::write(&self.input, module).with_context(place)?;
        fs::write(&self.flags, FLAGS).with_context(place)?;
        let part = self.output.with_extension("part");
        let wasm_opt = Command::new("node").arg(tool).arg(&self.input).words(FLAGS).arg("-o").arg(&part);
        wasm_opt.quietly().context("wasm-opt refuses the module")?;
        fs::rename(&part, &self.output).with_context(place)?;
        let module = fs::read(&self.output).with_context(|| format!("cannot read {}", self.output.display()))?;
        Ok(Smaller { module, how: format!("wasm-opt {BINARYEN}"), optimised: true })
    }
}
