//! Compares the response to a write with what was sent: another admission may have changed it without an error.

use hpa_override_core::{Bound, RECORD_ANNOTATION, Record, hpa::raw::annotation_value};
use serde_json::Value;

/// What a response has otherwise than the patch of [`plan_hpa`](crate::plan_hpa) says, as a sentence; none where the patch was
/// stored as sent.
///
/// managedFields are the API server's own, and the record's `owners` are removed where the merge admission returns ownership.
#[must_use]
pub fn verify_response(patch: &Value, response: &Value) -> Option<String> {
    // The record first: one that was removed means that admission does not know the controller, and bounds follow from that.
    altered_record(patch, response)
        .or_else(|| Bound::BOTH.into_iter().find_map(|bound| altered_bound(patch, response, bound)))
}

fn altered_bound(patch: &Value, response: &Value, bound: Bound) -> Option<String> {
    let field = bound.field();
    let at = |object: &Value| object.get("spec").and_then(|spec| spec.get(field)).cloned();
    let sent = at(patch)?;
    let stored = at(response).unwrap_or_default();
    (sent != stored).then(|| {
        format!("{field} was written as {sent} and came back as {stored}; look for another mutating admission policy")
    })
}

fn altered_record(patch: &Value, response: &Value) -> Option<String> {
    let sent = patch.get("metadata")?.get("annotations")?.get(RECORD_ANNOTATION)?;
    let stored = annotation_value(response, RECORD_ANNOTATION).unwrap_or(&Value::Null);
    (without_owners(sent) != without_owners(stored)).then(|| ALTERED_RECORD.into())
}

/// The text without what the merge admission takes out of it.
fn without_owners(text: &Value) -> Value {
    match text.as_str().map(Record::parse) {
        Some(Ok(record)) => Record { owners: Vec::new(), ..record }.to_text().into(),
        _ => text.clone(),
    }
}

const ALTERED_RECORD: &str = "the record was written and did not come back as it was; check that controllerUser in the \
                              settings of the policies is the user of this controller";

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const RECORD: &str = r#"{"v":1,"rev":1,"asOf":"2026-11-27T06:00:00Z","desired":{"minReplicas":2,"maxReplicas":5},"effective":{"minReplicas":10,"maxReplicas":20},"owners":[{"manager":"argocd","operation":"Apply","apiVersion":"autoscaling/v2","fields":["maxReplicas"]}]}"#;

    fn object(max: i32, record: Option<&str>) -> Value {
        json!({"metadata": {"annotations": {RECORD_ANNOTATION: record}}, "spec": {"minReplicas": 10, "maxReplicas": max}})
    }

    #[rstest]
    #[case::as_sent(object(20, Some(RECORD)), None)]
    #[case::with_ownership_returned(object(20, Some(&RECORD.replace(r#","owners":[{"manager":"argocd","operation":"Apply","apiVersion":"autoscaling/v2","fields":["maxReplicas"]}]"#, ""))), None)]
    #[case::another_bound(
        object(15, Some(RECORD)),
        Some("maxReplicas was written as 20 and came back as 15; look for another mutating admission policy")
    )]
    #[case::without_the_record(object(20, None), Some(ALTERED_RECORD))]
    #[case::without_the_record_and_with_other_bounds(object(5, None), Some(ALTERED_RECORD))]
    #[case::another_record(object(20, Some(&RECORD.replace("\"rev\":1", "\"rev\":2"))), Some(ALTERED_RECORD))]
    fn responses(#[case] response: Value, #[case] expected: Option<&str>) {
        assert_eq!(verify_response(&object(20, Some(RECORD)), &response).as_deref(), expected);
    }

    #[test]
    fn a_record_that_was_to_be_removed_must_be_gone() {
        let removed = json!({"metadata": {"annotations": {RECORD_ANNOTATION: null}}});
        assert_eq!(verify_response(&removed, &json!({"metadata": {}})), None);
        assert_eq!(verify_response(&removed, &object(20, Some(RECORD))).as_deref(), Some(ALTERED_RECORD));
    }
}
