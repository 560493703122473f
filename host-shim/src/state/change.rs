//! Where a version of an object comes from, and what has to be looked at after a change.

use std::sync::Arc;

use hpa_override_core::ParsedOverride;

use crate::{
    object::{Key, is_later},
    queue::Priority,
};

/// Where a version of an object comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A watch: counts where it is later than what is known.
    Event,
    /// An answer to a read or a write of ours: counts where it is a later version of an object that is known. Of any other it
    /// may be the past: the watch delivers what there is.
    Answer,
    /// A list: it counts, but for what we have written since it began.
    List(ListMark),
}

/// When a list began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListMark(pub(super) u64);

impl ListMark {
    /// Whether an object that the list lacks is gone: it was not written since the list began, or it was and the list, which
    /// is later, lacks it all the same.
    pub(super) fn is_gone(self, written: u64, known: &str, listed: &str) -> bool {
        written <= self.0 || !is_later(known, listed)
    }
}

/// What has to be looked at after a change.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// HPAs to plan for.
    pub hpas: Vec<Key>,
    /// How urgent that is.
    pub priority: Priority,
    /// Overrides whose status is to be planned.
    pub statuses: Vec<Key>,
    /// Overrides that changed or are gone: what was answered about their requesters may be about another right.
    pub changed: Vec<Arc<ParsedOverride>>,
}

impl Default for Change {
    fn default() -> Self {
        Self { hpas: Vec::new(), priority: Priority::Begin, statuses: Vec::new(), changed: Vec::new() }
    }
}

impl Source {
    /// Whether a version counts, where another is known, and our last write to the object had that number.
    pub(super) fn counts(self, version: &str, known: &str, written: u64) -> bool {
        match self {
            Self::List(mark) if written <= mark.0 => version != known,
            Self::List(_) | Self::Event | Self::Answer => is_later(version, known),
        }
    }
}

impl Change {
    /// An HPA alone.
    pub(super) fn of_hpa(key: Key) -> Self {
        Self { hpas: vec![key], ..Self::default() }
    }

    /// Both.
    pub(super) fn add(&mut self, other: Self) {
        let Self { hpas, priority, statuses, changed } = other;
        self.hpas.extend(hpas);
        self.priority = self.priority.min(priority);
        self.statuses.extend(statuses);
        self.changed.extend(changed);
    }
}

/// All of them as one.
pub(super) fn merged(changes: impl Iterator<Item = Change>) -> Change {
    changes.fold(Change::default(), |mut all, change| {
        all.add(change);
        all
    })
}
