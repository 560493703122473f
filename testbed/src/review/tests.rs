//! What policy-server makes of a guest's answers, one by one.

use serde_json::{Value, json};

use super::{ReviewRequest, review};
use crate::engine::Module;
use crate::policy_host::PolicyConfig;

#[path = "../../tests/support/guests.rs"]
mod guests;

/// As the API server posts it: with nulls.
fn request(object: &Value) -> ReviewRequest {
    let kind = json!({"group": "", "version": "v1", "kind": "ConfigMap"});
    let resource = json!({"group": "", "version": "v1", "resource": "configmaps"});
    serde_json::from_value(json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u1", "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
            "name": "m", "namespace": "default", "operation": "UPDATE",
            "userInfo": {"username": "alice", "groups": ["devs"]},
            "object": object, "oldObject": null, "dryRun": false,
            "options": {"kind": "UpdateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl"},
            "unknownToPolicyServer": 1
        }
    }))
    .unwrap()
}

fn answer_to(guest: &[u8], object: &Value, mutating: bool) -> Value {
    let module = Module::from_bytes(guest).unwrap();
    let policy = PolicyConfig { mutating, ..PolicyConfig::new("p", json!({"key": "value"})) };
    json!(review(&module, &policy, &request(object).request).unwrap())
}

#[test]
fn the_payload_has_no_nulls_and_only_known_fields() {
    let module = Module::from_bytes(&guests::echoing()).unwrap();
    let payload = json!({"request": request(&Value::Null).request, "settings": {}});
    let echo = module.validate(&payload).unwrap();
    let fields: Vec<_> = echo["request"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "dryRun",
        "kind",
        "name",
        "namespace",
        "operation",
        "options",
        "requestKind",
        "requestResource",
        "resource",
        "uid",
        "userInfo",
    ];
    assert_eq!(fields, expected);
    assert_eq!(echo["request"]["userInfo"], json!({"username": "alice", "groups": ["devs"]}));
    assert_eq!(echo["request"]["options"]["fieldManager"], "kubectl");
}

#[test]
fn accepted_as_it_is() {
    let answer = answer_to(&guests::accepting(), &json!({"a": 1}), true);
    assert_eq!(answer, json!({"uid": "u1", "allowed": true}));
}

#[test]
fn rejected_with_message_code_warnings_and_annotations() {
    let verdict = r#"{"accepted":false,"message":"no","code":403,"warnings":["w"],"audit_annotations":{"a":"b"}}"#;
    let answer = answer_to(&guests::answering(verdict), &json!({"a": 1}), true);
    let expected = json!({"uid": "u1", "allowed": false, "status": {"message": "no", "code": 403},
                          "warnings": ["w"], "auditAnnotations": {"a": "b"}});
    assert_eq!(answer, expected);
}

#[test]
fn a_mutation_becomes_a_patch() {
    let guest = guests::answering(r#"{"accepted":true,"mutated_object":{"a":2,"b":null}}"#);
    let answer = answer_to(&guest, &json!({"a": 1}), true);
    let patch = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, answer["patch"].as_str().unwrap());
    let patch: Value = serde_json::from_slice(&patch.unwrap()).unwrap();
    let expected = json!([{"op": "replace", "path": "/a", "value": 2}, {"op": "add", "path": "/b", "value": null}]);
    assert_eq!((patch, &answer["patchType"]), (expected, &json!("JSONPatch")));
}

#[test]
fn a_mutation_that_changes_nothing_is_none() {
    let answer = answer_to(&guests::answering(r#"{"accepted":true,"mutated_object":{"a":1}}"#), &json!({"a": 1}), true);
    assert_eq!(answer, json!({"uid": "u1", "allowed": true}));
}

#[test]
fn a_mutation_by_a_policy_that_may_not_is_refused() {
    let guest = guests::answering(r#"{"accepted":true,"mutated_object":{"a":2}}"#);
    let answer = answer_to(&guest, &json!({"a": 1}), false);
    let message = "Request rejected by policy p. The policy attempted to mutate the request, but it is currently \
                   configured to not allow mutations.";
    assert_eq!(answer, json!({"uid": "u1", "allowed": false, "status": {"message": message}}));
}

#[test]
fn a_mutation_without_an_object_is_refused() {
    let answer = answer_to(&guests::answering(r#"{"accepted":true,"mutated_object":{"a":2}}"#), &Value::Null, true);
    let message = "Incoming object is null, which happens only with DELETE operations, but the policy is attempting a \
                   mutation. This is not allowed";
    assert_eq!(answer, json!({"uid": "u1", "allowed": false, "status": {"message": message}}));
}

fn message_of_failure(guest: &[u8]) -> String {
    let answer = answer_to(guest, &json!({}), true);
    assert_eq!((&answer["allowed"], &answer["status"]["code"]), (&json!(false), &json!(500)));
    answer["status"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn an_error_of_the_guest_is_an_internal_error() {
    let message = message_of_failure(&guests::failing("oh no"));
    assert_eq!(message, "internal server error: Guest call failure: oh no");
}

#[test]
fn a_trap_is_an_internal_error() {
    let message = message_of_failure(&guests::trapping());
    assert!(
        message.starts_with("internal server error: Guest call failure: error while executing at wasm"),
        "{message}"
    );
}

#[test]
fn an_answer_that_cannot_be_read_is_an_internal_error() {
    let message = message_of_failure(&guests::answering("{}"));
    assert_eq!(
        message,
        "internal server error: invalid response from policy: missing field `accepted` at line 1 column 2"
    );
}

#[test]
fn a_guest_that_takes_too_long_is_cut_off() {
    let message = message_of_failure(&guests::spinning());
    assert_eq!(message, "Policy execution interrupted because it exceeded the allowed execution time");
}

#[test]
fn a_guest_that_does_not_start_is_left_to_the_failure_policy() {
    let module = Module::from_bytes(&guests::trapping_at_start()).unwrap();
    review(&module, &PolicyConfig::new("p", json!({})), &request(&json!({})).request).unwrap_err();
}
