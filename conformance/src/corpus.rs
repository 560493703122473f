//! The cases of `cases/`: their format, and how one runs natively.
//!
//! A run compares what native answers with what the case expects, and keeps every question that it asked: a binding
//! conforms where it answers each of them as native does. The format is described in `cases/README.md`.

#![expect(clippy::indexing_slicing, reason = "JSON that lacks a key is null there; nothing is indexed by a number")]

mod case;
mod compare;
mod run;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

pub use self::case::Case;
pub use self::run::{Run, run};

/// The files with cases below a folder, in the order of their names; or the one file.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.is_file() {
        return Ok(vec![folder.into()]);
    }
    let entries = fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            found.push(path);
        }
    }
    Ok(found)
}
