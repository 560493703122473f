//! The programs of this crate, and the npm package, as a user runs them.

#![expect(clippy::unwrap_used, reason = "tests")]

mod agree;
mod cases;
mod differ;
mod embedding;
mod javascript;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const AGREE: &str = env!("CARGO_BIN_EXE_agree");
const CASES: &str = env!("CARGO_BIN_EXE_cases");
const DIFFER: &str = env!("CARGO_BIN_EXE_differ");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Something that `cargo xtask dist` makes.
fn dist(name: &str) -> PathBuf {
    let path = root().join("dist").join(name);
    assert!(path.exists(), "there is no dist/{name}; run `cargo xtask dist`");
    path
}

/// A new folder below the target folder, or for those that must be far from this repository elsewhere.
fn folder(parent: &Path, name: &str) -> PathBuf {
    let folder = parent.join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Whether the program succeeds, and all that it prints.
fn run(folder: &Path, program: &str, args: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(args).current_dir(folder).output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// Whether that program can be run here. Where it cannot, one line says so.
fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        hpa_override_testbed::say(&format!("not run: there is no {program} on this machine"));
    }
    there
}
