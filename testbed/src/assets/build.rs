//! `go build` of one program of the control plane. Versions come from go.mod alone.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::Program;

/// The package, and minutes on two cores with nothing cached.
fn package(program: Program) -> (&'static str, u32) {
    match program {
        Program::Etcd => ("go.etcd.io/etcd/server/v3", 1),
        Program::KubeApiserver => ("k8s.io/kubernetes/cmd/kube-apiserver", 5),
        Program::KubeControllerManager => ("k8s.io/kubernetes/cmd/kube-controller-manager", 2),
        Program::Kubectl => ("k8s.io/kubernetes/cmd/kubectl", 2),
    }
}

/// The result appears under its name only when it is complete. Minutes of silence look like a hang, so it says how long it
/// takes, and Go's own messages go to standard error.
pub(super) fn build(program: Program, module: &Path, path: &Path) -> Result<()> {
    let (name, (package, minutes), start) = (program.name(), package(program), Instant::now());
    say(&format!("building {name} once, with Go; about {minutes} min with nothing cached"));
    let unfinished = path.with_extension("unfinished");
    let mut go = Command::new("go");
    go.current_dir(module).args(["build", "-trimpath", "-ldflags", &version_flags(module)?]);
    let status = go.arg("-o").arg(&unfinished).arg(package).status().context("failed to start `go`")?;
    ensure!(status.success(), "failed to build {name}: `go build` ended with {status}");
    std::fs::rename(&unfinished, path).with_context(|| format!("failed to put {} in place", path.display()))?;
    say(&format!("built {name} in {} s", start.elapsed().as_secs()));
    Ok(())
}

/// A plain build does not know its version, and the API server derives what it serves from it.
fn version_flags(module: &Path) -> Result<String> {
    let pins = std::fs::read_to_string(module.join("go.mod")).context("failed to read go.mod")?;
    let version = pins.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "));
    let version = version.context("failed to find the line `k8s.io/kubernetes vX.Y.Z` in go.mod")?;
    let (major, rest) = version.trim_start_matches('v').split_once('.').context("the version has no minor part")?;
    let minor = rest.split('.').next().unwrap_or_default();
    let variable = "-X k8s.io/component-base/version";
    Ok(format!("-s -w {variable}.gitVersion={version} {variable}.gitMajor={major} {variable}.gitMinor={minor}"))
}

pub(super) fn say(line: &str) {
    crate::say(&format!("testbed: {line}"));
}
