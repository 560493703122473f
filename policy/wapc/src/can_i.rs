//! The one question that the policy asks of its host: whether somebody may patch a target. Its form is Kubewarden's.

use hpa_override_core::{MayPatch, Question};
use serde_json::{Value, json};

/// Puts the question by `host_call`, which carries a request of the host's `can_i` there and the answer back.
///
/// Why the host could not ask stands in its log, so no error of it is told.
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

/// The status of a `SubjectAccessReview`. An authorizer that failed has not said no.
fn read(answer: &[u8]) -> MayPatch {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let failed = answer.get("evaluationError").is_some_and(|error| !error.is_null());
    match answer.get("allowed").and_then(Value::as_bool) {
        Some(true) => MayPatch::Yes,
        Some(false) if !failed => MayPatch::No,
        _ => MayPatch::Error,
    }
}
