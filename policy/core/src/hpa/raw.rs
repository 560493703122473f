//! Raw objects: reads and edits them in place. Everything that is not named stays byte for byte, unknown fields included.

use serde_json::{Map, Value};

use super::managed_fields::disown_annotations;
use crate::value::selector::Labels;

/// Sets an annotation; without `text` removes it.
pub fn set_annotation(object: &mut Value, key: &str, text: Option<String>) {
    let Some(text) = text else {
        let annotations = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
        if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
            annotations.remove(key);
        }
        return;
    };
    let Some(metadata) = child(object, "metadata") else { return };
    if metadata.get("annotations").is_none_or(Value::is_null) {
        metadata.insert("annotations".into(), Value::Object(Map::new()));
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.insert(key.into(), text.into());
    }
}

/// Sets `metadata.managedFields`; without `list` removes it.
pub fn set_managed_fields(object: &mut Value, list: Option<Value>) {
    let Some(list) = list else {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        return;
    };
    if let Some(metadata) = child(object, "metadata") {
        metadata.insert("managedFields".into(), list);
    }
}

/// The object at `key`, created where it is absent; none where something else is there.
pub fn child<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    let parent = object.as_object_mut()?;
    parent.entry(key).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

/// The text of an annotation; none where it is absent or not text.
#[must_use]
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    annotation_value(object, key)?.as_str()
}

/// The value of an annotation, whatever it is; null counts as absent.
#[must_use]
pub fn annotation_value<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get("metadata")?.get("annotations")?.get(key).filter(|text| !text.is_null())
}

/// `metadata.resourceVersion`.
#[must_use]
pub fn resource_version(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("resourceVersion")
}

/// Whether the object has a controller owner.
#[must_use]
pub fn has_controller(object: &Value) -> bool {
    let references = object.get("metadata").and_then(|metadata| metadata.get("ownerReferences"));
    let controls = |reference: &Value| reference.get("controller").and_then(Value::as_bool) == Some(true);
    references.and_then(Value::as_array).is_some_and(|list| list.iter().any(controls))
}

/// The object without those annotations, and without their names in `managedFields`.
#[must_use]
pub fn without_annotations(object: &Value, keys: &[&str]) -> Value {
    let mut object = object.clone();
    for key in keys {
        set_annotation(&mut object, key, None);
    }
    let managed = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("managedFields"));
    if let Some(managed) = managed.and_then(Value::as_array_mut) {
        disown_annotations(managed, keys);
    }
    object
}

/// Namespace and name of an object.
#[must_use]
pub fn name_of(object: &Value) -> (&str, &str) {
    let text = |key: &str| object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str);
    (text("namespace").unwrap_or_default(), text("name").unwrap_or_default())
}

/// The labels of an object, each with a value that is text.
#[must_use]
pub fn labels_of(object: &Value) -> Labels {
    let labels = object.get("metadata").and_then(|metadata| metadata.get("labels")).and_then(Value::as_object);
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    labels.into_iter().flatten().filter_map(text).collect()
}
