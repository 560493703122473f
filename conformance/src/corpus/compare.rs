//! Compares what was found with what is expected: key by key, null meaning that there is none.

use hpa_override_core::{Bounds, Instant, RECORD_ANNOTATION};
use serde_json::{Map, Value, json};

/// Maps of which a case may name a part.
const PARTS: [&str; 3] = ["bounds", "phases", "record"];

/// Every expected value that is another in `found`.
pub(super) fn differences(expected: &Map<String, Value>, found: &Value) -> Vec<String> {
    let of_key = |(key, expected): (&String, &Value)| match (expected, &found[key]) {
        (Value::Object(expected), found) if PARTS.contains(&key.as_str()) => expected
            .iter()
            .filter_map(|(inner, expected)| differing(&format!("{key}.{inner}"), expected, &found[inner]))
            .collect(),
        (expected, found) => differing(key, &normal(expected), &normal(found)).into_iter().collect::<Vec<_>>(),
    };
    expected.iter().flat_map(of_key).collect()
}

/// The two values in a line, where they differ.
pub(super) fn differing(what: &str, expected: &Value, found: &Value) -> Option<String> {
    (expected != found).then(|| format!("{what}: expected {expected}, got {found}"))
}

/// A list without its order, which has no meaning; an instant in the form in which the core writes it.
fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items = items.clone();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        Value::String(text) => text.parse::<Instant>().map_or_else(|_| value.clone(), |instant| json!(instant)),
        other => other.clone(),
    }
}

/// The bounds of an HPA; the lower one is defaulted as the API server does.
pub(super) fn bounds(hpa: &Value) -> Value {
    let (mut min, max) = (hpa["spec"]["minReplicas"].clone(), &hpa["spec"]["maxReplicas"]);
    if min.is_null() && Bounds::from_hpa(hpa).is_some() {
        min = 1.into();
    }
    json!({"minReplicas": min, "maxReplicas": max})
}

/// The record, where one can be read as JSON.
pub(super) fn record(hpa: &Value) -> Value {
    let text = hpa["metadata"]["annotations"][RECORD_ANNOTATION].as_str();
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
