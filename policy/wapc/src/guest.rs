//! The waPC side: registers the functions that Kubewarden calls, and reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use hpa_override_core::{Instant, MayPatch, Question};
use kubewarden_policy_sdk::{
    protocol_version_guest,
    wapc_guest::{CallResult, host_call, register_function},
};
use serde_json::{Value, json};

/// What the host calls first.
#[expect(unsafe_code, reason = "the host finds the function by this name")]
#[unsafe(no_mangle)]
extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings);
    register_function("protocol_version", protocol_version_guest);
}

// The signature is waPC's. An error would reach the client as a refusal, so there is none.
#[expect(clippy::unnecessary_wraps, reason = "the signature is waPC's")]
fn validate(payload: &[u8]) -> CallResult {
    Ok(crate::validate(payload, now(), may_patch))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature is waPC's")]
fn validate_settings(payload: &[u8]) -> CallResult {
    Ok(crate::validate_settings(payload))
}

/// The only clock read, once per decision, floored to whole seconds.
fn now() -> Instant {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Instant::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Asks the host, which asks the cluster by a `SubjectAccessReview`.
fn may_patch(question: &Question) -> MayPatch {
    let Question { user, groups, namespace, name } = question;
    let attributes = json!({
        "group": "autoscaling", "version": "v2", "resource": "horizontalpodautoscalers", "verb": "patch",
        "namespace": namespace, "name": name,
    });
    let review = json!({ "user": user, "groups": groups, "resource_attributes": attributes });
    let request = json!({ "subject_access_review": review, "disable_cache": true }).to_string();
    // Why the host could not ask stands in its log.
    host_call("kubewarden", "kubernetes", "can_i", request.as_bytes())
        .map_or(MayPatch::Unavailable, |answer| read(&answer))
}

/// The status of the `SubjectAccessReview`. An authorizer that failed has not said no.
fn read(answer: &[u8]) -> MayPatch {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let failed = answer.get("evaluationError").is_some_and(|error| !error.is_null());
    match answer.get("allowed").and_then(Value::as_bool) {
        Some(true) => MayPatch::Yes,
        Some(false) if !failed => MayPatch::No,
        _ => MayPatch::Error,
    }
}
