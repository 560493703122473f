//! The kubectl plugin: an archive for each platform, as krew takes them, and krew's manifest of those in `dist/`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    archive::Archive,
    contents::{Contents, Materials},
};
use crate::{
    command::Command,
    workspace::{Workspace, read},
};

pub(super) const PACKAGE: &str = "hpa-override-kubectl";
pub(super) const PROGRAM: &str = "kubectl-hpa_override";
/// Where the archives of a release are.
const RELEASES: &str = "https://github.com/hpa-override/hpa-override/releases/download";

/// The archive of one platform: the program, its licences, its man pages.
pub(super) fn archive(
    workspace: &Workspace,
    contents: &mut Contents<'_>,
    (system, architecture): (&str, &str),
    program: &Path,
    materials: &Materials,
    manuals: &Archive,
) -> Result<String> {
    let mut archive = manuals.clone();
    archive.program(PROGRAM, read(program)?);
    archive.file("LICENSE", read(&workspace.root.join("LICENSE"))?);
    archive.file("licences.txt", materials.licences.clone().into_bytes());
    let name = format!("{PROGRAM}-{system}-{architecture}.tar.gz");
    let bytes = archive.to_tar_gz()?;
    contents.compiled(&name, &bytes, "the kubectl plugin, a static program, with its man pages", materials)?;
    Ok(format!("{:x}", Sha256::digest(&bytes)))
}

/// The man pages, as the program of this machine writes them.
pub(super) fn manuals(workspace: &Workspace) -> Result<Archive> {
    let folder: PathBuf = workspace.target.join("xtask/man");
    let _ = std::fs::remove_dir_all(&folder);
    Command::new(workspace.program(PROGRAM)?).arg("man").arg(&folder).quietly()?;
    Archive::folder(&folder, "man")
}

/// krew's manifest: one platform for each archive, given with its architecture and its checksum.
pub(super) fn krew(version: &str, archives: &[(&str, String)]) -> Result<String> {
    let platform = |(architecture, sum): &(&str, String)| {
        json!({
            "selector": {"matchLabels": {"os": "linux", "arch": architecture}},
            "uri": format!("{RELEASES}/v{version}/{PROGRAM}-linux-{architecture}.tar.gz"),
            "sha256": sum,
            "bin": PROGRAM,
        })
    };
    let platforms: Vec<Value> = archives.iter().map(platform).collect();
    let manifest = json!({
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "hpa-override"},
        "spec": {
            "version": format!("v{version}"),
            "homepage": "https://github.com/hpa-override/hpa-override",
            "shortDescription": "Overrule HPA bounds for a while",
            "description": "Overrules the replica bounds of HorizontalPodAutoscalers for a while, shows which overrides are \
                            active and why, and ends them. It writes AutoscalerOverride objects: hpa-override must \
                            be installed in the cluster.\n",
            "platforms": platforms,
        },
    });
    yaml_serde::to_string(&manifest).context("cannot write krew's manifest")
}
