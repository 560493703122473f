//! Encodes answers as the host reads them: the fields of the SDK's `ValidationResponse`, in an order that is always the
//! same (its audit annotations are a hash map).

use hpa_override_core::{Verdict, admission::verdict::numbered};
use serde_json::{Map, Value, json};

/// What the host reads of a verdict.
pub(crate) fn verdict(verdict: Verdict) -> Vec<u8> {
    let Verdict { refusal, object, warnings, audit } = verdict;
    let accepted = refusal.is_none();
    let [message, code] =
        refusal.map_or([Value::Null, Value::Null], |refusal| [refusal.message.into(), refusal.code.into()]);
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
