//! The JSON merge patch of a plan.

use hpa_override_core::{RECORD_ANNOTATION, RELEASE_ANNOTATION};
use serde_json::{Map, Value, json};

use crate::hpa_view::HpaView;

/// What a patch changes, on one version of the HPA.
#[derive(Default)]
pub(crate) struct Changes {
    /// The record's text; null removes it.
    pub(crate) record: Option<Value>,
    /// `metadata.managedFields`, with ownership returned.
    pub(crate) managed_fields: Option<Vec<Value>>,
    /// The bounds.
    pub(crate) spec: Map<String, Value>,
}

/// The merge patch for exactly the version of `hpa`. It also removes a release marker that it finds.
pub(crate) fn merge_patch(hpa: &HpaView, changes: Changes) -> Value {
    let Changes { record, managed_fields, spec } = changes;
    let mut annotations = Map::new();
    if let Some(record) = record {
        annotations.insert(RECORD_ANNOTATION.into(), record);
    }
    if hpa.has_release_marker() {
        annotations.insert(RELEASE_ANNOTATION.into(), Value::Null);
    }
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".into(), json!(hpa.version()));
    metadata.insert("annotations".into(), annotations.into());
    if let Some(list) = managed_fields {
        metadata.insert("managedFields".into(), list.into());
    }
    if spec.is_empty() { json!({ "metadata": metadata }) } else { json!({ "metadata": metadata, "spec": spec }) }
}
