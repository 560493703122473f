//! HPAs and what happens to them: the owner's numbers, field ownership, tampering with the annotations.

use hpa_override_conformance::Random;
use hpa_override_core::{MANAGER, RECORD_ANNOTATION, RELEASE_ANNOTATION};
use serde_json::{Value, json};

/// One of that name.
pub fn hpa(name: &str, random: &mut Random) -> Value {
    let mut hpa = json!({"metadata": {"namespace": "shop", "name": name, "uid": name, "resourceVersion": "1",
                         "labels": {"tier": random.text(&["front", "front", "back"])}},
                         "spec": {"maxReplicas": 5}});
    owner_writes(&mut hpa, random);
    if random.percent(60) {
        let operation = random.text(&["Apply", "Update"]);
        hpa["metadata"]["managedFields"] =
            json!([entry("argocd", &operation, &["minReplicas", "maxReplicas", "metrics"])]);
    }
    counts(&mut hpa, random);
    if random.percent(15) {
        hpa["metadata"]["ownerReferences"] = json!([{"controller": true, "kind": "ScaledObject", "name": name}]);
    }
    hpa
}

/// The owner's numbers: unchanged, a bound alone, both.
pub fn owner_writes(hpa: &mut Value, random: &mut Random) {
    let (min, more) = (random.between(0, 9), random.between(0, 12));
    match random.below(6) {
        0 => {}
        1 => hpa["spec"]["minReplicas"] = min.into(),
        2 => hpa["spec"]["maxReplicas"] = i32::MAX.into(),
        _ => hpa["spec"] = json!({"minReplicas": min, "maxReplicas": (min + more).max(1), "kept": {"b": [1.5, null]}}),
    }
}

/// What its controller says of the scale target: nothing, not able to scale, so many replicas.
pub fn counts(hpa: &mut Value, random: &mut Random) {
    let (current, desired) = (random.one(&[0, 1, 3, 7, 40]), random.one(&[0, 2, 7, 7, i32::MAX]));
    let able = random.text(&["True", "True", "True", "False", "Unknown"]);
    hpa["status"] = match random.below(5) {
        0 => json!({"currentMetrics": null, "desiredReplicas": 0}),
        1 => json!({"desiredReplicas": desired, "conditions": [{"type": "AbleToScale", "status": "True"}]}),
        _ => json!({"currentReplicas": current, "desiredReplicas": desired,
                    "conditions": [{"type": "ScalingActive", "status": "False"}, {"type": "AbleToScale", "status": able}]}),
    };
}

/// As the API server does where the merge policy is not installed: whoever changes a bound owns it.
pub fn taken_over(hpa: &mut Value) {
    let ours = entry(MANAGER, &"Update".into(), &["minReplicas", "maxReplicas"]);
    hpa["metadata"]["managedFields"] = json!([entry("argocd", &"Apply".into(), &["metrics"]), ours]);
}

fn entry(manager: &str, operation: &Value, fields: &[&str]) -> Value {
    let fields: Value = fields.iter().map(|field| (format!("f:{field}"), json!({}))).collect();
    json!({"manager": manager, "operation": operation, "apiVersion": "autoscaling/v2", "time": "2026-01-01T00:00:00Z",
           "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": fields}})
}

/// Somebody tampers with our annotations.
pub fn tampered(hpa: &mut Value, random: &mut Random) {
    let record = [json!(null), json!("garbled"), json!("{\"v\":2}")];
    match random.below(3) {
        0 => release(hpa),
        _ => hpa["metadata"]["annotations"][RECORD_ANNOTATION] = random.one(&record),
    }
}

/// The way out by hand.
pub fn release(hpa: &mut Value) {
    hpa["metadata"]["annotations"][RELEASE_ANNOTATION] = "true".into();
}
