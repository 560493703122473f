//! The tests: built at once, then their binaries side by side.
//!
//! Cargo runs one binary after the other. Most of those on a control plane wait for an instant or for a stall to pass, so
//! a few together take hardly longer than the longest. What measures times runs by itself, at the end. What a
//! binary prints is shown when it is done, in one piece.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use anyhow::{Context, Error, Result, bail};
use serde::Deserialize;

use crate::workspace::Workspace;

/// Each may run a control plane of half a gigabyte.
const SIDE_BY_SIDE: usize = 3;
/// The package whose tests wait the longest: it goes first.
const FIRST: &str = "host-shim";

/// The package, and its tests, that limit the module's time: what runs beside them would count as the module's.
const ALONE: (&str, &str) = ("policy/wapc", "engine");

/// A test binary, as cargo's messages describe it.
#[derive(Deserialize)]
struct Binary {
    executable: PathBuf,
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl Binary {
    /// Where cargo runs it.
    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    /// Whether it belongs to the package that goes first.
    fn waits(&self) -> bool {
        self.folder().ends_with(FIRST)
    }

    /// Whether nothing may run beside it.
    fn measures(&self) -> bool {
        self.folder().ends_with(ALONE.0) && self.target.name == ALONE.1
    }

    /// What cargo takes to run it alone.
    fn selection(&self) -> String {
        let Target { name, kind } = &self.target;
        match kind.first().map(String::as_str) {
            Some("test") => format!("--test {name}"),
            Some("bin") => format!("--bin {name}"),
            Some("example") => format!("--example {name}"),
            _ => "--lib".to_owned(),
        }
    }
}

/// Builds and runs all tests, those in the documentation too.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let build = workspace.cargo("test --workspace --all-features --no-run --message-format json-render-diagnostics");
    println!("$ {build}");
    let mut binaries = parse(&build.stdout()?);
    binaries.sort_by_key(Binary::waits);
    let (alone, together) = binaries.into_iter().partition(Binary::measures);
    let mut failed = execute_all(workspace, together, SIDE_BY_SIDE);
    failed.extend(execute_all(workspace, alone, 1));
    if !failed.is_empty() {
        let lines: Vec<String> = failed.iter().map(|error| format!("{error:#}")).collect();
        bail!("{}", lines.join("\n"));
    }
    workspace.cargo("test --workspace --all-features --doc").run()
}

/// Runs so many at a time, the last one first; what failed.
fn execute_all(workspace: &Workspace, binaries: Vec<Binary>, side_by_side: usize) -> Vec<Error> {
    let (queue, failed) = (Mutex::new(binaries), Mutex::new(Vec::new()));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
    thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                while let Some(binary) = next() {
                    if let Err(error) = execute(workspace, &binary) {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(error);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Cargo's messages stand one a line, of many kinds; those about executables have what is asked for here.
fn parse(messages: &str) -> Vec<Binary> {
    let parsed = messages.lines().filter_map(|line| serde_json::from_str::<Binary>(line).ok());
    parsed.filter(|binary| binary.profile.test).collect()
}

fn execute(workspace: &Workspace, binary: &Binary) -> Result<()> {
    let start = Instant::now();
    let output = Command::new(&binary.executable).current_dir(binary.folder()).output();
    let output = output.with_context(|| format!("cannot start {}", binary.executable.display()))?;
    let (shown, seconds) = (workspace.shown(&binary.executable), start.elapsed().as_secs_f32());
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    // One call, so that two binaries do not mix.
    println!("\n== {shown} in {seconds:.1} s\n{out}{err}");
    if output.status.success() {
        return Ok(());
    }
    let (status, selection) = (output.status, binary.selection());
    bail!("tests failed ({status}); repeat them with: cargo test --workspace --all-features {selection}")
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
{"manifest_path":"/w/host-shim/Cargo.toml","target":{"name":"killed","kind":["test"]},"profile":{"test":true},"executable":"/t/killed-1"}
{"manifest_path":"/w/policy/wapc/Cargo.toml","target":{"name":"engine","kind":["test"]},"profile":{"test":true},"executable":"/t/e"}"#;
        let found = parse(messages);
        let seen: Vec<_> = found.iter().map(|it| (it.selection(), it.waits(), it.measures())).collect();
        let [crd, killed, engine] = ["--lib", "--test killed", "--test engine"].map(String::from);
        assert_eq!(seen, [(crd, false, false), (killed, true, false), (engine, false, true)]);
        assert_eq!(found[1].folder(), Path::new("/w/host-shim"));
    }
}
