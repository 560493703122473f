//! `metadata.managedFields`: which field manager owns which bound, on the raw JSON. Entries are changed only as far as a
//! function says; all else stays byte for byte.

use serde_json::Value;

use crate::value::bounds::Bound;

/// The field manager of the controller.
pub const MANAGER: &str = "hpa-override";

/// The entries of `metadata.managedFields`.
#[must_use]
pub fn entries(object: &Value) -> &[Value] {
    let entries = object.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    entries.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether the entry is the controller's.
#[must_use]
pub fn is_ours(entry: &Value) -> bool {
    text(entry, "manager") == MANAGER
}

/// Whether any entry is the controller's.
#[must_use]
pub fn has_our_entry(entries: &[Value]) -> bool {
    entries.iter().any(is_ours)
}

/// Whether the entry owns that bound.
#[must_use]
pub fn owns(entry: &Value, bound: Bound) -> bool {
    let spec = entry.get("fieldsV1").and_then(|fields| fields.get("f:spec"));
    spec.is_some_and(|spec| spec.get(format!("f:{}", bound.field())).is_some())
}

/// Whether the controller owns that bound.
#[must_use]
pub fn we_own(entries: &[Value], bound: Bound) -> bool {
    entries.iter().any(|entry| is_ours(entry) && owns(entry, bound))
}

/// Whether the entry is about the object itself: status and scale have entries of their own, which own no bounds.
#[must_use]
pub fn is_of_main_resource(entry: &Value) -> bool {
    text(entry, "subresource").is_empty()
}

/// The other field manager that wrote a bound last, as far as the API server records it.
#[must_use]
pub fn last_manager(entries: &[Value]) -> Option<&str> {
    let theirs = |entry: &&Value| !is_ours(entry) && Bound::BOTH.into_iter().any(|bound| owns(entry, bound));
    let latest = entries.iter().filter(theirs).max_by_key(|entry| text(entry, "time"));
    latest.map(|entry| text(entry, "manager"))
}

/// Removes annotations from all entries, and entries that own nothing else.
pub fn disown_annotations(entries: &mut Vec<Value>, keys: &[&str]) {
    entries.retain_mut(|entry| {
        let Some(fields) = entry.get_mut("fieldsV1").and_then(Value::as_object_mut) else { return true };
        let Some(metadata) = fields.get_mut("f:metadata").and_then(Value::as_object_mut) else { return true };
        let Some(annotations) = metadata.get_mut("f:annotations").and_then(Value::as_object_mut) else { return true };
        let before = annotations.len();
        annotations.retain(|field, _| !keys.iter().any(|key| field.strip_prefix("f:") == Some(key)));
        if annotations.len() == before {
            return true;
        }
        if annotations.keys().all(|field| field == ".") {
            metadata.remove("f:annotations");
        }
        if metadata.is_empty() {
            fields.remove("f:metadata");
        }
        !fields.is_empty()
    });
}

/// A text of an entry; empty where it is absent.
#[must_use]
pub fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(manager: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": "Apply", "apiVersion": "autoscaling/v2", "time": "2026-11-27T06:00:00Z",
               "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    #[test]
    fn removed_annotations_have_no_owner() {
        let label = json!({"f:metadata": {"f:annotations": {".": {}, "f:b": {}}, "f:labels": {"f:app": {}}}});
        let mut entries = vec![
            entry("marker", &json!({"f:metadata": {"f:annotations": {"f:a": {}}}})),
            entry("both", &label),
            entry("other", &json!({"f:metadata": {"f:annotations": {".": {}, "f:c": {}}}})),
        ];
        let other = entries[2].clone();
        disown_annotations(&mut entries, &["a", "b"]);
        assert_eq!(entries, [entry("both", &json!({"f:metadata": {"f:labels": {"f:app": {}}}})), other]);
    }

    #[test]
    fn the_last_manager_is_the_latest_that_owns_a_bound() {
        let mut late = entry("kubectl", &json!({"f:spec": {"f:maxReplicas": {}}}));
        late["time"] = "2026-11-27T07:00:00Z".into();
        let early = entry("argocd", &json!({"f:spec": {"f:minReplicas": {}}}));
        let ours = entry(MANAGER, &json!({"f:spec": {"f:minReplicas": {}}}));
        let labels = entry("labeller", &json!({"f:metadata": {"f:labels": {}}}));
        assert_eq!(last_manager(&[late, early, ours.clone(), labels.clone()]), Some("kubectl"));
        assert_eq!(last_manager(&[ours, labels]), None);
    }
}
