//! A set that mostly has one member: half of all labels are of one HPA alone.

use std::collections::BTreeSet;

/// Where a [`Objects`](super::objects::Objects) keeps an object.
pub type Slot = u32;

/// At least one slot.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "the many sets of one would be twice the size")]
pub enum Members {
    /// This one alone.
    One(Slot),
    /// More than one.
    Many(Box<BTreeSet<Slot>>),
}

impl Members {
    /// Adds a slot, unless it is there.
    pub fn insert(&mut self, slot: Slot) {
        match self {
            Self::One(only) if *only == slot => {}
            Self::One(only) => *self = Self::Many(Box::new(BTreeSet::from([*only, slot]))),
            Self::Many(slots) => {
                slots.insert(slot);
            }
        }
    }

    /// Removes a slot; whether none is left, and the set is to be dropped.
    pub fn remove(&mut self, slot: Slot) -> bool {
        match self {
            Self::One(only) => *only == slot,
            Self::Many(slots) => {
                slots.remove(&slot);
                if let (1, Some(only)) = (slots.len(), slots.first()) {
                    *self = Self::One(*only);
                }
                false
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(slots) => slots.len(),
        }
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        let (one, many) = match self {
            Self::One(only) => (Some(*only), None),
            Self::Many(slots) => (None, Some(slots.iter().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}
