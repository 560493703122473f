//! Who waits, in order: by priority, within that by namespace in turn, within that first come, first served.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Bound,
};

use tokio::time::Instant;

use super::priority::Priority;
use crate::object::Key;

/// All keys that wait. What is empty is not kept.
#[derive(Debug, Default)]
pub struct Lines {
    by_priority: BTreeMap<Priority, Namespaces>,
    /// How many have come.
    count: u64,
}

/// The keys of one namespace by number, with when they came: the first has waited longest.
type Line = BTreeMap<u64, (Key, Instant)>;

/// The keys of one priority.
#[derive(Debug, Default)]
struct Namespaces {
    waiting: BTreeMap<String, Line>,
    /// The one that was taken last: the turn is that of the namespace after its own, in order of the names.
    last: Option<Key>,
}

impl Lines {
    /// Adds a key. Returns its number, by which it can be removed.
    pub fn push(&mut self, key: &Key, priority: Priority, now: Instant) -> u64 {
        self.count += 1;
        let waiting = &mut self.by_priority.entry(priority).or_default().waiting;
        // The name is only copied for the first of its namespace.
        match waiting.get_mut(&key.namespace) {
            Some(line) => line.insert(self.count, (key.clone(), now)),
            None => waiting.entry(key.namespace.clone()).or_default().insert(self.count, (key.clone(), now)),
        };
        self.count
    }

    /// Takes the key whose turn it is.
    pub fn take(&mut self) -> Option<(Key, Priority)> {
        let mut first = self.by_priority.first_entry()?;
        let priority = *first.key();
        let key = first.get_mut().take();
        if first.get().waiting.is_empty() {
            first.remove();
        }
        key.map(|key| (key, priority))
    }

    /// Removes a key that waits.
    pub fn remove(&mut self, key: &Key, priority: Priority, number: u64) {
        let Entry::Occupied(mut namespaces) = self.by_priority.entry(priority) else { return };
        namespaces.get_mut().remove(&key.namespace, number);
        if namespaces.get().waiting.is_empty() {
            namespaces.remove();
        }
    }
}

impl Lines {
    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.by_priority.is_empty()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.lines().map(BTreeMap::len).sum()
    }

    /// When the one came that has waited longest.
    pub fn oldest(&self) -> Option<Instant> {
        self.lines().filter_map(|line| Some(line.first_key_value()?.1.1)).min()
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.by_priority.values().flat_map(|namespaces| namespaces.waiting.values())
    }
}

impl Namespaces {
    fn take(&mut self) -> Option<Key> {
        let namespace = self.next_namespace()?.to_owned();
        let number = *self.waiting.get(&namespace)?.first_key_value()?.0;
        self.last = self.remove(&namespace, number);
        self.last.clone()
    }

    fn next_namespace(&self) -> Option<&str> {
        let last = self.last.as_ref().map_or(Bound::Unbounded, |key| Bound::Excluded(key.namespace.as_str()));
        let later = self.waiting.range::<str, _>((last, Bound::Unbounded)).next();
        later.or_else(|| self.waiting.first_key_value()).map(|(namespace, _)| namespace.as_str())
    }

    fn remove(&mut self, namespace: &str, number: u64) -> Option<Key> {
        let line = self.waiting.get_mut(namespace)?;
        let key = line.remove(&number).map(|(key, _)| key);
        if line.is_empty() {
            self.waiting.remove(namespace);
        }
        key
    }
}
