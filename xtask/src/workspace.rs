//! Where things are and what they are called, asked of cargo once.
//!
//! It keeps no list of its own: members, version and target folder (`CARGO_TARGET_DIR` included) are cargo's.

use std::{
    env::consts::EXE_SUFFIX,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::command::Command;

/// What a program of the workspace is built with. Beside an example, dev-dependencies count as they do for tests: built
/// otherwise, nearly all that a program needs would be compiled once more after `cargo xtask test`.
const BUILD: &str = "build --quiet --workspace --all-features --example codes";

/// The workspace that the command was called in.
#[derive(Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let text = Command::new("cargo").words("metadata --no-deps --format-version 1").stdout()?;
        serde_json::from_str(&text).context("cannot read what `cargo metadata` prints")
    }

    /// `cargo`, in the workspace's root.
    pub(crate) fn cargo(&self, words: &str) -> Command {
        Command::cargo(&self.root).words(words)
    }

    /// `git`, in the workspace's root.
    pub(crate) fn git(&self, words: &str) -> Command {
        Command::new("git").arg("-C").arg(&self.root).words(words)
    }

    /// A program of the workspace, built first.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        self.cargo(BUILD).arg("--bin").arg(name).artifact(&format!("{name}{EXE_SUFFIX}"))
    }

    /// An example of the workspace, built first.
    pub(crate) fn example(&self, name: &str) -> Result<PathBuf> {
        self.cargo(BUILD).arg("--example").arg(name).artifact(&format!("{name}{EXE_SUFFIX}"))
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().map(|package| package.name.as_str())
    }

    /// The version of a member; all of them take it from the workspace.
    pub(crate) fn version_of(&self, member: &str) -> Result<&str> {
        Ok(&self.package(member)?.version)
    }

    /// The Cargo.toml of a member.
    pub(crate) fn manifest_of(&self, member: &str) -> Result<&Path> {
        Ok(&self.package(member)?.manifest_path)
    }

    /// The Cargo.toml of each member.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Path> {
        self.packages.iter().map(|package| package.manifest_path.as_path())
    }

    fn package(&self, member: &str) -> Result<&Package> {
        let found = self.packages.iter().find(|package| package.name == member);
        found.with_context(|| format!("the workspace has no package `{member}`"))
    }

    /// The text of a file, by its path below the root.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("cannot read {path}"))
    }

    /// The path as a person would name it: relative to the root where it lies below.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}
