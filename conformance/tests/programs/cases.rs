//! What `cases` prints of cases that fail or cannot be read. The corpus itself is a step of `cargo xtask test`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rstest::rstest;

use crate::{CASES, dist, folder, read, root};

/// Whether the cases of a folder pass, natively and by these bindings, and what is printed.
fn run(folder: &Path, bindings: &[&str]) -> (bool, String) {
    crate::run(&root(), CASES, &[bindings, &[folder.to_str().unwrap()]].concat())
}

/// A folder with one case.
fn folder_with(name: &str, case: &str) -> PathBuf {
    let folder = folder(Path::new(env!("CARGO_TARGET_TMPDIR")), name);
    fs::write(folder.join("case.yaml"), case).unwrap();
    folder
}

fn one() -> String {
    read("cases/modes/raise-below-changes-nothing.yaml")
}

#[test]
fn a_broken_case_is_one_failure() {
    let broken = one().replace("bounds: {minReplicas: 5,", "bounds: {minReplicas: 6,");
    assert_ne!(broken, one());
    let folder = folder_with("broken", &broken);
    let component = dist("hpa-override.component.wasm");
    let (passed, printed) = run(&folder, &["--component", component.to_str().unwrap()]);
    let line =
        format!("FAILED {}: every binding: bounds.minReplicas: expected 6, got 5", folder.join("case.yaml").display());
    let bindings = "component: 0 passed, 1 failed\nnative: 0 passed, 1 failed";
    assert_eq!((passed, printed), (false, format!("{line}\n{bindings}\n0 passed, 1 failed\n")));
}

#[rstest]
#[case::kind("kind", "kind: plan", "kind: plans", "kind `plans` is not plan, admitHpa, reviewOverride or question")]
#[case::key("key", "overrides:", "override:", "line")]
#[case::instant("instant", "now: ", "now: x", "line")]
#[case::yaml("yaml", "title: ", "title: {", "line")]
fn a_bad_case_is_reported(#[case] name: &str, #[case] from: &str, #[case] to: &str, #[case] why: &str) {
    let (passed, printed) = run(&folder_with(name, &one().replacen(from, to, 1)), &[]);
    assert!(!passed && printed.contains(why) && printed.ends_with("0 passed, 1 failed\n"), "{printed}");
}

#[test]
fn an_empty_folder_is_no_success() {
    let (passed, printed) = run(&folder(Path::new(env!("CARGO_TARGET_TMPDIR")), "empty"), &[]);
    assert!(!passed && printed.contains("there is no case in"), "{printed}");
}
