//! managedFields of an HPA: the three questions of every plan are answered on arrival. The entries are about half of an HPA,
//! so they are kept as text, and only as far as a patch may need them.

use hpa_override_core::{
    Bound,
    hpa::managed_fields::{entries, has_our_entry, owns, we_own},
};
use serde_json::{Map, Value, json};

/// `metadata.managedFields`.
#[derive(Clone, Debug)]
pub(crate) struct ManagedFields {
    /// A list as JSON text; empty where there is none. All entries where one is ours, since then the list is to be written
    /// without it; else who owns which bound.
    text: Box<str>,
    has_our_entry: bool,
    we_own: [bool; 2],
}

impl ManagedFields {
    pub(super) fn parse(hpa: &Value) -> Self {
        Self::read(hpa, || text(entries(hpa)))
    }

    /// Of the entries of `hpa` only who owns which bound is read; `all` is the text of all of them.
    pub(super) fn read<T: Into<Box<str>>>(hpa: &Value, all: impl FnOnce() -> T) -> Self {
        let list = entries(hpa);
        let (has_our_entry, we_own) = (has_our_entry(list), Bound::BOTH.map(|bound| we_own(list, bound)));
        let text = if has_our_entry { all().into() } else { text(&list.iter().filter_map(owner).collect::<Vec<_>>()) };
        Self { text, has_our_entry, we_own }
    }

    /// Whether any entry is ours.
    pub(crate) fn has_our_entry(&self) -> bool {
        self.has_our_entry
    }

    /// Whether we own that bound.
    pub(crate) fn we_own(&self, bound: Bound) -> bool {
        let [min, max] = self.we_own;
        match bound {
            Bound::Min => min,
            Bound::Max => max,
        }
    }

    /// Whether we own any bound.
    pub(crate) fn we_own_any(&self) -> bool {
        self.we_own.contains(&true)
    }

    /// Whether the three answers are the same.
    pub(super) fn has_same_owner(&self, other: &Self) -> bool {
        self.has_our_entry == other.has_our_entry && self.we_own == other.we_own
    }

    /// The entries, parsed anew: all of them where one is ours. Else those that own a bound, and of their fields the bounds.
    pub(crate) fn entries(&self) -> Vec<Value> {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// A list of JSON values can always be written.
fn text(list: &[Value]) -> Box<str> {
    if list.is_empty() { Box::default() } else { serde_json::to_string(list).unwrap_or_default().into() }
}

/// What an entry says of the bounds; none where it owns neither.
fn owner(entry: &Value) -> Option<Value> {
    let owned = Bound::BOTH.into_iter().filter(|bound| owns(entry, *bound));
    let spec: Map<String, Value> = owned.map(|bound| (format!("f:{}", bound.field()), json!({}))).collect();
    let known = entry.as_object().filter(|_| !spec.is_empty())?.iter().filter(|(key, _)| *key != "fieldsV1");
    let mut kept: Map<String, Value> = known.map(|(key, value)| (key.clone(), value.clone())).collect();
    kept.insert("fieldsV1".into(), json!({ "f:spec": spec }));
    Some(kept.into())
}
