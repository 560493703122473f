//! Reads what objects say, as the API server gave them.
//!
//! Raw JSON, and no type of the product: what is shown is what any client would see.

use std::fmt;

use serde_json::Value;

const RECORD: &str = "/metadata/annotations/hpa-override.dev~1record";

/// `minReplicas`–`maxReplicas`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds(pub(crate) i64, pub(crate) i64);

impl Bounds {
    fn of(value: &Value) -> Option<Self> {
        Some(Self(value.get("minReplicas")?.as_i64()?, value.get("maxReplicas")?.as_i64()?))
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}–{}", self.0, self.1)
    }
}

/// The text at a JSON pointer, empty where there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a JSON pointer.
pub(crate) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer)?.as_i64()
}

pub(crate) fn version(object: &Value) -> &str {
    text(object, "/metadata/resourceVersion")
}

/// The bounds that stand.
pub(crate) fn bounds(hpa: &Value) -> Option<Bounds> {
    Bounds::of(hpa.get("spec")?)
}

fn record(hpa: &Value) -> Option<Value> {
    serde_json::from_str(hpa.pointer(RECORD)?.as_str()?).ok()
}

/// What the owner wants, by the record; none where there is no record.
pub(crate) fn desired(hpa: &Value) -> Option<Bounds> {
    Bounds::of(record(hpa)?.get("desired")?)
}

/// An HPA in a line: bounds and, where there is a record, what it holds.
pub(crate) fn describe_hpa(hpa: &Value) -> String {
    let bounds = bounds(hpa).map_or_else(|| "no bounds".to_owned(), |bounds| format!("bounds {bounds}"));
    let Some(record) = record(hpa) else { return format!("{bounds}, no record") };
    let layers: Vec<_> = record.pointer("/layers").and_then(Value::as_array).into_iter().flatten().collect();
    let layers: Vec<_> =
        layers.iter().map(|layer| format!("{} until {}", text(layer, "/by"), text(layer, "/until"))).collect();
    let layers = if layers.is_empty() { "no override".to_owned() } else { layers.join(", ") };
    let desired = desired(hpa).map_or_else(|| "nothing readable".to_owned(), |desired| desired.to_string());
    format!("{bounds}, recorded: the owner wants {desired}; {layers}")
}

pub(crate) fn describe_deployment(deployment: &Value) -> String {
    number(deployment, "/spec/replicas").map_or_else(|| "no replicas".into(), |replicas| format!("replicas {replicas}"))
}

/// An override in a line: its phase, and the sentence beside it.
pub(crate) fn describe_override(ovr: &Value) -> String {
    let phase = text(ovr, "/status/phase");
    if phase.is_empty() {
        return "created, no status yet".to_owned();
    }
    let conditions = ovr.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let ready = conditions.into_iter().find(|condition| text(condition, "/type") == "Ready");
    let message = ready.map(|ready| text(ready, "/message")).unwrap_or_default();
    format!("{phase}: {message}")
}

/// Who owns what of the object, without the times and without what the HPA controller says in the status.
pub(crate) fn owners(hpa: &Value) -> Vec<Value> {
    let entries = hpa.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let mut entries: Vec<_> =
        entries.filter(|entry| text(entry, "/subresource") != "status").map(without_time).collect();
    entries.sort_by_key(Value::to_string);
    entries
}

fn without_time(entry: &Value) -> Value {
    let mut entry = entry.clone();
    if let Some(fields) = entry.as_object_mut() {
        fields.remove("time");
    }
    entry
}

/// The owners in a line: who, how, and whether a bound is theirs.
pub(crate) fn describe_owners(hpa: &Value) -> String {
    let owners = owners(hpa);
    let owners = owners.iter().map(|entry| {
        let bounds = if owns_a_bound(entry) { ", both bounds" } else { "" };
        format!("{} ({}{bounds})", text(entry, "/manager"), text(entry, "/operation"))
    });
    owners.collect::<Vec<_>>().join(", ")
}

fn owns_a_bound(entry: &Value) -> bool {
    ["minReplicas", "maxReplicas"].iter().any(|bound| entry.pointer(&format!("/fieldsV1/f:spec/f:{bound}")).is_some())
}

/// Whether managedFields name us as the owner of a bound.
pub(crate) fn we_own_a_bound(hpa: &Value) -> bool {
    owners(hpa).iter().any(|entry| text(entry, "/manager") == "hpa-override" && owns_a_bound(entry))
}
