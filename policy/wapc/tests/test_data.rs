//! Every request in `test_data/` is answered as the table in its README says, on any day.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod changes;
mod common;

use std::fs;

use changes::changes;
use common::{payload, requests, test_data};
use hpa_override_core::{Instant, MayPatch};
use hpa_override_policy::validate;
use serde_json::{Value, json};

#[test]
fn the_table_is_what_the_policy_answers() {
    let rows = table("2027-03-01T12:00:00Z");
    let readme = fs::read_to_string(test_data().join("README.md")).unwrap();
    let written: Vec<&str> = readme.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(written == rows, "the table in test_data/README.md is not what the policy answers:\n{}", rows.join("\n"));
}

#[test]
fn the_answers_do_not_depend_on_the_day() {
    assert_eq!(table("2025-01-01T00:00:00Z"), table("2097-12-31T23:59:59Z"));
}

fn table(now: &str) -> Vec<String> {
    let now = now.parse().unwrap();
    requests().iter().map(|(name, request)| row(name, request, now)).collect()
}

fn row(name: &str, request: &Value, now: Instant) -> String {
    let answer: Value =
        serde_json::from_slice(&validate(&payload(request, &json!({})), now, |_| MayPatch::Unavailable)).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let message = answer["message"].as_str().map(|message| format!("{}: {message}", answer["code"]));
    let warnings = answer["warnings"].as_array().into_iter().flatten().map(text);
    let says: Vec<String> = message.into_iter().chain(warnings).collect();
    let allowed = if answer["accepted"] == true { "yes" } else { "no" };
    let cells = [format!("`{name}`"), allowed.into(), changes(request, &answer).join(", "), says.join("<br>")];
    format!("| {} |", cells.join(" | "))
}
