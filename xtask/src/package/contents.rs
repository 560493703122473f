//! What is in a release: each file with its checksum, size, kind and SBOM, in `artifacts.json` and `SHA256SUMS`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{licences, sbom};
use crate::workspace::Workspace;

/// The file that lists all, and that with the checksums, its own included.
pub(super) const LIST: &str = "artifacts.json";
const SUMS: &str = "SHA256SUMS";

/// Written one by one, listed in the end.
#[derive(Serialize)]
pub(super) struct Contents<'a> {
    #[serde(skip)]
    folder: &'a Path,
    version: &'a str,
    artifacts: Vec<Artifact>,
}

#[derive(Serialize)]
struct Artifact {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    digest: String,
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sbom: Option<String>,
}

/// What a program or module is made of.
pub(super) struct Materials {
    pub(super) sbom: String,
    pub(super) licences: String,
}

impl Materials {
    /// Of a package that is built for that target.
    pub(super) fn of(workspace: &Workspace, package: &str, target: &str) -> Result<Self> {
        Ok(Self { sbom: sbom::of(workspace, package, target)?, licences: licences::of(workspace, package)? })
    }
}

impl<'a> Contents<'a> {
    /// What an earlier run has listed is no longer listed.
    pub(super) fn new(folder: &'a Path, version: &'a str) -> Result<Self> {
        for name in [LIST, SUMS] {
            let path = folder.join(name);
            if path.exists() {
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(Self { folder, version, artifacts: Vec::new() })
    }

    /// Writes a file that nothing of others is linked into.
    pub(super) fn file(&mut self, name: &str, bytes: &[u8], what: &'static str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        let digest = format!("sha256:{:x}", Sha256::digest(bytes));
        self.artifacts.push(Artifact { name: name.into(), bytes: Some(bytes.len()), digest, what, sbom: None });
        Ok(path)
    }

    /// Writes a file that is compiled, and beside it what it is made of.
    pub(super) fn compiled(
        &mut self,
        name: &str,
        bytes: &[u8],
        what: &'static str,
        materials: &Materials,
    ) -> Result<PathBuf> {
        let sbom = format!("{name}.cdx.json");
        self.file(&sbom, materials.sbom.as_bytes(), "an SBOM, CycloneDX")?;
        self.file(&format!("{name}.licences.txt"), materials.licences.as_bytes(), "licences of what it contains")?;
        let path = self.file(name, bytes, what)?;
        if let Some(artifact) = self.artifacts.last_mut() {
            artifact.sbom = Some(sbom);
        }
        Ok(path)
    }

    /// The same for a file that is to be run.
    pub(super) fn program(
        &mut self,
        name: &str,
        bytes: &[u8],
        what: &'static str,
        materials: &Materials,
    ) -> Result<()> {
        let path = self.compiled(name, bytes, what, materials)?;
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, mode).with_context(|| format!("cannot make {} executable", path.display()))
    }

    /// Names an image that is there.
    pub(super) fn image(&mut self, name: &str, digest: &str) {
        let (name, digest) = (name.into(), digest.into());
        let what = "the image of the controller, as an OCI layout; the SBOMs are those of its programs";
        self.artifacts.push(Artifact { name, bytes: None, digest, what, sbom: None });
    }

    /// Writes both lists; the one with the checksums.
    pub(super) fn write(mut self) -> Result<String> {
        self.artifacts.sort_by(|one, other| one.name.cmp(&other.name));
        let list = serde_json::to_string_pretty(&self)? + "\n";
        self.file(LIST, list.as_bytes(), "this list")?;
        let files = self.artifacts.iter().filter(|artifact| artifact.bytes.is_some());
        let line = |file: &Artifact| format!("{}  {}\n", file.digest.trim_start_matches("sha256:"), file.name);
        let sums: String = files.map(line).collect();
        fs::write(self.folder.join(SUMS), &sums).with_context(|| format!("cannot write {SUMS}"))?;
        Ok(sums)
    }
}
