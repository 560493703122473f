//! All objects of one kind, by name and by the places under which each is filed.

use std::collections::{HashMap, hash_map::Entry};

use hpa_override_core::Id;

use super::{
    members::{Members, Slot},
    place::Place,
};
use crate::object::Key;

/// Objects with what the index knows of each.
///
/// Places hold slots, numbers of four bytes. What is removed leaves its slot to the next; the memory is that of the most
/// objects that there ever were at one time.
#[derive(Debug)]
pub struct Objects<T> {
    slots: Vec<Option<(Key, T)>>,
    free: Vec<Slot>,
    by_id: HashMap<Key, Slot>,
    filed: HashMap<Place, Members>,
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), by_id: HashMap::new(), filed: HashMap::new() }
    }
}

impl<T> Objects<T> {
    /// Adds an object that is not there, filed under `places`.
    pub fn put(&mut self, key: &Key, known: T, places: &[Place]) {
        let slot = self.occupy((key.clone(), known));
        self.by_id.insert(key.clone(), slot);
        for place in places {
            self.filed.entry(*place).and_modify(|members| members.insert(slot)).or_insert(Members::One(slot));
        }
    }

    /// Removes an object, which is filed under `places`.
    pub fn remove(&mut self, id: &Id, places: &[Place]) {
        let Some(slot) = self.by_id.remove(id) else { return };
        self.vacate(slot);
        for place in places {
            if let Entry::Occupied(mut members) = self.filed.entry(*place)
                && members.get_mut().remove(slot)
            {
                members.remove();
            }
        }
    }

    /// Where an object is.
    pub fn slot_of(&self, id: &Id) -> Option<Slot> {
        self.by_id.get(id).copied()
    }

    /// What is known of an object.
    pub fn get(&self, id: &Id) -> Option<&T> {
        self.at(self.slot_of(id)?).map(|(_, known)| known)
    }

    /// The object there.
    pub fn at(&self, slot: Slot) -> Option<(&Key, &T)> {
        let object = self.slots.get(usize::try_from(slot).ok()?)?;
        object.as_ref().map(|(key, known)| (key, known))
    }

    /// The objects filed under a place, and under any other of the same number.
    pub fn filed_under(&self, place: Place) -> impl Iterator<Item = Slot> {
        self.filed.get(&place).into_iter().flat_map(Members::iter)
    }

    /// How many those are.
    pub fn count(&self, place: Place) -> usize {
        self.filed.get(&place).map_or(0, Members::len)
    }

    /// Whether there is none, and none has left anything.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty() && self.filed.is_empty() && self.free.len() == self.slots.len()
    }

    fn occupy(&mut self, object: (Key, T)) -> Slot {
        let next = || Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX);
        let slot = self.free.pop().unwrap_or_else(next);
        match usize::try_from(slot).ok().and_then(|at| self.slots.get_mut(at)) {
            Some(vacant) => *vacant = Some(object),
            None => self.slots.push(Some(object)),
        }
        slot
    }

    fn vacate(&mut self, slot: Slot) {
        if let Some(object) = usize::try_from(slot).ok().and_then(|at| self.slots.get_mut(at)) {
            *object = None;
            self.free.push(slot);
        }
    }
}
