//! Edits raw objects in place: everything that is not named stays byte for byte, unknown fields included.

use serde_json::{Map, Value};

/// Puts an annotation, or takes it away.
pub(crate) fn set_annotation(object: &mut Value, key: &str, text: Option<String>) {
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

/// Puts `metadata.managedFields`, or takes it away.
pub(crate) fn set_managed_fields(object: &mut Value, list: Option<Value>) {
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

/// The object at `key`, made where it is absent; none where something else is there.
pub(crate) fn child<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    let parent = object.as_object_mut()?;
    parent.entry(key).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

/// The text of an annotation.
pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// Namespace and name of an object.
pub(crate) fn name_of(object: &Value) -> (&str, &str) {
    let text = |key: &str| object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str);
    (text("namespace").unwrap_or_default(), text("name").unwrap_or_default())
}
