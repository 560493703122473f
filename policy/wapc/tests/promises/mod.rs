//! What must hold of every answer, whatever was asked.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use hpa_override_core::{Bound, Bounds, Instant, MayPatch, Record};
use hpa_override_policy::validate;
use serde_json::Value;

use crate::{changes::changes, common};

/// It is an answer, a refusal has its reason, and what it stores keeps the promises.
pub fn check(payload: &[u8], answer: &[u8]) {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    if answer["accepted"] == false {
        assert!(answer["code"].is_u64() && answer["message"].as_str().is_some_and(|message| !message.is_empty()));
        return assert!(answer["mutated_object"].is_null());
    }
    assert_eq!(answer["accepted"], true);
    let Ok(payload) = serde_json::from_slice::<Value>(payload) else {
        return assert!(answer["mutated_object"].is_null());
    };
    let request = &payload["request"];
    let changed = changes(request, &answer);
    if changed.is_empty() {
        return;
    }
    if named(request, ["subResource", "sub_resource"]).as_str().is_some_and(|name| !name.is_empty()) {
        assert!(changed.len() == 1 && changed[0].starts_with("record "), "a status write: {changed:?}");
    } else if request["kind"]["kind"] == "HorizontalPodAutoscaler" {
        check_bounds(request, &answer["mutated_object"]);
    }
}

/// Bounds that are stored are valid, and zero comes from the owner alone.
fn check_bounds(request: &Value, stored: &Value) {
    let bounds = Bounds::from_hpa(stored);
    let zero = |bounds: Bounds| bounds.get(Bound::Min) == 0;
    let desired = |hpa: &Value| Record::from_hpa(hpa).and_then(Result::ok).is_some_and(|record| zero(record.desired));
    let old = named(request, ["oldObject", "old_object"]);
    let wanted = Bounds::from_hpa(&request["object"]).is_some_and(zero) || desired(&request["object"]) || desired(old);
    assert!(bounds.is_some_and(|bounds| wanted || !zero(bounds)), "bounds that break it: {}", stored["spec"]);
}

/// Asked again about what is stored, the policy changes nothing; nor does an owner who writes the same again.
pub fn check_again(payload: &[u8], answer: &[u8], now: Instant) {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    let Ok(payload) = serde_json::from_slice::<Value>(payload) else { return };
    let sent = &payload["request"]["object"];
    let stored = Some(&answer["mutated_object"]).filter(|object| !object.is_null()).unwrap_or(sent);
    if answer["accepted"] == false || !is_stored(&payload["request"], stored) {
        return;
    }
    assert_eq!(again(&payload, stored, stored, now), *stored, "not the same when it is asked about what is stored");
    if answer["audit_annotations"]["decision"] == "merged" {
        assert_eq!(again(&payload, stored, sent, now), *stored, "not the same when the owner writes it again");
    }
}

/// Whether the API server could store it: what is no map where a map must be does not come this far.
fn is_stored(request: &Value, object: &Value) -> bool {
    let removed = matches!(request["operation"].as_str(), Some("DELETE" | "CONNECT"));
    let refused = request["kind"]["kind"] == "HorizontalPodAutoscaler" && Bounds::from_hpa(object).is_none();
    let annotations = &object["metadata"]["annotations"];
    object["metadata"].is_object() && (annotations.is_object() || annotations.is_null()) && !removed && !refused
}

/// What is stored after the same request with other objects.
fn again(payload: &Value, old: &Value, new: &Value, now: Instant) -> Value {
    let mut request = payload["request"].clone();
    request.as_object_mut().unwrap().remove("old_object");
    request["oldObject"] = old.clone();
    request["object"] = new.clone();
    let answer = validate(&common::payload(&request, &payload["settings"]), now, |_| MayPatch::No);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["accepted"], true, "refused when asked again: {answer}");
    if answer["mutated_object"].is_null() { new.clone() } else { answer["mutated_object"].clone() }
}

fn named<'a>(request: &'a Value, keys: [&str; 2]) -> &'a Value {
    keys.map(|key| &request[key]).into_iter().find(|value| !value.is_null()).unwrap_or(&Value::Null)
}
