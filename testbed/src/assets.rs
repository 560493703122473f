//! Finds the programs of a control plane, and builds those that are not there.
//!
//! Ready-made ones are taken from the folder `$KUBEBUILDER_ASSETS`, by convention the place for them. The others are
//! built once with Go from the modules pinned in `testbed/controlplane/`, into `target/testbed/`, where all processes
//! of this checkout find them. Nothing is downloaded but Go modules, and no version is taken that go.mod does not name.

mod build;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

const VARIABLE: &str = "KUBEBUILDER_ASSETS";
const STAMP: &str = "go.mod.built";
const LOCK: &str = "build.lock";

/// A program of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The store behind the API server.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// The controllers that Kubernetes brings along, the HPA controller among them.
    KubeControllerManager,
    /// The command line client.
    Kubectl,
}

impl Program {
    const ALL: [Self; 4] = [Self::Etcd, Self::KubeApiserver, Self::KubeControllerManager, Self::Kubectl];

    /// The file name of the program.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
        }
    }
}

/// Where the program is, after building it if need be. A build takes minutes and says so on standard error.
pub fn find(program: Program) -> Result<PathBuf> {
    let ready_made = std::env::var_os(VARIABLE).map(|folder| PathBuf::from(folder).join(program.name()));
    match ready_made.filter(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => built(program, &target_dir()).with_context(|| {
            format!(
                "failed to find {0}; either set {VARIABLE} to a folder that holds {0}, or install Go \
                 so that it can be built from testbed/controlplane",
                program.name()
            )
        }),
    }
}

/// `target/testbed` of the workspace, whatever target directory cargo was set to: a build of minutes is shared.
pub(crate) fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("testbed")
}

fn controlplane() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("controlplane")
}

fn built(program: Program, target: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(target).with_context(|| format!("failed to create {}", target.display()))?;
    let _lock = lock(target)?;
    remove_outdated(target)?;
    let path = target.join(program.name());
    if !path.is_file() {
        build::build(program, &controlplane(), &path)?;
    }
    Ok(path)
}

/// Held while looking and building, so that two processes do not build the same program.
fn lock(target: &Path) -> Result<File> {
    let path = target.join(LOCK);
    let file = File::create(&path).with_context(|| format!("failed to open {}", path.display()))?;
    if file.try_lock().is_err() {
        build::say("waiting for another process that looks for or builds the control plane");
        file.lock().with_context(|| format!("failed to lock {}", path.display()))?;
    }
    Ok(file)
}

/// What was built from another go.mod goes: the stamp is a copy of the one that was used.
fn remove_outdated(target: &Path) -> Result<()> {
    let pins = controlplane().join("go.mod");
    let pins = std::fs::read_to_string(&pins).with_context(|| format!("failed to read {}", pins.display()))?;
    let stamp = target.join(STAMP);
    if std::fs::read_to_string(&stamp).is_ok_and(|built| built == pins) {
        return Ok(());
    }
    for program in Program::ALL {
        let _ = std::fs::remove_file(target.join(program.name()));
    }
    std::fs::write(&stamp, pins).with_context(|| format!("failed to write {}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_built_from_another_go_mod_goes() {
        for (stamp, stays) in [(include_str!("../controlplane/go.mod"), true), ("module other", false)] {
            let target = std::env::temp_dir().join(format!("hpa-override-assets-{}", std::process::id()));
            std::fs::create_dir_all(&target).unwrap();
            std::fs::write(target.join("etcd"), "").unwrap();
            std::fs::write(target.join(STAMP), stamp).unwrap();
            remove_outdated(&target).unwrap();
            assert_eq!(target.join("etcd").exists(), stays);
            std::fs::remove_dir_all(target).unwrap();
        }
    }
}
