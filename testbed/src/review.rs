//! From an `AdmissionReview` to a policy's payload, and from its verdict back to an answer, as policy-server does both.
//!
//! This decides nothing by itself: whatever the policy does not say, policy-server's rule says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::engine::{CallError, Module};
use crate::policy_host::PolicyConfig;

/// The fields of a request that policy-server knows and passes on, none that is null.
const KNOWN: &str = "uid kind resource subResource requestKind requestResource requestSubResource name namespace operation \
                     userInfo object oldObject dryRun options";
const CUT_OFF: &str = "Policy execution interrupted because it exceeded the allowed execution time";
const NO_OBJECT: &str = "Incoming object is null, which happens only with DELETE operations, but the policy is \
                         attempting a mutation. This is not allowed";

/// What the guest answers to `validate`.
#[derive(Deserialize)]
struct Verdict {
    accepted: bool,
    message: Option<String>,
    code: Option<u16>,
    mutated_object: Option<Value>,
    audit_annotations: Option<Value>,
    warnings: Option<Vec<String>>,
}

/// The request of a review that the API server posts; none where it is no review.
pub(crate) fn request(body: &[u8]) -> Option<Map<String, Value>> {
    let mut review: Value = serde_json::from_slice(body).ok()?;
    let Value::Object(request) = review.get_mut("request")?.take() else { return None };
    let known = |key: &str| KNOWN.split(' ').any(|known| known == key);
    Some(request.into_iter().filter(|(key, value)| known(key) && !value.is_null()).collect())
}

/// Asks the policy; the response of the review. `Err` is what policy-server answers with HTTP 500, for the webhook's
/// failurePolicy to decide.
pub(crate) fn review(module: &Module, policy: &PolicyConfig, request: &Map<String, Value>) -> Result<Value, String> {
    let uid = request.get("uid").unwrap_or(&Value::Null);
    let payload = json!({"request": request, "settings": policy.settings});
    match module.call_raw("validate", payload.to_string().as_bytes()) {
        Ok(bytes) => Ok(answer(uid, policy, request.get("object"), &bytes)),
        Err(CallError::CutOff) => Ok(rejected(uid, CUT_OFF, Some(500))),
        Err(CallError::Guest(error)) => Ok(rejected(uid, &format!("internal server error: {error}"), Some(500))),
        Err(CallError::Init(error)) => Err(error),
    }
}

fn answer(uid: &Value, policy: &PolicyConfig, object: Option<&Value>, bytes: &[u8]) -> Value {
    let Verdict { accepted, message, code, mutated_object, audit_annotations, warnings } =
        match serde_json::from_slice(bytes) {
            Ok(verdict) => verdict,
            Err(error) => {
                let message = format!("internal server error: invalid response from policy: {error}");
                return rejected(uid, &message, Some(500));
            }
        };
    let patch = match (mutated_object, object) {
        (None, _) => None,
        (Some(_), None) => return rejected(uid, NO_OBJECT, None),
        (Some(mutated), Some(object)) => Some(json_patch::diff(object, &mutated)).filter(|patch| !patch.is_empty()),
    };
    let status =
        (message.is_some() || code.is_some()).then(|| without_nulls(json!({"message": message, "code": code})));
    let (patch_type, patch, allowed, status) = match patch {
        None => (None, None, accepted, status),
        Some(patch) if policy.mutating => {
            (Some("JSONPatch"), Some(STANDARD.encode(patch.to_string())), accepted, status)
        }
        Some(_) => (None, None, false, Some(json!({"message": refusal(&policy.name)}))),
    };
    without_nulls(json!({
        "uid": uid, "allowed": allowed, "patchType": patch_type, "patch": patch, "status": status,
        "auditAnnotations": audit_annotations, "warnings": warnings,
    }))
}

fn refusal(policy: &str) -> String {
    format!(
        "Request rejected by policy {policy}. The policy attempted to mutate the request, but it is currently \
         configured to not allow mutations."
    )
}

fn rejected(uid: &Value, message: &str, code: Option<u16>) -> Value {
    json!({"uid": uid, "allowed": false, "status": without_nulls(json!({"message": message, "code": code}))})
}

fn without_nulls(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    map.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

#[cfg(test)]
mod tests;
