//! Reads what an HPA shows, as the API server gave it: raw JSON, no type of the product.

use std::fmt;

use serde_json::Value;

const RECORD: &str = "/metadata/annotations/hpa-override.dev~1record";

/// `minReplicas` and `maxReplicas`, written `2-5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds(pub i64, pub i64);

impl Bounds {
    fn read(value: &Value) -> Option<Self> {
        Some(Self(value.get("minReplicas")?.as_i64()?, value.get("maxReplicas")?.as_i64()?))
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// The text at a JSON pointer, empty where there is none.
#[must_use]
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer, empty where there is none.
pub fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The bounds in the spec.
#[must_use]
pub fn bounds(hpa: &Value) -> Option<Bounds> {
    Bounds::read(hpa.get("spec")?)
}

/// The record, where there is one that can be read.
#[must_use]
pub fn record(hpa: &Value) -> Option<Value> {
    serde_json::from_str(hpa.pointer(RECORD)?.as_str()?).ok()
}

/// The desired bounds, by the record.
#[must_use]
pub fn desired(hpa: &Value) -> Option<Bounds> {
    Bounds::read(record(hpa)?.get("desired")?)
}

/// The managedFields, sorted, without the times and without the entries of the status.
#[must_use]
pub fn ownership(hpa: &Value) -> Vec<Value> {
    let entries = list(hpa, "/metadata/managedFields").filter(|entry| text(entry, "/subresource") != "status");
    let mut entries: Vec<_> = entries.cloned().collect();
    for fields in entries.iter_mut().filter_map(Value::as_object_mut) {
        fields.remove("time");
    }
    entries.sort_by_key(Value::to_string);
    entries
}

/// Whether an entry of managedFields holds a bound.
#[must_use]
pub fn holds_a_bound(entry: &Value) -> bool {
    ["minReplicas", "maxReplicas"].iter().any(|bound| entry.pointer(&format!("/fieldsV1/f:spec/f:{bound}")).is_some())
}

/// Whether managedFields name us as manager of a bound.
#[must_use]
pub fn we_own_a_bound(hpa: &Value) -> bool {
    ownership(hpa).iter().any(|entry| text(entry, "/manager") == "hpa-override" && holds_a_bound(entry))
}
