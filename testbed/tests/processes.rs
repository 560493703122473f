//! Children end with their parent, even when that is killed.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::ensure;
use hpa_override_testbed::{Child, wait_for_blocking};

const LIMIT: Duration = Duration::from_secs(20);
/// Makes this very binary the parent that is killed.
const PARENT: &str = "HPA_OVERRIDE_TESTBED_TEST_PARENT";

fn log(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("hpa-override-testbed-{name}-{}.log", std::process::id()))
}

/// Whether the process is gone, or dead and only not yet waited for.
fn is_gone(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|state| state.is_empty() || state.starts_with('Z'))
}

/// Not a test by itself: the parent in `children_of_a_killed_parent_end`.
#[test]
#[ignore = "is run by another test"]
fn parent() {
    if std::env::var_os(PARENT).is_none() {
        return;
    }
    let mut sleeper = Command::new("sleep");
    sleeper.arg("600");
    // The thread that starts the child ends at once: the child must not end with it.
    let child = std::thread::spawn(|| Child::spawn(sleeper, &log("grandchild")).unwrap()).join().unwrap();
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
    let gone = || {
        ensure!(is_gone(id), "{id} runs");
        Ok(())
    };
    wait_for_blocking("the process to end", LIMIT, gone).unwrap();
}
