//! A binding that answers otherwise is found, and what is printed is a case that fails for that binding and no other. The
//! bindings that can be broken by hand are those in JavaScript.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rstest::rstest;

use crate::{CASES, DIFFER, dist, folder, has, root};

/// The npm package, but for what `code` exports; `real` is the package as it is.
fn broken(name: &str, code: &str) -> PathBuf {
    let folder = folder(Path::new(env!("CARGO_TARGET_TMPDIR")), &format!("binding-{name}"));
    let url = format!("file://{}", dist("js").join("index.js").display());
    let package = format!("import * as real from \"{url}\";\n{}", code.replace("REAL", &url));
    fs::write(folder.join("index.js"), package).unwrap();
    fs::write(folder.join("package.json"), r#"{"type":"module"}"#).unwrap();
    folder
}

/// Whether the program succeeds with that package, and what it prints.
fn run(program: &str, package: &Path, args: &[&str]) -> (bool, String) {
    crate::run(&root(), program, &[&["--javascript", package.to_str().unwrap()], args].concat())
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
fn a_binding_that_answers_otherwise_is_found(#[case] name: &str, #[case] code: &str) {
    if !has("node") {
        return;
    }
    let package = broken(name, code);
    let (same, printed) = run(DIFFER, &package, &["--seed", "1", "--count", "300"]);
    assert!(!same && printed.contains("\n# javascript differs\n"), "{printed}");
    let file = package.join("case.yaml");
    fs::write(&file, &printed).unwrap();
    let file = file.to_str().unwrap();
    let (passed, printed) = run(CASES, &package, &[file]);
    assert!(!passed && printed.contains("javascript: 0 passed, 1 failed\n"), "{printed}");
    let (passed, printed) = run(CASES, &dist("js"), &[file]);
    assert!(passed, "{printed}");
    let (passed, printed) = run(CASES, &package, &["cases/phases"]);
    assert_eq!(passed, name == "order", "{printed}");
}
