//! What people see on a cluster that has the CRD and nothing else of hpa-override: what `kubectl apply` prints for a mistake,
//! and that `kubectl explain` has a text for every field.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use anyhow::ensure;
use hpa_override_testbed::{CrdAlone, Identity, wait_for_blocking};
use serde::Deserialize;
use serde_json::{Value, json};

/// Generous for a busy machine.
const LIMIT: Duration = Duration::from_mins(1);
const MISTAKES: &str = include_str!("mistakes.yaml");

/// A row of `mistakes.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    mistake: String,
    before: Option<Value>,
    spec: Value,
    prints: String,
}

fn cluster() -> &'static CrdAlone {
    static CLUSTER: OnceLock<CrdAlone> = OnceLock::new();
    CLUSTER.get_or_init(|| CrdAlone::start().unwrap())
}

fn kubectl(args: &[&str], input: &str) -> Output {
    let mut command = cluster().plane().kubectl(&Identity::Admin).unwrap();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What it prints to people, with its success.
fn applied(name: &str, spec: &Value) -> (bool, String) {
    let object = json!({
        "apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride", "metadata": {"name": name}, "spec": spec,
    });
    let output = kubectl(&["apply", "-f", "-"], &object.to_string());
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn each_mistake_is_answered_with_the_field_and_what_to_do() {
    let mistakes: Vec<Row> = serde_saphyr::from_str(MISTAKES).unwrap();
    assert!(mistakes.len() >= 30);
    let (mut differ, mut shown) = (Vec::new(), String::new());
    for (number, row) in mistakes.iter().enumerate() {
        let name = format!("ovr-{number}");
        if let Some(before) = &row.before {
            assert_eq!(applied(&name, before), (true, format!("autoscaleroverride.hpa-override.dev/{name} created\n")));
        }
        let (success, printed) = applied(&name, &row.spec);
        assert!(!success, "{}: {printed}", row.mistake);
        let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        let printed = lines.join("\n").replace(&name, "NAME");
        writeln!(shown, "- mistake: {}\n  prints: |\n    {}", row.mistake, printed.replace('\n', "\n    ")).unwrap();
        differ.extend((printed != row.prints.trim_end()).then_some(&*row.mistake));
    }
    assert!(differ.is_empty(), "mistakes.yaml differs for {differ:?}; kubectl prints\n{shown}");
}

#[test]
fn explain_has_a_text_for_every_field() {
    // The CRD is served a moment before its documentation is.
    let text = wait_for_blocking("the documentation of the CRD", LIMIT, || {
        let output = kubectl(&["explain", "--recursive", "autoscaleroverrides.spec"], "");
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    });
    let text = text.unwrap();
    let fields = text.split_once("FIELDS:\n").unwrap_or_else(|| panic!("{text}")).1;
    let paths = fields.lines().filter(|line| line.contains("\t<")).scan(Vec::new(), |above: &mut Vec<String>, line| {
        let depth = (line.len() - line.trim_start().len()) / 2;
        above.truncate(depth.saturating_sub(1));
        above.push(line.split_whitespace().next().unwrap_or_default().to_owned());
        Some(above.join("."))
    });
    let paths: Vec<String> = paths.collect();
    assert!(paths.iter().any(|path| path == "schedule.timeZone"), "{paths:?}");
    for path in paths {
        let output = kubectl(&["explain", &format!("autoscaleroverrides.spec.{path}")], "");
        let text = String::from_utf8(output.stdout).unwrap();
        let description = text.split_once("DESCRIPTION:\n").map(|(_, rest)| rest.trim_start()).unwrap_or_default();
        let name = path.rsplit('.').next().unwrap();
        assert!(description.starts_with(&format!("{name} ")), "{path}: {text}");
    }
}
