//! The places under which objects are filed: a name, a namespace, a label, a label with its value.
//!
//! A place is a number that is computed from these texts instead of the texts themselves: it takes eight bytes. Two places
//! may have one number. That costs a comparison, and never an answer: what is found at a place is compared in full.

use std::hash::BuildHasher;

use super::label_text::LabelText;

/// Under what something is filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(u64);

/// Computes places.
#[derive(Debug, Default)]
pub struct Places<S>(S);

impl<S: BuildHasher> Places<S> {
    /// Of one HPA by name.
    pub fn of_name(&self, namespace: &str, name: &str) -> Place {
        self.of(("name", namespace, name, ""))
    }

    /// Of all HPAs of a namespace.
    pub fn of_namespace(&self, namespace: &str) -> Place {
        self.of(("namespace", namespace, "", ""))
    }

    /// Of the HPAs with these labels: the namespace, each label, each label with its value.
    pub fn of_labels(&self, namespace: &str, labels: &LabelText) -> Vec<Place> {
        let of_label = |(key, value)| [self.of_key(namespace, key), self.of_value(namespace, key, value)];
        std::iter::once(self.of_namespace(namespace)).chain(labels.iter().flat_map(of_label)).collect()
    }

    /// All places of the HPAs with this label and one of these values; no values: any.
    pub fn of_requirement(&self, namespace: &str, key: &str, values: &[String]) -> Vec<Place> {
        if values.is_empty() {
            return vec![self.of_key(namespace, key)];
        }
        values.iter().map(|value| self.of_value(namespace, key, value)).collect()
    }

    fn of_key(&self, namespace: &str, key: &str) -> Place {
        self.of(("key", namespace, key, ""))
    }

    fn of_value(&self, namespace: &str, key: &str, value: &str) -> Place {
        self.of(("value", namespace, key, value))
    }

    fn of(&self, texts: (&str, &str, &str, &str)) -> Place {
        Place(self.0.hash_one(texts))
    }
}
