//! The one call of the policy to its host: whether a user may patch a target. The request has the form of Kubewarden's `can_i`.

use hpa_override_core::{MayPatch, Question};
use serde_json::{Value, json};

/// Asks the question by `host_call`, which sends a `can_i` request to the host and returns its answer.
///
/// The host logs why it could not ask, so the error is not passed on.
pub fn may_patch<E>(question: &Question, host_call: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>) -> MayPatch {
    host_call(&request(question)).map_or(MayPatch::Unavailable, |answer| read(&answer))
}

fn request(question: &Question) -> Vec<u8> {
    let Question { user, groups, namespace, name } = question;
    let attributes = json!({
        "group": "autoscaling", "version": "v2", "resource": "horizontalpodautoscalers", "verb": "patch",
        "namespace": namespace, "name": name,
    });
    let review = json!({ "user": user, "groups": groups, "resource_attributes": attributes });
    json!({ "subject_access_review": review, "disable_cache": true }).to_string().into_bytes()
}

/// The status of a `SubjectAccessReview`. An authorizer that failed has not denied.
fn read(answer: &[u8]) -> MayPatch {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let failed = answer.get("evaluationError").is_some_and(|error| !error.is_null());
    match answer.get("allowed").and_then(Value::as_bool) {
        Some(true) => MayPatch::Yes,
        Some(false) if !failed => MayPatch::No,
        _ => MayPatch::Error,
    }
}
