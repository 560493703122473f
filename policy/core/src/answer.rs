//! Compares the answer to a write with what was sent: an admission policy may have changed it, silently.

use hpa_override_crd::RECORD_ANNOTATION;
use serde_json::Value;

use crate::{bounds::Bound, record::Record};

/// What a write's answer has otherwise than the patch of [`crate::plan_hpa`] says; none where it was taken as sent.
///
/// managedFields are the API server's own, and `owners` leave the record where the merge policy gives them back.
#[must_use]
pub fn altered(patch: &Value, answer: &Value) -> Option<String> {
    let bound = Bound::BOTH.into_iter().find_map(|bound| bound_altered(patch, answer, bound));
    bound.or_else(|| record_altered(patch, answer))
}

fn bound_altered(patch: &Value, answer: &Value, bound: Bound) -> Option<String> {
    let field = bound.field();
    let at = |object: &Value| object.get("spec").and_then(|spec| spec.get(field)).cloned();
    let sent = at(patch)?;
    let stands = at(answer).unwrap_or_default();
    (sent != stands).then(|| {
        format!("{field} was written as {sent} and came back as {stands}; look for another mutating admission policy")
    })
}

fn record_altered(patch: &Value, answer: &Value) -> Option<String> {
    let at = |object: &Value| object.get("metadata")?.get("annotations")?.get(RECORD_ANNOTATION).cloned();
    let sent = at(patch)?;
    let stands = at(answer).unwrap_or_default();
    (meaning(&sent) != meaning(&stands)).then(|| {
        "the record was written and did not come back as it was; check that controllerUser in the settings of the \
         policies is the user of this controller"
            .into()
    })
}

/// The text without what the merge policy takes out of it.
fn meaning(text: &Value) -> Value {
    match text.as_str().map(Record::parse) {
        Some(Ok(record)) => Record { owners: Vec::new(), ..record }.to_text().into(),
        _ => text.clone(),
    }
}
