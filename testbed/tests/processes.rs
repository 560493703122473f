//! Children end with their parent, even when that is killed.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::ensure;
use hpa_override_testbed::{Child, Signal, wait_for_blocking};

const LIMIT: Duration = Duration::from_secs(20);
/// Tells this very binary to be the parent that is killed.
const PARENT: &str = "HPA_OVERRIDE_TESTBED_TEST_PARENT";

fn log(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("hpa-override-testbed-{name}-{}.log", std::process::id()))
}

fn sleeper() -> Command {
    let mut command = Command::new("sleep");
    command.arg("600");
    command
}

/// Whether the process is gone, or dead and only not yet waited for.
fn is_gone(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|state| state.is_empty() || state.starts_with('Z'))
}

fn wait_until_gone(id: u32) {
    wait_for_blocking("the process to end", LIMIT, || {
        ensure!(is_gone(id), "{id} runs");
        Ok(())
    })
    .unwrap();
}

/// Not a test by itself: the parent in `children_of_a_killed_parent_end`.
#[test]
#[ignore = "is run by another test"]
fn parent() {
    if std::env::var_os(PARENT).is_none() {
        return;
    }
    // The thread that starts the child ends at once: the child must not end with it.
    let child = std::thread::spawn(|| Child::spawn(sleeper(), &log("grandchild")).unwrap()).join().unwrap();
    println!("child {}", child.id());
    std::io::stdin().lines().for_each(drop);
}

#[test]
fn children_of_a_killed_parent_end() {
    let mut parent = Command::new(std::env::current_exe().unwrap());
    parent.args(["--ignored", "--exact", "parent", "--nocapture"]).env(PARENT, "1");
    let mut parent = parent.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let id = lines.find_map(|line| line.unwrap().split_once("child ")?.1.parse().ok()).unwrap();
    assert!(!is_gone(id), "the child outlives the thread that started it");
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_until_gone(id);
}

#[test]
fn a_dropped_child_ends() {
    let child = Child::spawn(sleeper(), &log("dropped")).unwrap();
    let id = child.id();
    assert!(!is_gone(id));
    drop(child);
    assert!(is_gone(id));
}

#[test]
fn a_signal_ends_a_child_and_its_status_is_there() {
    let mut child = Child::spawn(sleeper(), &log("signalled")).unwrap();
    child.signal(Signal::SIGTERM).unwrap();
    assert!(!child.wait(LIMIT).unwrap().success());
}

#[test]
fn what_a_child_said_is_in_the_error() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo out; echo err >&2; exit 3"]);
    let path = log("said");
    let mut child = Child::spawn(command, &path).unwrap();
    child.wait(LIMIT).unwrap();
    let error = child.ensure_running().unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(error, format!("sh ended with exit status: 3\nend of {}:\nout\nerr", path.display()));
}

#[test]
fn a_missing_program_is_named() {
    let error = Child::spawn(Command::new("/no/such-program"), Path::new("/dev/null")).unwrap_err();
    assert_eq!(error.to_string(), "failed to start such-program");
}
