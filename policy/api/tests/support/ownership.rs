//! `managedFields` as sets, and the rules by which the API server moves fields between them.

use std::collections::{BTreeMap, BTreeSet};

use hpa_override_core::{MANAGER, RECORD_ANNOTATION, RELEASE_ANNOTATION};
use serde_json::{Map, Value, json};

/// The keys that lead to a field in `fieldsV1`.
pub type Path = Vec<String>;
/// Manager, operation, subresource.
pub type Key = (String, String, String);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ownership(BTreeMap<Key, (String, BTreeSet<Path>)>);

impl Ownership {
    pub fn read(object: &Value) -> Self {
        let entries = object["metadata"]["managedFields"].as_array().map_or(&[][..], Vec::as_slice);
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let one = |entry: &Value| {
            let key = (text(entry, "manager"), text(entry, "operation"), text(entry, "subresource"));
            let mut paths = BTreeSet::new();
            flatten(&entry["fieldsV1"], &mut Vec::new(), &mut paths);
            (key, (text(entry, "time"), paths))
        };
        Self(entries.iter().map(one).collect())
    }

    pub fn write(&self) -> Value {
        let one = |((manager, operation, subresource), (time, paths)): (&Key, &(String, BTreeSet<Path>))| {
            let mut fields = json!({});
            for path in paths {
                nest(&mut fields, path);
            }
            let mut entry = json!({"manager": manager, "operation": operation, "apiVersion": "autoscaling/v2",
                                   "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields});
            if !subresource.is_empty() {
                entry["subresource"] = subresource.as_str().into();
            }
            entry
        };
        self.0.iter().map(one).collect()
    }

    /// What an entry holds.
    pub fn held(&self, key: &Key) -> BTreeSet<Path> {
        self.0.get(key).map(|(_, paths)| paths.clone()).unwrap_or_default()
    }

    /// Whether anybody but `key` holds a field.
    pub fn held_by_others(&self, key: &Key, path: &Path) -> bool {
        self.0.iter().any(|(other, (_, paths))| other != key && paths.contains(path))
    }

    /// Makes `key` hold exactly `paths`, dated `time` where that changes something.
    pub fn set(&mut self, key: &Key, paths: BTreeSet<Path>, time: &str) {
        if self.held(key) != paths {
            self.0.insert(key.clone(), (time.to_owned(), paths));
        }
        self.0.retain(|_, (_, paths)| !paths.is_empty());
    }

    /// Takes fields from everybody but `key`.
    pub fn take(&mut self, key: Option<&Key>, taken: &BTreeSet<Path>) {
        for (other, (_, paths)) in &mut self.0 {
            if key != Some(other) {
                paths.retain(|path| !taken.contains(path));
            }
        }
        self.0.retain(|_, (_, paths)| !paths.is_empty());
    }

    /// Who owns what, timestamps and our own annotations aside.
    pub fn of_owners(&self) -> BTreeMap<Key, BTreeSet<Path>> {
        let ours = [RECORD_ANNOTATION, RELEASE_ANNOTATION].map(annotation_path);
        let theirs = |paths: &BTreeSet<Path>| paths.iter().filter(|path| !ours.contains(path)).cloned().collect();
        let all = self.0.iter().map(|(key, (_, paths))| (key.clone(), theirs(paths)));
        all.filter(|(_, paths): &(Key, BTreeSet<Path>)| !paths.is_empty()).collect()
    }

    /// Whether our field manager has an entry.
    pub fn names_us(&self) -> bool {
        self.0.keys().any(|(manager, _, _)| manager == MANAGER)
    }

    /// Whether our field manager owns a bound.
    pub fn gives_us_a_bound(&self) -> bool {
        let bounds = ["minReplicas", "maxReplicas"].map(spec_path);
        self.0
            .iter()
            .any(|((manager, _, _), (_, paths))| manager == MANAGER && bounds.iter().any(|b| paths.contains(b)))
    }
}

pub fn spec_path(key: &str) -> Path {
    vec!["f:spec".into(), format!("f:{key}")]
}

pub fn annotation_path(key: &str) -> Path {
    vec!["f:metadata".into(), "f:annotations".into(), format!("f:{key}")]
}

/// The fields of an object that are tracked, with their values.
pub fn leaves(object: &Value) -> BTreeMap<Path, Value> {
    let mut leaves = BTreeMap::new();
    let parts = [
        (vec!["f:spec"], &object["spec"]),
        (vec!["f:metadata", "f:annotations"], &object["metadata"]["annotations"]),
        (vec!["f:metadata", "f:labels"], &object["metadata"]["labels"]),
    ];
    for (prefix, part) in parts {
        for (key, value) in part.as_object().into_iter().flatten() {
            let path = prefix.iter().map(ToString::to_string).chain([format!("f:{key}")]);
            leaves.insert(path.collect(), value.clone());
        }
    }
    leaves
}

fn flatten(fields: &Value, prefix: &mut Path, paths: &mut BTreeSet<Path>) {
    for (key, inner) in fields.as_object().into_iter().flatten() {
        prefix.push(key.clone());
        if inner.as_object().is_none_or(Map::is_empty) {
            paths.insert(prefix.clone());
        }
        flatten(inner, prefix, paths);
        prefix.pop();
    }
}

fn nest(fields: &mut Value, path: &[String]) {
    if let Some((first, rest)) = path.split_first() {
        if fields.get(first).is_none() {
            fields[first] = json!({});
        }
        nest(&mut fields[first], rest);
    }
}
