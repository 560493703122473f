//! A door that answers otherwise is found, and what is printed is a case that fails for that door and no other. Where there
//! is no Node, one line says so: the doors that can be broken by hand are those in JavaScript.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use hpa_override_testbed::say;
use rstest::rstest;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn real() -> PathBuf {
    let package = root().join("dist/js");
    assert!(package.exists(), "there is no dist/js; run `cargo xtask dist`");
    package
}

/// The npm package, but for what `code` exports; `real` is the package as it is.
fn broken(name: &str, code: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("door-{name}"));
    fs::create_dir_all(&folder).unwrap();
    let url = format!("file://{}", real().join("index.js").display());
    let package = format!("import * as real from \"{url}\";\n{}", code.replace("REAL", &url));
    fs::write(folder.join("index.js"), package).unwrap();
    fs::write(folder.join("package.json"), r#"{"type":"module"}"#).unwrap();
    folder
}

/// Whether the program ends well with that package, and what it prints.
fn run(program: &str, package: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new(program).arg("--javascript").arg(package).args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[rstest]
#[case::missing("missing", r#"export { HpaOverrideError, planHpa, admitHpa, reviewOverride } from "REAL";"#)]
#[case::timeline(
    "timeline",
    r#"export * from "REAL";
    export const timeline = (asked) => { const { points } = real.timeline(asked); return { points: points.slice(1), goesOnAt: null }; };"#
)]
#[case::validation("validation", r#"export * from "REAL"; export const validateSettings = () => [];"#)]
#[case::order(
    "order",
    r#"export * from "REAL";
    export const admitHpa = (asked) => Object.fromEntries(Object.entries(real.admitHpa(asked)).reverse());"#
)]
fn a_door_that_answers_otherwise_is_found(#[case] name: &str, #[case] code: &str) {
    if Command::new("node").arg("--version").output().is_err() {
        return say("not run: there is no Node on this machine");
    }
    let package = broken(name, code);
    let (same, printed) = run(env!("CARGO_BIN_EXE_differ"), &package, &["--seed", "1", "--count", "300"]);
    assert!(!same && printed.contains("\n# javascript differs\n"), "{printed}");
    let file = package.join("case.yaml");
    fs::write(&file, &printed).unwrap();
    let file = file.to_str().unwrap();
    let (passed, told) = run(env!("CARGO_BIN_EXE_cases"), &package, &[file]);
    assert!(!passed && told.contains("javascript: 0 passed, 1 failed\n"), "{told}");
    let (passed, told) = run(env!("CARGO_BIN_EXE_cases"), &real(), &[file]);
    assert!(passed, "{told}");
    let (passed, told) = run(env!("CARGO_BIN_EXE_cases"), &package, &[root().join("cases/phases").to_str().unwrap()]);
    assert_eq!(passed, name == "order", "{told}");
}
