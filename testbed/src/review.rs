//! From an `AdmissionReview` to a policy's payload, and from its verdict back to an answer, as policy-server does both.
//!
//! This decides nothing by itself: whatever the policy does not say, policy-server's rule says.

mod request;
mod response;

use serde_json::{Value, json};

use self::request::AdmissionRequest;
pub(crate) use self::request::ReviewRequest;
use self::response::Verdict;
pub(crate) use self::response::{AdmissionResponse, ReviewResponse};
use crate::engine::{CallError, Module};
use crate::policy_host::PolicyConfig;

const CUT_OFF: &str = "Policy execution interrupted because it exceeded the allowed execution time";
const NO_OBJECT: &str = "Incoming object is null, which happens only with DELETE operations, but the policy is \
                         attempting a mutation. This is not allowed";

/// Asks the policy. `Err` is what policy-server answers with HTTP 500, for the webhook's failurePolicy to decide.
pub(crate) fn review(
    module: &Module,
    policy: &PolicyConfig,
    request: &AdmissionRequest,
) -> Result<AdmissionResponse, String> {
    let uid = request.uid();
    let request = json!(request);
    let payload = json!({"request": request, "settings": policy.settings});
    let answer = match module.call_raw("validate", payload.to_string().as_bytes()) {
        Ok(bytes) => answer(uid, &request, &bytes),
        Err(CallError::CutOff) => AdmissionResponse::reject(uid, CUT_OFF.to_owned(), Some(500)),
        Err(CallError::Guest(error)) => internal_error(uid, &error),
        Err(CallError::Init(error)) => return Err(error),
    };
    Ok(if policy.mutating { answer } else { without_mutation(answer, &policy.name) })
}

fn answer(uid: &str, request: &Value, bytes: &[u8]) -> AdmissionResponse {
    match serde_json::from_slice::<Verdict>(bytes) {
        Ok(verdict) => from_verdict(uid, request.get("object"), verdict),
        Err(error) => internal_error(uid, &format!("invalid response from policy: {error}")),
    }
}

fn from_verdict(uid: &str, object: Option<&Value>, mut verdict: Verdict) -> AdmissionResponse {
    let patch = match (verdict.mutated_object.take(), object) {
        (None, _) => None,
        (Some(_), None) => return AdmissionResponse::reject(uid, NO_OBJECT.to_owned(), None),
        (Some(mutated), Some(object)) => Some(json_patch::diff(object, &mutated)),
    };
    AdmissionResponse::new(uid, verdict, patch.filter(|patch| !patch.is_empty()))
}

fn internal_error(uid: &str, error: &str) -> AdmissionResponse {
    AdmissionResponse::reject(uid, format!("internal server error: {error}"), Some(500))
}

fn without_mutation(answer: AdmissionResponse, policy: &str) -> AdmissionResponse {
    if !answer.mutates() {
        return answer;
    }
    let message = format!(
        "Request rejected by policy {policy}. The policy attempted to mutate the request, but it is currently \
         configured to not allow mutations."
    );
    answer.refuse_instead(message)
}

#[cfg(test)]
mod tests;
