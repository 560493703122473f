//! How the policy fails: overrides closed, HPAs open, everything else untouched, and always with an answer.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{payload, requests};
use hpa_override_core::MayPatch;
use hpa_override_policy::{validate, validate_settings};
use rstest::rstest;
use serde_json::{Value, json};

fn answer(payload: &[u8]) -> Value {
    serde_json::from_slice(&validate(payload, "2027-03-01T12:00:00Z".parse().unwrap(), |_| MayPatch::Unavailable))
        .unwrap()
}

fn asked(request: &Value) -> Value {
    answer(&payload(request, &json!({})))
}

fn request(name: &str) -> Value {
    requests().remove(name).unwrap()
}

fn rejected(code: u16, message: &str) -> Value {
    json!({"accepted": false, "message": message, "code": code, "mutated_object": null, "warnings": null,
           "audit_annotations": {"decision": "rejected", "why": message}})
}

fn let_through(why: &str) -> Value {
    let warning = format!("hpa-override: let through as sent, so an override may not stay effective: {why}");
    json!({"accepted": true, "message": null, "code": null, "mutated_object": null, "warnings": [warning],
           "audit_annotations": {"decision": "letThrough", "why": why}})
}

fn none_of_ours() -> Value {
    json!({"accepted": true, "message": null, "code": null, "mutated_object": null, "warnings": null,
           "audit_annotations": null})
}

/// A request of that kind with an object so deep that it cannot be read as a whole.
fn deep(group: &str, kind: &str, levels: usize) -> String {
    let object = format!("{}{}", r#"{"a":"#.repeat(levels), "0".to_owned() + &"}".repeat(levels));
    let kind = json!({"group": group, "version": "v1", "kind": kind});
    format!(r#"{{"settings":{{}},"request":{{"object":{object},"kind":{kind},"operation":"CREATE"}}}}"#)
}

const TOO_DEEP: &str = "the request cannot be read: recursion limit exceeded at line 1 column";

#[rstest]
#[case::beyond_the_limit(200)]
#[case::beyond_any_stack(1_000_000)]
fn too_deep(#[case] levels: usize) {
    let guard = answer(deep("hpa-override.dev", "AutoscalerOverride", levels).as_bytes());
    assert_eq!((&guard["accepted"], &guard["code"]), (&json!(false), &json!(400)));
    assert!(guard["message"].as_str().unwrap().starts_with(TOO_DEEP), "{guard}");
    let merge = answer(deep("autoscaling", "HorizontalPodAutoscaler", levels).as_bytes());
    assert_eq!(merge["accepted"], true);
    let warning = merge["warnings"][0].as_str().unwrap();
    let opening = "hpa-override: let through as sent, so an override may not stay effective: ";
    assert!(warning.strip_prefix(opening).is_some_and(|reason| reason.starts_with(TOO_DEEP)), "{warning}");
    assert_eq!(answer(deep("apps", "Deployment", levels).as_bytes()), none_of_ours());
    let nothing = answer("[".repeat(levels).as_bytes());
    assert!(nothing["message"].as_str().unwrap().starts_with(TOO_DEEP), "{nothing}");
}

#[rstest]
#[case::nothing("", "EOF while parsing a value at line 1 column 0")]
#[case::no_json("override", "expected value at line 1 column 1")]
#[case::cut(r#"{"request":{"kind":"#, "EOF while parsing a value at line 1 column 19")]
#[case::no_object("[]", "it names no kind")]
#[case::no_request(r#"{"settings":{}}"#, "it names no kind")]
#[case::no_kind(r#"{"request":{"object":{}}}"#, "it names no kind")]
#[case::null_kind(r#"{"request":{"kind":null}}"#, "it names no kind")]
#[case::odd_kind(r#"{"request":{"kind":{"group":"autoscaling","kind":7}}}"#, "it names no kind")]
fn what_names_no_kind_is_refused(#[case] payload: &str, #[case] reason: &str) {
    assert_eq!(answer(payload.as_bytes()), rejected(400, &format!("the request cannot be read: {reason}")));
}

#[test]
fn no_utf_8_is_refused() {
    let message = answer(b"{\"request\":\"\xff\"}")["message"].clone();
    assert_eq!(message, "the request cannot be read: invalid unicode code point at line 1 column 13");
}

#[rstest]
#[case::absent(None)]
#[case::null(Some(Value::Null))]
fn without_an_object(#[case] object: Option<Value>) {
    let without = |name: &str| {
        let mut request = request(name);
        request.as_object_mut().unwrap().remove("object");
        if let Some(object) = &object {
            request["object"] = object.clone();
        }
        asked(&request)
    };
    assert_eq!(without("override-create-accepted"), rejected(400, "the request carries no object"));
    assert_eq!(without("hpa-new-numbers-recorded"), let_through("the request carries no object"));
}

#[test]
fn settings_that_are_not_valid() {
    let with = |name: &str| answer(&payload(&request(name), &json!({"maxPriority": "high", "unknown": 1})));
    let reason = "the settings of this policy are not valid: \
                  2 errors: maxPriority: not a whole number of 32 bits; unknown: unknown setting";
    assert_eq!(with("override-create-accepted"), rejected(500, reason));
    assert_eq!(with("hpa-new-numbers-recorded"), let_through(reason));
    assert_eq!(with("other-kind-untouched"), none_of_ours());
}

#[rstest]
fn removals_are_none_of_ours(
    #[values("DELETE", "CONNECT")] operation: &str,
    #[values("override-create-all-errors", "hpa-new-numbers-recorded")] name: &str,
) {
    let mut request = request(name);
    request["operation"] = operation.into();
    assert_eq!(asked(&request), none_of_ours());
}

#[test]
fn the_status_of_an_override_is_not_guarded() {
    let mut request = request("override-create-all-errors");
    request["subResource"] = "status".into();
    assert_eq!(asked(&request), none_of_ours());
}

#[test]
fn the_main_resource_may_name_an_empty_subresource() {
    let mut request = request("override-create-all-errors");
    let plain = asked(&request);
    request["subResource"] = "".into();
    assert_eq!(asked(&request), plain);
}

#[test]
fn keys_may_be_in_snake_case() {
    for (name, request) in requests() {
        let plain = asked(&request);
        let snake = ["subResource", "userInfo", "oldObject"].iter().zip(["sub_resource", "user_info", "old_object"]);
        let mut renamed = request.as_object().unwrap().clone();
        for (camel, snake) in snake {
            if let Some(value) = renamed.remove(*camel) {
                renamed.insert(snake.into(), value);
            }
        }
        assert_eq!(asked(&renamed.into()), plain, "{name}");
    }
}

#[test]
fn null_is_none() {
    for (name, mut request) in requests() {
        let plain = asked(&request);
        request["old_object"] = Value::Null;
        request["sub_resource"] = Value::Null;
        assert_eq!(asked(&request), plain, "{name}");
    }
}

#[test]
fn a_refusal_brings_the_warnings_along() {
    let mut request = request("override-create-no-end-warns");
    request["object"]["spec"]["priority"] = 5000.into();
    let answer = asked(&request);
    assert_eq!(answer["message"], "spec.priority: priority 5000 is above the 1000 allowed; lower it");
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 2);
}

#[test]
fn settings_decide() {
    let request = request("override-create-accepted");
    let answer = answer(&payload(&request, &json!({"maxDuration": "1h", "protectedNamespaces": ["shop"]})));
    assert_eq!(
        answer["message"],
        "2 errors: spec.expiresAt: from 2098-11-27T06:00:00Z to 2098-11-27T23:00:00Z is longer than the 1h allowed; \
         end it earlier; spec.namespace: namespace `shop` is protected: its HorizontalPodAutoscalers cannot be overridden"
    );
}

#[test]
fn a_stamp_names_user_and_groups() {
    let stamp = &asked(&request("override-create-forged-stamp-replaced"))["mutated_object"]["metadata"]["annotations"];
    assert_eq!(stamp["hpa-override.dev/requested-by"], r#"{"user":"mallory","groups":["system:authenticated"]}"#);
}

#[rstest]
#[case::empty("{}", true, None)]
#[case::null("null", true, None)]
#[case::one(
    r#"{"maxDuration":"7 days"}"#,
    false,
    Some(
        "maxDuration: `7 days` is not a duration; write it like `90m` or `1d12h`: whole numbers with d, h, m, s in that \
     order, above zero and at most 36500d"
    )
)]
#[case::all(
    r#"{"requireReason":"no","max":1,"crossNamespace":"Some"}"#,
    false,
    Some(
        "3 errors: crossNamespace: not `Deny`, `Authorized` or `Allow`; max: unknown setting; requireReason: not true or false"
    )
)]
#[case::no_object("[]", false, Some("the settings are not an object"))]
#[case::no_json("{", false, Some("the settings cannot be read: EOF while parsing an object at line 1 column 1"))]
fn settings_are_validated(#[case] document: &str, #[case] valid: bool, #[case] message: Option<&str>) {
    let answer: Value = serde_json::from_slice(&validate_settings(document.as_bytes())).unwrap();
    assert_eq!(answer, json!({"valid": valid, "message": message}));
}
