//! The tests: built at once, then their binaries side by side.
//!
//! Cargo runs one binary after the other. Those with a control plane wait, for an instant or for a stall to pass: a few
//! together take hardly longer than the longest. The others compute: they run beside them one by one, at a lower priority.
//! What measures times runs by itself, at the end. What a binary prints is shown when it is done, in one piece.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::workspace::Workspace;

/// The packages whose tests have a control plane.
const WAIT: [&str; 3] = ["host-shim", "testbed", "kubectl"];
/// So many of them at a time: a control plane takes half a gigabyte.
const SIDE_BY_SIDE: usize = 3;
/// The package, and its tests, that limit the module's time: what runs beside them would count as the module's.
const ALONE: (&str, &str) = ("policy/wapc", "engine");
/// So many of the slowest are listed.
const SLOWEST: usize = 10;

/// A test binary.
struct Binary {
    executable: PathBuf,
    /// Of its package: where cargo runs it.
    folder: PathBuf,
    name: String,
    /// What cargo takes to run it alone.
    selection: String,
}

impl Binary {
    /// None where the message is about something else. Cargo's messages are of many kinds.
    fn parse(message: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(message)
            .ok()
            .filter(|it: &Value| it.pointer("/profile/test") == Some(&true.into()))?;
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let (name, kind) = (text("/target/name")?, text("/target/kind/0")?);
        let selection = match kind {
            "test" | "bin" | "example" => format!("--{kind} {name}"),
            _ => "--lib".to_owned(),
        };
        let folder = Path::new(text("/manifest_path")?).parent()?.to_owned();
        Some(Self { executable: text("/executable")?.into(), folder, name: name.to_owned(), selection })
    }

    fn waits(&self) -> bool {
        WAIT.iter().any(|package| self.folder.ends_with(package))
    }

    /// Whether nothing may run beside it.
    fn measures(&self) -> bool {
        self.folder.ends_with(ALONE.0) && self.name == ALONE.1
    }

    /// Shows what it prints.
    fn execute(&self, shown: &str) -> Result<()> {
        let start = Instant::now();
        let mut command =
            if self.waits() || self.measures() { Command::new(&self.executable) } else { niced(&self.executable) };
        let output = command.current_dir(&self.folder).output();
        let output = output.with_context(|| format!("cannot start {}", self.executable.display()))?;
        let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        // One call, so that two binaries do not mix.
        println!("\n== {shown} in {:.1} s\n{out}{err}", start.elapsed().as_secs_f32());
        let (status, selection) = (output.status, &self.selection);
        ensure!(
            status.success(),
            "tests failed ({status}); repeat them with: cargo test --workspace --all-features {selection}"
        );
        Ok(())
    }
}

/// The program at a lower priority.
fn niced(program: &Path) -> Command {
    let mut nice = Command::new("nice");
    nice.arg(program);
    nice
}

/// What came of the binaries that have run.
#[derive(Default)]
struct Outcome {
    failed: Vec<String>,
    /// Seconds, and which.
    times: Vec<(f32, String)>,
}

/// Builds and runs all tests, those in the documentation too.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let build = workspace.cargo("test --workspace --all-features --no-run --message-format json-render-diagnostics");
    println!("$ {build}");
    let binaries = build.stdout()?;
    let (alone, together): (Vec<_>, Vec<_>) = binaries.lines().filter_map(Binary::parse).partition(Binary::measures);
    let (waiting, computing): (Vec<_>, Vec<_>) = together.into_iter().partition(Binary::waits);
    let outcome = Mutex::default();
    thread::scope(|scope| {
        scope.spawn(|| execute_all(workspace, waiting, SIDE_BY_SIDE, &outcome));
        execute_all(workspace, computing, 1, &outcome);
    });
    execute_all(workspace, alone, 1, &outcome);
    let Outcome { failed, mut times } = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    times.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    for (seconds, name) in times.iter().take(SLOWEST) {
        println!("{seconds:>8.1} s  {name}");
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    workspace.cargo("test --workspace --all-features --doc").run()
}

/// Runs so many at a time, the last one first.
fn execute_all(workspace: &Workspace, binaries: Vec<Binary>, side_by_side: usize, outcome: &Mutex<Outcome>) {
    let queue = Mutex::new(binaries);
    let next = || locked(&queue).pop();
    let work = || {
        while let Some(binary) = next() {
            let (shown, start) = (workspace.shown(&binary.executable), Instant::now());
            let done = binary.execute(&shown);
            let mut outcome = locked(outcome);
            outcome.times.push((start.elapsed().as_secs_f32(), shown));
            outcome.failed.extend(done.err().map(|error| format!("{error:#}")));
        }
    };
    thread::scope(|scope| (0..side_by_side).for_each(|_| drop(scope.spawn(work))));
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_binaries_are_found_among_cargos_messages() {
        let messages = r#"{"reason":"build-script-executed"}
{"manifest_path":"/w/crd/Cargo.toml","target":{"name":"crdgen","kind":["bin"]},"profile":{"test":false},"executable":"/t/crdgen"}
{"manifest_path":"/w/crd/Cargo.toml","target":{"name":"crd","kind":["lib"]},"profile":{"test":true},"executable":"/t/crd-1"}
{"manifest_path":"/w/crd/Cargo.toml","target":{"name":"crd","kind":["lib"]},"profile":{"test":false},"executable":null}
{"manifest_path":"/w/host-shim/Cargo.toml","target":{"name":"killed","kind":["test"]},"profile":{"test":true},"executable":"/t/k"}
{"manifest_path":"/w/policy/wapc/Cargo.toml","target":{"name":"engine","kind":["test"]},"profile":{"test":true},"executable":"/t/e"}"#;
        let found: Vec<_> = messages.lines().filter_map(Binary::parse).collect();
        let seen: Vec<_> = found.iter().map(|it| (it.selection.as_str(), it.waits(), it.measures())).collect();
        assert_eq!(seen, [("--lib", false, false), ("--test killed", true, false), ("--test engine", false, true)]);
        assert_eq!(found[1].folder, Path::new("/w/host-shim"));
    }
}
