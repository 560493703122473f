//! What was last read, and when it began: how old what the state has of an override is at most.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hpa_override_core::Id;
use tokio::sync::Mutex;

use crate::{clock::Moment, error::Failure, object::Key};

/// When what was last read.
#[derive(Debug, Default)]
pub(super) struct Reads {
    all: Option<Moment>,
    namespaces: HashMap<String, Moment>,
    ones: HashMap<Key, One>,
    swept: Option<Moment>,
}

/// Reads of one override.
#[derive(Debug, Default)]
struct One {
    read: Option<Moment>,
    /// When the last attempt failed, and why.
    failed: Option<(Moment, Arc<Failure>)>,
    /// Held by who reads it.
    turn: Arc<Mutex<()>>,
}

impl Reads {
    /// All overrides that are served were read, from `began` on.
    pub(super) fn note_all(&mut self, began: Moment) {
        self.all = Some(began);
    }

    /// Those of a namespace were.
    pub(super) fn note_namespace(&mut self, namespace: &str, began: Moment) {
        self.namespaces.insert(namespace.into(), began);
    }

    /// One was.
    pub(super) fn note_one(&mut self, ovr: &Key, began: Moment) {
        self.ones.entry(ovr.clone()).or_default().read = Some(began);
    }

    /// A read of one has failed.
    pub(super) fn note_failed(&mut self, ovr: &Key, now: Moment, failure: Arc<Failure>) {
        self.ones.entry(ovr.clone()).or_default().failed = Some((now, failure));
    }

    /// Whether the override was read within `age`.
    pub(super) fn cover(&self, ovr: &Id, age: Duration, now: Moment) -> bool {
        let one = self.ones.get(ovr).and_then(|one| one.read);
        let reads = [self.all, self.namespaces.get(&ovr.namespace).copied(), one];
        reads.into_iter().flatten().any(|began| now.age_of(began) < age)
    }

    /// Why the last read of it failed, where that was after `since`.
    pub(super) fn failed_since(&self, ovr: &Id, since: Moment) -> Option<Arc<Failure>> {
        let (at, failure) = self.ones.get(ovr)?.failed.as_ref()?;
        (at.steady() >= since.steady()).then(|| failure.clone())
    }

    /// The turn to read one. What is older than `age`, and that nobody waits for, is forgotten, once a second.
    pub(super) fn turn(&mut self, ovr: &Key, age: Duration, now: Moment) -> Arc<Mutex<()>> {
        if self.swept.is_none_or(|swept| now.since(swept) >= Duration::from_secs(1)) {
            self.swept = Some(now);
            self.namespaces.retain(|_, began| now.age_of(*began) < age);
            let is_new = |one: &One| one.read.is_some_and(|began| now.age_of(began) < age);
            self.ones.retain(|_, one| is_new(one) || Arc::strong_count(&one.turn) > 1);
        }
        self.ones.entry(ovr.clone()).or_default().turn.clone()
    }
}
