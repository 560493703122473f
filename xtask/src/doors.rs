//! Every door that can run on this machine, built, as the testbed's `cases` and `differ` take them.
//!
//! Two need Node. A machine without it runs the others, and one line says so.

use std::{ffi::OsString, fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{
    command::Command,
    dist, npm,
    workspace::{Workspace, read},
};

/// The npm package that translates components for Node.
const JCO: &str = "1.35.0";

/// Builds the doors; the arguments that name them.
pub(crate) fn args(workspace: &Workspace) -> Result<Vec<OsString>> {
    dist::run(workspace)?;
    let mut args: Vec<OsString> = vec![
        "--module".into(),
        dist::module(workspace).into(),
        "--component".into(),
        dist::component(workspace).into(),
    ];
    if let Err(why) = Command::new("node").arg("--version").quietly() {
        println!("doors: jco and javascript are left out: {why:#}");
        return Ok(args);
    }
    args.extend(["--javascript".into(), dist::package(workspace).into()]);
    match translated(workspace) {
        Ok(folder) => args.extend(["--jco".into(), folder.into()]),
        Err(why) => println!("doors: jco is left out: {why:#}"),
    }
    Ok(args)
}

/// The folder with the component as jco translates it, from the last run where that had the same component: what was
/// translated lies with it, and came last.
fn translated(workspace: &Workspace) -> Result<PathBuf> {
    let room = workspace.target.join("xtask").join(format!("jco-{JCO}"));
    let folder = room.join("component");
    let seen = folder.join("translated.wasm");
    let component = read(&dist::component(workspace))?;
    if fs::read(&seen).is_ok_and(|before| before == component) {
        return Ok(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    let jco = npm::installed(&room, &format!("@bytecodealliance/jco@{JCO}"))?.join("dist/jco.js");
    let translate = Command::new("node").arg(jco).arg("transpile").arg(dist::component(workspace));
    translate.words("--name component --no-typescript --quiet -o").arg(&folder).quietly()?;
    fs::write(folder.join("package.json"), r#"{"type":"module"}"#).context("cannot write beside the translation")?;
    fs::write(&seen, component).with_context(|| format!("cannot write {}", seen.display()))?;
    Ok(folder)
}
