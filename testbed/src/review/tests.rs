//! What policy-server makes of a guest's answers, one by one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rstest::rstest;
use serde_json::{Map, Value, json};

use super::{request, review};
use crate::engine::Module;
use crate::guests;
use crate::policy_host::PolicyConfig;

/// As the API server posts it: with nulls.
fn posted(object: &Value) -> Map<String, Value> {
    let kind = json!({"group": "", "version": "v1", "kind": "ConfigMap"});
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u1", "kind": kind, "name": "m", "namespace": "default", "operation": "UPDATE",
            "userInfo": {"username": "alice", "groups": ["devs"]}, "object": object, "oldObject": null,
            "options": {"fieldManager": "kubectl"}, "unknownToPolicyServer": 1
        }
    });
    request(review.to_string().as_bytes()).unwrap()
}

fn answer_to(guest: &[u8], object: &Value, mutating: bool) -> Value {
    let module = Module::from_bytes(guest).unwrap();
    let policy = PolicyConfig { mutating, ..PolicyConfig::new("p", json!({"key": "value"})) };
    review(&module, &policy, &posted(object)).unwrap()
}

#[test]
fn the_payload_has_no_nulls_and_only_known_fields() {
    let module = Module::from_bytes(&guests::echoing()).unwrap();
    let echo = module.validate(&json!({"request": posted(&Value::Null), "settings": {}})).unwrap();
    let fields: Vec<_> = echo["request"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["kind", "name", "namespace", "operation", "options", "uid", "userInfo"]);
    assert_eq!(echo["request"]["userInfo"], json!({"username": "alice", "groups": ["devs"]}));
}

const MUTATING: &str = r#"{"accepted":true,"mutated_object":{"a":2,"b":null}}"#;
const REJECTING: &str =
    r#"{"accepted":false,"message":"no","code":403,"warnings":["w"],"audit_annotations":{"a":"b"}}"#;
const NO_OBJECT: &str = "Incoming object is null, which happens only with DELETE operations, but the policy is attempting \
                         a mutation. This is not allowed";
const MAY_NOT: &str = "Request rejected by policy p. The policy attempted to mutate the request, but it is currently \
                       configured to not allow mutations.";
const CUT_OFF: &str = "Policy execution interrupted because it exceeded the allowed execution time";

#[rstest]
#[case::accepted(guests::accepting(), true, json!({"allowed": true}))]
#[case::rejected(guests::answering(REJECTING), true, json!({"allowed": false, "status": {"message": "no", "code": 403},
    "warnings": ["w"], "auditAnnotations": {"a": "b"}}))]
#[case::mutation_that_changes_nothing(guests::answering(r#"{"accepted":true,"mutated_object":{"a":1}}"#), true,
    json!({"allowed": true}))]
#[case::mutation_that_is_not_allowed(guests::answering(MUTATING), false,
    json!({"allowed": false, "status": {"message": MAY_NOT}}))]
#[case::error(guests::failing("oh no"), true,
    json!({"allowed": false, "status": {"message": "internal server error: Guest call failure: oh no", "code": 500}}))]
#[case::too_long(guests::spinning(), true, json!({"allowed": false, "status": {"message": CUT_OFF, "code": 500}}))]
fn an_answer_becomes(#[case] guest: Vec<u8>, #[case] mutating: bool, #[case] mut expected: Value) {
    expected["uid"] = "u1".into();
    assert_eq!(answer_to(&guest, &json!({"a": 1}), mutating), expected);
}

#[test]
fn a_mutation_becomes_a_patch() {
    let answer = answer_to(&guests::answering(MUTATING), &json!({"a": 1}), true);
    let patch = STANDARD.decode(answer["patch"].as_str().unwrap()).unwrap();
    let expected = json!([{"op": "replace", "path": "/a", "value": 2}, {"op": "add", "path": "/b", "value": null}]);
    assert_eq!(serde_json::from_slice::<Value>(&patch).unwrap(), expected);
    assert_eq!(answer["patchType"], "JSONPatch");
    let without_object = answer_to(&guests::answering(MUTATING), &Value::Null, true);
    assert_eq!(without_object["status"], json!({"message": NO_OBJECT}));
}

#[rstest]
#[case::trap(guests::trapping(), "internal server error: Guest call failure: error while executing at wasm")]
#[case::no_verdict(
    guests::answering("{}"),
    "internal server error: invalid response from policy: missing field `accepted`"
)]
fn a_failure_is_an_internal_error(#[case] guest: Vec<u8>, #[case] message: &str) {
    let answer = answer_to(&guest, &json!({}), true);
    assert_eq!((&answer["allowed"], &answer["status"]["code"]), (&json!(false), &json!(500)));
    assert!(answer["status"]["message"].as_str().unwrap().starts_with(message), "{answer}");
}

#[test]
fn a_guest_that_does_not_start_is_left_to_the_failure_policy() {
    let module = Module::from_bytes(&guests::trapping_at_start()).unwrap();
    review(&module, &PolicyConfig::new("p", json!({})), &posted(&json!({}))).unwrap_err();
}
