//! What the runner says of cases that fail or cannot be read. The corpus itself is a step of `cargo xtask test`.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rstest::rstest;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether the cases of a folder pass, and what is printed.
fn run(folder: &Path) -> (bool, String) {
    let module = root().join("dist/policy.wasm");
    let component = root().join("dist/hpa-override.component.wasm");
    assert!(module.exists() && component.exists(), "something is missing in dist/; run `cargo xtask dist`");
    let output = Command::new(env!("CARGO_BIN_EXE_cases"))
        .arg("--module")
        .arg(module)
        .arg("--component")
        .arg(component)
        .arg(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// A folder with one case.
fn folder(name: &str, case: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("case.yaml"), case).unwrap();
    folder
}

fn one() -> String {
    fs::read_to_string(root().join("cases/modes/raise-below-changes-nothing.yaml")).unwrap()
}

#[test]
fn a_broken_case_is_one_failure() {
    let broken = one().replace("bounds: {minReplicas: 5,", "bounds: {minReplicas: 6,");
    assert_ne!(broken, one());
    let folder = folder("broken", &broken);
    let (passed, printed) = run(&folder);
    let line = format!("FAILED {}: every door: minReplicas: expected 6, got 5", folder.join("case.yaml").display());
    let doors = "component: 0 passed, 1 failed\nnative: 0 passed, 1 failed";
    assert_eq!((passed, printed), (false, format!("{line}\n{doors}\n0 passed, 1 failed\n")));
}

#[rstest]
#[case::kind("kind", "kind: plan", "kind: plans", "kind `plans` is not plan, admitHpa, reviewOverride or question")]
#[case::key("key", "overrides:", "override:", "line")]
#[case::instant("instant", "now: ", "now: x", "line")]
#[case::yaml("yaml", "title: ", "title: {", "line")]
fn a_bad_case_is_told(#[case] name: &str, #[case] from: &str, #[case] to: &str, #[case] told: &str) {
    let (passed, printed) = run(&folder(name, &one().replacen(from, to, 1)));
    assert!(!passed && printed.contains(told) && printed.ends_with("0 passed, 1 failed\n"), "{printed}");
}

#[test]
fn a_plan_is_asked_with_the_answer_of_the_cluster() {
    let not_asked = one().replace("settings: {}", "settings: {authorizeRequester: true}");
    assert_ne!(not_asked, one());
    let folder = folder("authorized", &not_asked);
    fs::write(folder.join("yes.yaml"), not_asked + "mayPatch: yes\n").unwrap();
    let (_, printed) = run(&folder);
    assert!(printed.contains("case.yaml: every door: ") && printed.contains(r#"expected "Active", got "Blocked""#));
    assert!(printed.ends_with("1 passed, 1 failed\n"), "{printed}");
}

#[test]
fn a_question_is_answered_alike_be_it_with_an_error() {
    let question = |argument: &str| {
        format!("title: a question\nkind: question\nfunction: effectiveBounds\nargument: {argument}\n")
    };
    let folder = folder("question", &question("{now: 7}"));
    fs::write(folder.join("key.yaml"), question("{now: 1795759200, hpa: {}, more: 1}")).unwrap();
    fs::write(folder.join("type.yaml"), question("7")).unwrap();
    let (passed, printed) = run(&folder);
    assert!(passed && printed.ends_with("3 passed, 0 failed\n"), "{printed}");
}

#[test]
fn an_empty_folder_is_no_success() {
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty");
    fs::create_dir_all(&empty).unwrap();
    let (passed, printed) = run(&empty);
    assert!(!passed && printed.contains("there is no case in"), "{printed}");
}
