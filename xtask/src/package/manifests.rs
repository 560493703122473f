//! What a release is installed with: the chart, and one file of objects for each admission.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::archive::Archive;
use crate::{
    chart::CHART,
    command::Command,
    go,
    workspace::{Workspace, read},
};

/// The module with the Kubernetes of the testbed.
const KUBERNETES: &str = "testbed/controlplane";
const KUBECTL: &str = "k8s.io/kubernetes/cmd/kubectl";
/// Where the image is published, which the manifests name with a tag.
pub(super) const IMAGE: &str = "ghcr.io/hpa-override/hpa-override";

/// The name of a file, and the folders below `deploy/kustomize` that it is rendered from.
const RENDERED: [(&str, &[&str]); 2] =
    [("install.yaml", &["webhook"]), ("install-kubewarden.yaml", &["base", "policies"])];

/// The chart as Helm installs it: what is committed of it.
pub(super) fn chart(workspace: &Workspace) -> Result<Vec<u8>> {
    let names = workspace.git("-C").arg(CHART).arg("ls-files").stdout()?;
    let folder = workspace.root.join(CHART);
    let mut archive = Archive::default();
    for name in names.lines().filter(|name| !name.ends_with(".gotmpl")) {
        archive.file(Path::new("hpa-override").join(name), read(&folder.join(name))?);
    }
    archive.to_tar_gz()
}

/// The objects of each file, with the image by its digest.
pub(super) fn rendered(workspace: &Workspace, digest: &str) -> Result<Vec<(&'static str, String)>> {
    let kubectl = go::program(workspace, KUBERNETES, KUBECTL, "kubectl")?;
    RENDERED.iter().map(|(name, folders)| Ok((*name, render(workspace, &kubectl, folders, digest)?))).collect()
}

fn render(workspace: &Workspace, kubectl: &Path, folders: &[&str], digest: &str) -> Result<String> {
    let room: PathBuf = workspace.target.join("package/kustomize");
    fs::create_dir_all(&room).with_context(|| format!("cannot make the folder {}", room.display()))?;
    let from = deploy_from(workspace, &room);
    let resources: Vec<_> = folders.iter().map(|folder| from.join(folder).display().to_string()).collect();
    let text = format!("resources: {resources:?}\nimages: [{{name: {IMAGE}, digest: {digest:?}}}]\n");
    fs::write(room.join("kustomization.yaml"), text).context("cannot write a kustomization.yaml")?;
    Command::new(kubectl).arg("kustomize").arg(room).stdout()
}

/// Kustomize takes relative paths only.
fn deploy_from(workspace: &Workspace, room: &Path) -> PathBuf {
    let up: PathBuf = room.components().skip(1).map(|_| "..").collect();
    let down = workspace.root.strip_prefix("/").unwrap_or(&workspace.root);
    up.join(down).join("deploy/kustomize")
}
