//! `go build` of one program of the control plane, with progress on standard error.
//!
//! The result appears under its name only when it is complete. Versions come from go.mod alone.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::Program;
use crate::process::Child;

/// Time between two progress lines.
const REPORT: Duration = Duration::from_secs(20);

pub(super) fn build(program: Program, module: &Path, path: &Path) -> Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut go = Command::new("go");
    go.current_dir(module).args(["build", "-trimpath", "-ldflags", &version_flags(module)?]);
    go.arg("-o").arg(&unfinished).arg(package(program));
    let log = path.with_extension("build.log");
    run(program, go, &log).with_context(|| format!("failed to build {}", program.name()))?;
    std::fs::rename(&unfinished, path).with_context(|| format!("failed to put {} in place", path.display()))?;
    let _ = std::fs::remove_file(log);
    Ok(())
}

fn package(program: Program) -> &'static str {
    match program {
        Program::Etcd => "go.etcd.io/etcd/server/v3",
        Program::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
        Program::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
        Program::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
    }
}

/// Minutes on two cores with nothing cached.
fn expected_minutes(program: Program) -> u32 {
    match program {
        Program::Etcd => 1,
        Program::KubeApiserver => 5,
        Program::KubeControllerManager | Program::Kubectl => 2,
    }
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

fn run(program: Program, go: Command, log: &Path) -> Result<()> {
    let name = program.name();
    let minutes = expected_minutes(program);
    say(&format!("building {name} once, with Go; about {minutes} min with nothing cached"));
    let start = Instant::now();
    let mut child = Child::spawn(go, log)?;
    let mut reported = start;
    let status = loop {
        if let Some(status) = child.exited()? {
            break status;
        }
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            say(&format!("building {name}: {} s of about {minutes} min", start.elapsed().as_secs()));
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    ensure!(status.success(), "`go build` ended with {status}\n{}", child.log_tail());
    say(&format!("built {name} in {} s", start.elapsed().as_secs()));
    Ok(())
}

/// Minutes of silence look like a hang.
pub(super) fn say(line: &str) {
    crate::say(&format!("testbed: {line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_comes_from_go_mod() {
        let flags = version_flags(&Path::new(env!("CARGO_MANIFEST_DIR")).join("controlplane")).unwrap();
        let version = "k8s.io/component-base/version";
        assert_eq!(
            flags,
            format!("-s -w -X {version}.gitVersion=v1.37.2 -X {version}.gitMajor=1 -X {version}.gitMinor=37")
        );
    }
}
