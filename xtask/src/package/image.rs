//! The image of the controller for all processors, as an OCI layout: one program, its licences, no shell, no root.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::{
    archive::Archive,
    binaries::{PROGRAM, Platform},
    registry::{self, Registry},
};
use crate::workspace::{Workspace, read};

/// Where its labels are.
const CONTAINERFILE: &str = "deploy/Containerfile";

/// Makes the image in `folder`; its digest, which depends on the commit and on nothing else.
pub(super) fn make(
    workspace: &Workspace,
    programs: &[(Platform, PathBuf)],
    licences: &Archive,
    folder: &Path,
) -> Result<String> {
    let registry = Registry::start(registry::crane(workspace)?)?;
    let labels = labels(workspace)?;
    let mut index = registry.crane("index append --tag").arg(registry.reference("all"));
    for (platform, program) in programs {
        let mut layer = licences.clone();
        layer.program(PROGRAM, read(program)?);
        let path = workspace.target.join("package").join(format!("layer-{}.tar.gz", platform.architecture));
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(&path, layer.to_tar_gz()?).with_context(|| format!("cannot write {}", path.display()))?;
        let reference = registry.reference(platform.architecture);
        registry.crane("append --oci-empty-base --new_tag").arg(&reference).arg("--new_layer").arg(&path).quietly()?;
        let mutate = registry.crane("mutate --entrypoint").arg(format!("/{PROGRAM}")).words("--user 65532:65532");
        let mutate = mutate.arg("--set-platform").arg(format!("linux/{}", platform.architecture));
        let mutate = labels.iter().fold(mutate, |mutate, label| mutate.arg("--label").arg(label));
        mutate.arg("--tag").arg(&reference).arg(&reference).quietly()?;
        index = index.arg("--manifest").arg(reference);
    }
    index.quietly()?;
    registry.pull("all", folder)?;
    let digest = registry.crane("digest").arg(registry.reference("all")).stdout()?;
    Ok(digest.trim().into())
}

/// The labels of the image, as `key=value`: those of the Containerfile, and the commit.
fn labels(workspace: &Workspace) -> Result<Vec<String>> {
    let mut labels = labels_in(&workspace.read(CONTAINERFILE)?);
    ensure!(!labels.is_empty(), "{CONTAINERFILE} has no labels");
    let commit = workspace.git("rev-parse HEAD").stdout()?;
    labels.push(format!("org.opencontainers.image.revision={}", commit.trim()));
    Ok(labels)
}

fn labels_in(containerfile: &str) -> Vec<String> {
    let lines = containerfile.lines().filter_map(|line| line.trim_start_matches("LABEL").trim().split_once("=\""));
    let labels = lines.filter(|(key, _)| key.starts_with("org.opencontainers.image."));
    labels.filter_map(|(key, rest)| Some(format!("{key}={}", rest.split_once('"')?.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_the_containerfile() {
        let text = "FROM scratch\nLABEL org.opencontainers.image.title=\"a b\" \\\n      org.opencontainers.image.licenses=\"Apache-2.0\"\n";
        assert_eq!(
            labels_in(text),
            ["org.opencontainers.image.title=a b", "org.opencontainers.image.licenses=Apache-2.0"]
        );
    }
}
