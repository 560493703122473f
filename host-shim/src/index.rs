//! Which overrides target which HPAs, found without looking at all of them.
//!
//! ```text
//!   HPA       ──► filed under its name, its namespace, each key and each key and value of its labels
//!   override  ──► filed under the name that it targets, or under one label that its selector requires
//! ```
//! An HPA's overrides are among those filed where the HPA is filed itself; a selector's HPAs are among those filed under
//! the label that it requires and the fewest have. Whatever is found so is then compared in full, so that the places only
//! decide how fast an answer is, never what it says.
//!
//! Pure: no lock, no clock, no client. It knows names, labels and targets and nothing else of either kind of object.

mod filed_target;
mod label_text;
mod members;
mod objects;
mod place;

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
};

use hpa_override_core::{Id, Labels};
use hpa_override_plan::Target;

use self::{filed_target::FiledTarget, label_text::LabelText, objects::Objects, place::Places};
use crate::object::Key;

/// Overrides and HPAs, each findable from the other.
///
/// # Guarantees
/// An answer costs what it contains, plus the overrides (HPAs) that share the one label by which it is looked up and
/// differ in another. A change costs the labels of the object and the answers before and after it.
#[derive(Debug, Default)]
pub struct Index<S = RandomState> {
    places: Places<S>,
    hpas: Objects<LabelText>,
    overrides: Objects<FiledTarget>,
}

impl<S: BuildHasher> Index<S> {
    /// Puts an override, new or changed; none: it cannot be read, and targets nothing. Returns the HPAs that it targeted
    /// before or targets now.
    pub fn put_override(&mut self, key: &Key, target: Option<Target>) -> BTreeSet<Key> {
        let Some(target) = target else { return self.remove_override(key) };
        if self.overrides.get(key).is_some_and(|ovr| *ovr.target() == target) {
            return self.targets_of(key).into_iter().collect();
        }
        let mut concerned = self.remove_override(key);
        let ovr = FiledTarget::new(target, &self.places, |place| self.hpas.count(place) + self.overrides.count(place));
        let places = ovr.places().to_vec();
        self.overrides.put(key, ovr, &places);
        concerned.append(&mut self.targets_of(key).into_iter().collect());
        concerned
    }

    /// Removes an override. Returns the HPAs that it targeted.
    pub fn remove_override(&mut self, key: &Id) -> BTreeSet<Key> {
        let concerned = self.targets_of(key).into_iter().collect();
        if let Some(ovr) = self.overrides.get(key) {
            let places = ovr.places().to_vec();
            self.overrides.remove(key, &places);
        }
        concerned
    }

    /// Puts an HPA, new or labelled anew. Returns the overrides that targeted it before or do now.
    pub fn put_hpa(&mut self, key: &Key, labels: &Labels) -> BTreeSet<Key> {
        let labels = LabelText::new(labels);
        if self.hpas.get(key).is_some_and(|old| *old == labels) {
            return self.overrides_of(key).into_iter().collect();
        }
        let mut concerned = self.remove_hpa(key);
        let places = self.places.of_labels(&key.namespace, &labels);
        self.hpas.put(key, labels, &places);
        concerned.append(&mut self.overrides_of(key).into_iter().collect());
        concerned
    }

    /// Removes an HPA. Returns the overrides that targeted it.
    pub fn remove_hpa(&mut self, key: &Id) -> BTreeSet<Key> {
        let concerned = self.overrides_of(key).into_iter().collect();
        if let Some(labels) = self.hpas.get(key) {
            let places = self.places.of_labels(&key.namespace, labels);
            self.hpas.remove(key, &places);
        }
        concerned
    }

    /// The HPAs that an override targets, in order; only those that there are. None where the override is unknown.
    pub fn targets_of(&self, ovr: &Id) -> Vec<Key> {
        let Some(ovr) = self.overrides.get(ovr) else { return Vec::new() };
        let places = ovr.narrowest(&self.places, |place| self.hpas.count(place));
        let selected = places.iter().flat_map(|place| self.hpas.filed_under(*place));
        let named = ovr.named().and_then(|name| self.hpas.slot_of(&name));
        let candidates = selected.chain(named).filter_map(|slot| self.hpas.at(slot));
        in_order(candidates.filter(|(hpa, labels)| ovr.includes(hpa, labels)).map(|(hpa, _)| hpa))
    }

    /// The overrides that target an HPA, in order. None where the HPA is unknown.
    pub fn overrides_of(&self, hpa: &Id) -> Vec<Key> {
        let Some(labels) = self.hpas.get(hpa) else { return Vec::new() };
        let mut places = self.places.of_labels(&hpa.namespace, labels);
        places.push(self.places.of_name(&hpa.namespace, &hpa.name));
        let filed = places.iter().flat_map(|place| self.overrides.filed_under(*place));
        let candidates = filed.filter_map(|slot| self.overrides.at(slot));
        in_order(candidates.filter(|(_, ovr)| ovr.includes(hpa, labels)).map(|(ovr, _)| ovr))
    }
}

/// Each once: two places may share a file.
fn in_order<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<Key> {
    let mut keys: Vec<&Key> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests;
