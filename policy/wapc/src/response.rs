//! Encodes answers as the host reads them.

use hpa_override_core::{Finding, joined};
use kubewarden_policy_sdk::{response::ValidationResponse, settings::SettingsValidationResponse};
use serde::Serialize;
use serde_json::Value;

/// The write is allowed; `object` is stored instead of what was sent, where there is one.
pub(crate) fn accepted(object: Option<Value>, warnings: Vec<String>) -> Vec<u8> {
    encode(&ValidationResponse {
        accepted: true,
        message: None,
        code: None,
        mutated_object: object,
        audit_annotations: None,
        warnings: Some(warnings).filter(|warnings| !warnings.is_empty()),
    })
}

/// The write is refused, for this reason.
pub(crate) fn rejected(message: String, code: u16, warnings: Vec<String>) -> Vec<u8> {
    encode(&ValidationResponse {
        accepted: false,
        message: Some(message),
        code: Some(code),
        mutated_object: None,
        audit_annotations: None,
        warnings: Some(warnings).filter(|warnings| !warnings.is_empty()),
    })
}

/// The settings are valid, or what is wrong with them.
pub(crate) fn settings(errors: &[String]) -> Vec<u8> {
    let message = (!errors.is_empty()).then(|| numbered(errors.len(), &errors.join("; ")));
    encode(&SettingsValidationResponse { valid: errors.is_empty(), message })
}

/// All errors in one line.
pub(crate) fn all(errors: &[Finding]) -> String {
    numbered(errors.len(), &joined(errors))
}

/// One error speaks for itself; of several the reader learns how many there are.
pub(crate) fn numbered(count: usize, line: &str) -> String {
    if count > 1 { format!("{count} errors: {line}") } else { line.into() }
}

fn encode(answer: &impl Serialize) -> Vec<u8> {
    // Answers hold strings, numbers and objects that came as JSON: nothing that JSON cannot say.
    serde_json::to_vec(answer).unwrap_or_default()
}
