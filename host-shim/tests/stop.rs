//! The controller can be stopped at any time, also while there is no API server to talk to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{process::Command, time::Duration};

use hpa_override_testbed::{Child, Signal, wait_for_blocking};

const LIMIT: Duration = Duration::from_mins(1);

/// Nothing listens on port 1.
const NOBODY: &str = "apiVersion: v1
kind: Config
current-context: nobody
clusters: [{name: nobody, cluster: {server: \"http://127.0.0.1:1\"}}]
contexts: [{name: nobody, context: {cluster: nobody, user: nobody}}]
users: [{name: nobody, user: {}}]
";

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_host-shim"))
}

#[test]
fn sigterm_without_an_api_server_stops_it() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (kubeconfig, log) = (folder.join("nobody.yaml"), folder.join("stop.log"));
    std::fs::write(&kubeconfig, NOBODY).unwrap();
    std::fs::write(&log, "").unwrap();
    let mut command = command();
    command.env("KUBECONFIG", kubeconfig);
    let mut controller = Child::spawn(command, &log).unwrap();
    let watching = wait_for_blocking("it to miss the API server", LIMIT, || {
        controller.ensure_running()?;
        anyhow::ensure!(controller.log().contains("failed to watch"), "{}", controller.log_tail());
        Ok(())
    });
    watching.unwrap();
    controller.signal(Signal::SIGTERM).unwrap();
    let status = controller.wait(LIMIT).unwrap();
    assert!(status.success(), "{status}\n{}", controller.log_tail());
}

#[test]
fn an_empty_namespace_is_refused() {
    let output = command().args(["--namespace", ""]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("--namespace"), "{said}");
}
