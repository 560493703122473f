//! What the admission module decides of a write, and what native's answer means for it.

#![expect(clippy::indexing_slicing, reason = "JSON that lacks a key is null there; nothing is indexed by a number")]

use hpa_override_core::{
    Instant, MayPatch,
    json::{ErrorCode, call},
};
use serde_json::{Value, json};

use super::{Wapc, Write};

/// What the module decides. To be asked only what [`of_native`] has a decision for: policy-server sends nothing else.
#[must_use]
pub fn of_wapc(door: &Wapc, function: &str, argument: &Value) -> Option<String> {
    let (settings, request) = (&argument["settings"], &argument["request"]);
    let user = json!({"username": request["user"], "groups": request["groups"]});
    let write = Write {
        now: now(argument)?,
        settings,
        user: &user,
        sub_resource: request["subResource"].as_str().unwrap_or_default(),
        old: Some(&argument["old"]).filter(|old| !old.is_null()),
        object: &argument["object"],
    };
    let answer = if function == "admitHpa" {
        door.admit(&write)
    } else {
        door.review(&write, argument["mayPatch"].as_str().and_then(MayPatch::parse).unwrap_or_default())
    };
    Some(match answer {
        Ok(answer) if let_through(&answer) => decision(true, &Value::Null, &json!("let through")),
        Ok(answer) => decision(answer["accepted"] == true, &answer["mutated_object"], &answer["warnings"]),
        Err(error) => format!("broken: {error:#}"),
    })
}

/// With settings that are not valid the one write is refused, the other goes through with a warning.
fn let_through(answer: &Value) -> bool {
    answer["warnings"][0].as_str().is_some_and(|warning| warning.starts_with("hpa-override: let through as sent"))
}

/// What native's answer means; none where the module is not asked such a thing.
#[must_use]
pub fn of_native(function: &str, argument: &Value) -> Option<String> {
    let admits = function == "admitHpa";
    let asked = admits
        || function == "reviewOverride" && argument["request"]["subResource"].as_str().unwrap_or_default().is_empty();
    if !asked || !argument["object"].is_object() || now(argument).is_none() {
        return None;
    }
    match call(function, argument) {
        Ok(answer) if admits => Some(decision(true, &answer["object"], &answer["warnings"])),
        Ok(answer) => {
            let warnings = answer["report"]["warnings"].as_array().into_iter().flatten();
            let text = |key: &str, finding: &Value| finding[key].as_str().unwrap_or_default().to_owned();
            let warnings = warnings.map(|finding| format!("{}: {}", text("path", finding), text("message", finding)));
            let clean = answer["report"]["errors"].as_array().is_some_and(Vec::is_empty);
            Some(decision(clean, &answer["object"], &warnings.collect()))
        }
        Err(error) if error.code == ErrorCode::SettingsInvalid && admits => {
            Some(decision(true, &Value::Null, &json!("let through")))
        }
        Err(error) if error.code == ErrorCode::SettingsInvalid => Some(decision(false, &Value::Null, &json!([]))),
        Err(_) => None,
    }
}

/// WASI's clock counts nanoseconds in 64 bits: it ends in the year 2554.
const WASI_ENDS: i64 = 18_446_744_073;

fn now(argument: &Value) -> Option<Instant> {
    let now: Option<Instant> = match &argument["now"] {
        Value::String(text) => text.parse().ok(),
        number => number.as_i64().map(Instant::from_unix),
    };
    now.filter(|now| now.as_unix() <= WASI_ENDS)
}

fn decision(accepted: bool, object: &Value, warnings: &Value) -> String {
    let warnings = if warnings.is_null() { &json!([]) } else { warnings };
    json!({"accepted": accepted, "object": object, "warnings": warnings}).to_string()
}
