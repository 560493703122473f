//! What an answer changes, in words; and that it changes nothing else.

use hpa_override_core::{RECORD_ANNOTATION, RELEASE_ANNOTATION, REQUESTED_BY_ANNOTATION};
use serde_json::{Value, json};

/// What the answer stores otherwise than it was sent, in words. Fails where anything but the two bounds, our annotations
/// and ownership differs.
pub fn changes(request: &Value, answer: &Value) -> Vec<String> {
    let (sent, stored) = (&request["object"], &answer["mutated_object"]);
    if stored.is_null() {
        return Vec::new();
    }
    assert_ne!(sent, stored, "a mutation that changes nothing");
    let is_hpa = request["kind"]["kind"] == "HorizontalPodAutoscaler";
    assert_eq!(bare(sent, is_hpa), bare(stored, is_hpa), "more than ours was touched");
    let bounds = ["minReplicas", "maxReplicas"].map(|bound| {
        let (sent, stored) = (&sent["spec"][bound], &stored["spec"][bound]);
        (sent != stored).then(|| format!("{bound} {stored}"))
    });
    let annotations = ["record", "release", "requested-by"].map(|name| {
        let at = |object: &Value| object["metadata"]["annotations"][format!("hpa-override.dev/{name}")].clone();
        let verb = if at(stored).is_null() { "removed" } else { "written" };
        (at(sent) != at(stored)).then(|| format!("{name} {verb}"))
    });
    let owners = (sent["metadata"]["managedFields"] != stored["metadata"]["managedFields"]).then(|| "owners".into());
    bounds.into_iter().chain(annotations).chain([owners]).flatten().collect()
}

/// The object without all that may differ: a null counts as absent, as the API server has it.
fn bare(object: &Value, is_hpa: bool) -> Value {
    let ours: &[&str] = if is_hpa { &[RECORD_ANNOTATION, RELEASE_ANNOTATION] } else { &[REQUESTED_BY_ANNOTATION] };
    let mut object = object.clone();
    if is_hpa && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.retain(|key, _| !matches!(key.as_str(), "minReplicas" | "maxReplicas"));
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        if is_hpa {
            metadata.remove("managedFields");
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !ours.contains(&key.as_str()));
        }
        metadata.retain(|key, value| !(key == "annotations" && (value.is_null() || *value == json!({}))));
    }
    if let Some(object) = object.as_object_mut() {
        object.retain(|key, value| !(value.is_null() || key == "metadata" && *value == json!({})));
    }
    object
}
