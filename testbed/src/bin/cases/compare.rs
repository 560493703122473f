//! Compares what an HPA looks like with what is expected of it.

use hpa_override_core::{Bounds, RECORD_ANNOTATION};
use serde_json::{Map, Value};

use crate::case::{Admit, Review};

/// Collects differences.
#[derive(Debug, Default)]
pub struct Differences(pub Vec<String>);

impl Differences {
    /// Notes a difference, where something is expected.
    pub fn note<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: Option<&T>, found: &T) {
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            self.0.push(format!("{what}: expected {expected:?}, got {found:?}"));
        }
    }

    /// Notes a difference between two values, as JSON.
    pub fn value(&mut self, what: &str, expected: Option<&Value>, found: &Value) {
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            self.0.push(format!("{what}: expected {expected}, got {found}"));
        }
    }

    /// Notes a difference between two lists whose order says nothing.
    pub fn multiset<T: Ord + Clone + std::fmt::Debug>(&mut self, what: &str, expected: Option<&[T]>, found: &[T]) {
        let sorted = |list: &[T]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        let expected = expected.map(sorted);
        self.note(what, expected.as_ref(), &sorted(found));
    }

    /// Compares what the record says the owner wants; null: there is no record.
    pub fn desired(&mut self, expected: Option<&Value>, hpa: &Value) {
        let desired = record(hpa).map_or(Value::Null, |record| record["desired"].clone());
        self.value("desired", expected, &desired);
    }

    /// Compares chosen keys of the record; null: the key is absent.
    pub fn record(&mut self, expected: Option<&Map<String, Value>>, hpa: &Value) {
        let record = record(hpa).unwrap_or_default();
        for (key, value) in expected.into_iter().flatten() {
            self.value(&format!("record.{key}"), Some(value), &record[key]);
        }
    }
}

/// A bound as it stands; the lower one is defaulted as the API server does.
pub fn stands(hpa: &Value, bound: &str) -> Value {
    let number = hpa["spec"][bound].clone();
    let defaulted = || Bounds::of_hpa(hpa).map_or(Value::Null, |_| 1.into());
    if number.is_null() && bound == "minReplicas" { defaulted() } else { number }
}

/// The record, where one can be read as JSON.
pub fn record(hpa: &Value) -> Option<Value> {
    serde_json::from_str(hpa["metadata"]["annotations"][RECORD_ANNOTATION].as_str()?).ok()
}

/// The keys of an object's annotations.
pub fn annotations(hpa: &Value) -> Vec<String> {
    hpa["metadata"]["annotations"].as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

/// `manager/operation` of every entry in managedFields.
pub fn managers(hpa: &Value) -> Vec<String> {
    let entries = hpa["metadata"]["managedFields"].as_array().into_iter().flatten();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    entries.map(|entry| format!("{}/{}", text(entry, "manager"), text(entry, "operation"))).collect()
}

/// Compares an admission; `object` is null where what was sent is stored.
pub fn compare_admission(case: &Admit, object: &Value, warnings: usize, differences: &mut Differences) {
    let (expect, stored) = (&case.expect, if object.is_null() { &case.new } else { object });
    differences.value("minReplicas", expect.min_replicas.as_ref(), &stands(stored, "minReplicas"));
    differences.value("maxReplicas", expect.max_replicas.as_ref(), &stands(stored, "maxReplicas"));
    differences.desired(expect.desired.as_ref(), stored);
    differences.note("changed", expect.changed.as_ref(), &(*stored != case.new));
    differences.note("warnings", expect.warnings.as_ref(), &warnings);
    differences.record(expect.record.as_ref(), stored);
    differences.multiset("annotations", expect.annotations.as_deref(), &annotations(stored));
    differences.multiset("managers", expect.managers.as_deref(), &managers(stored));
}

/// Compares who is stamped as having asked, where the write is allowed.
pub fn compare_stamp(case: &Review, allowed: bool, object: &Value, differences: &mut Differences) {
    if !allowed {
        return;
    }
    let stored = if object.is_null() { &case.object } else { object };
    let stamp = stored["metadata"]["annotations"][hpa_override_core::REQUESTED_BY_ANNOTATION].as_str();
    let stamp: Value = stamp.and_then(|stamp| serde_json::from_str(stamp).ok()).unwrap_or_default();
    let user = stamp["user"].as_str().unwrap_or_default().to_owned();
    differences.note("requestedBy", case.expect.requested_by.as_ref(), &user);
}
