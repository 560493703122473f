//! Encodes answers as the host reads them: the fields of the SDK's `ValidationResponse`, in an order that is always the
//! same (its audit annotations are a hash map).

use hpa_override_core::{Audit, Finding, joined};
use serde_json::{Map, Value, json};

/// The write is allowed; `object` is stored instead of what was sent, where there is one.
pub(crate) fn accepted(object: Option<Value>, warnings: Vec<String>, audit: Audit) -> Vec<u8> {
    encode(true, [Value::Null, Value::Null], object, warnings, audit)
}

/// The write is refused, for this reason.
pub(crate) fn rejected(message: String, code: u16, warnings: Vec<String>, audit: Audit) -> Vec<u8> {
    encode(false, [message.into(), code.into()], None, warnings, audit)
}

fn encode(
    accepted: bool,
    [message, code]: [Value; 2],
    object: Option<Value>,
    warnings: Vec<String>,
    audit: Audit,
) -> Vec<u8> {
    let warnings = Some(warnings).filter(|warnings| !warnings.is_empty());
    let mut answer = Map::new();
    let mut put = |key: &str, value| drop(answer.insert(key.into(), value));
    put("accepted", accepted.into());
    put("message", message);
    put("code", code);
    put("mutated_object", object.unwrap_or_default());
    put("warnings", warnings.map(Value::from).unwrap_or_default());
    put("audit_annotations", audit.into_annotations());
    Value::Object(answer).to_string().into_bytes()
}

/// The settings are valid, or what is wrong with them.
pub(crate) fn settings(errors: &[String]) -> Vec<u8> {
    let message = (!errors.is_empty()).then(|| numbered(errors.len(), &errors.join("; ")));
    json!({ "valid": errors.is_empty(), "message": message }).to_string().into_bytes()
}

/// All errors in one line.
pub(crate) fn all(errors: &[Finding]) -> String {
    numbered(errors.len(), &joined(errors))
}

/// One error as it is; several after their number.
pub(crate) fn numbered(count: usize, line: &str) -> String {
    if count > 1 { format!("{count} errors: {line}") } else { line.into() }
}
