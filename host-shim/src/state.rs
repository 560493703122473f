//! What the controller knows of the cluster: every HPA and every override, read once, and what the last plans made of them.
//!
//! ```text
//!   events, answers to our writes ──► State ──► Change: the HPAs to plan for, the overrides whose status to plan
//!   plans ──► State (summary of each override) ──► Change
//! ```
//! One lock, held for short sections and never during a request. An event that changes nothing that plans read changes
//! nothing here. It knows no client and decides nothing.

mod census;
mod change;
mod due;
mod hpa;
mod memory;
mod objects;
mod override_state;
mod reported;
pub mod revert_backoff;
mod update;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hpa_override_core::{Bounds, Id, Instant};
use hpa_override_plan::{HpaPlan, HpaView, ScaleReading};
use serde_json::Value;

pub use self::{
    census::Census,
    change::{Change, ListMark, Source},
    due::Dues,
    hpa::{Outcomes, Situation},
    memory::{Memory, StatusSituation},
};
use self::{
    change::merged,
    hpa::{HpaState, overrides_that_end},
    objects::Objects,
    override_state::OverrideState,
};
use crate::{
    clock::Moment,
    object::{Key, Override, is_later},
};

/// What the controller knows.
#[derive(Debug, Default)]
pub struct State(Mutex<Objects>);

impl State {
    /// Notes that a list begins.
    pub fn begin_list(&self) -> ListMark {
        ListMark(self.objects().writes)
    }

    /// Takes a version of an HPA.
    pub fn put_hpa(&self, view: HpaView, source: Source) -> Change {
        self.objects().put_hpa(view, source)
    }

    /// Takes the answer to a write of ours.
    pub fn note_hpa_written(&self, view: HpaView, remember: Option<&str>) -> Change {
        let mut objects = self.objects();
        let (key, uid) = (view.id().clone(), view.uid().to_owned());
        let change = objects.put_hpa(view, Source::Answer);
        objects.writes += 1;
        let writes = objects.writes;
        if let Some(hpa) = objects.hpas.get_mut(&key).filter(|hpa| hpa.view.uid() == uid) {
            hpa.written = writes;
            hpa.remembered = remember.map(Into::into);
        }
        change
    }

    /// Forgets a deleted HPA.
    pub fn remove_hpa(&self, id: &Id) -> Change {
        self.objects().remove_hpa(id)
    }

    /// Forgets the HPAs of that namespace, or of all, that a list of that version lacks.
    pub fn keep_hpas(&self, namespace: Option<&str>, listed: &HashSet<Key>, mark: ListMark, version: &str) -> Change {
        let mut objects = self.objects();
        let is_gone = |(key, hpa): &(&Key, &HpaState)| {
            is_in(namespace, key)
                && !listed.contains(*key)
                && mark.is_gone(hpa.written, hpa.view.resource_version(), version)
        };
        let gone: Vec<_> = objects.hpas.iter().filter(is_gone).map(|(key, _)| key.clone()).collect();
        merged(gone.iter().map(|key| objects.remove_hpa(key)))
    }

    /// Takes a version of an override.
    pub fn put_override(&self, ovr: Override, source: Source) -> Change {
        self.objects().put_override(ovr, source)
    }

    /// Forgets a deleted override.
    pub fn remove_override(&self, id: &Id) -> Change {
        self.objects().remove_override(id)
    }

    /// Forgets the overrides of that namespace, or of all, that a list of that version lacks.
    pub fn keep_overrides(
        &self,
        namespace: Option<&str>,
        listed: &HashSet<Key>,
        mark: ListMark,
        version: &str,
    ) -> Change {
        let mut objects = self.objects();
        let is_gone = |(key, ovr): &(&Key, &OverrideState)| {
            is_in(namespace, key) && !listed.contains(*key) && mark.is_gone(ovr.written, &ovr.resource_version, version)
        };
        let gone: Vec<_> = objects.overrides.iter().filter(is_gone).map(|(key, _)| key.clone()).collect();
        merged(gone.iter().map(|key| objects.remove_override(key)))
    }

    /// Forgets what plans and failures have left, but not the objects: everything is to be planned.
    pub fn begin_anew(&self) -> Change {
        self.objects().begin_anew()
    }

    /// What there is, in numbers, and how long HPAs have waited for an end, and for what else was to be done at an instant.
    pub fn census(&self, now: Moment) -> (Census, [Duration; 2]) {
        let objects = self.objects();
        (objects.census(), census::overdue(objects.longest_due(), now))
    }

    /// Everything is to be planned: what plans are made of beside the objects has changed.
    pub fn replan(&self) -> Change {
        self.objects().replan()
    }

    /// The HPAs on which an override is over at `now`, by its own end.
    pub fn ended_by(&self, now: Instant) -> Vec<Key> {
        let objects = self.objects();
        let ended = objects.hpas.iter().filter(|(_, hpa)| hpa.view.has_ended_by(now));
        ended.map(|(key, _)| key.clone()).collect()
    }

    /// How many HPAs and overrides there are.
    pub fn counts(&self) -> (usize, usize) {
        let objects = self.objects();
        (objects.hpas.len(), objects.overrides.len())
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The plans for HPAs.
impl State {
    /// Everything that a plan for an HPA is made of, unless it is gone, or the last plan was made of the same.
    pub fn gather(&self, key: &Id, now: Moment) -> Gathered {
        let objects = self.objects();
        let Some(hpa) = objects.hpas.get(key) else { return Gathered::Gone };
        if hpa.settled == Some(hpa.revision) {
            return Gathered::AsPlanned;
        }
        if let Some(left) = hpa.pause(now) {
            return Gathered::Paused(left);
        }
        let overrides = objects.overrides_of(key);
        let remembered = hpa.remembered.clone();
        Gathered::Situation(Situation { hpa: hpa.view.clone(), overrides, remembered, revision: hpa.revision })
    }

    /// Notes that an instant has come from which on the last plan does not hold; none: it may be any. Whether an override is
    /// over on that HPA.
    pub fn expire(&self, key: &Id, at: Option<Instant>, now: Instant) -> bool {
        let mut objects = self.objects();
        let Some(hpa) = objects.hpas.get_mut(key) else { return false };
        hpa.touch();
        hpa.expired = hpa.expired.or(at);
        hpa.view.has_ended_by(now)
    }

    /// Keeps a plan: what it says of each override is what their statuses are made of. `is_settled`: there is nothing to do.
    pub fn note_planned(&self, situation: &Situation, plan: &HpaPlan, outcomes: Outcomes, is_settled: bool) -> Change {
        let mut objects = self.objects();
        let mut change = Change::default();
        let key = situation.hpa.id();
        let Some(hpa) = objects.hpas.get_mut(key).filter(|hpa| hpa.view.uid() == situation.hpa.uid()) else {
            return change;
        };
        hpa.settled = is_settled.then_some(situation.revision);
        hpa.waits_for_status = plan.waits_for_status;
        if plan.waits_for_status && !hpa.view.has_status_like(&situation.hpa) {
            // It came while the plan was made.
            hpa.touch();
            change.hpas.push(Arc::new(key.clone()));
        }
        for (parsed, found) in outcomes {
            let Some(ovr) = objects.overrides.get_mut(&parsed.id).filter(|ovr| Arc::ptr_eq(&ovr.parsed, &parsed))
            else {
                continue;
            };
            let was_awaited = ovr.awaited.remove(key);
            let is_news = ovr.summary.set(&situation.hpa, found);
            if ovr.awaited.is_empty() && (is_news || was_awaited) {
                change.statuses.push(Arc::new(parsed.id.clone()));
            }
        }
        change
    }

    /// Works on the memory of an HPA; none where it is gone, or another one has its name.
    pub fn with_hpa<R>(&self, hpa: &HpaView, work: impl FnOnce(&mut Memory<'_>) -> R) -> Option<R> {
        let mut objects = self.objects();
        let state = objects.hpas.get_mut(hpa.id()).filter(|state| state.view.uid() == hpa.uid())?;
        Some(work(&mut Memory(state)))
    }

    /// The overrides that end on these HPAs next, or may: they target them, and are in their record.
    pub fn overrides_that_end(&self, hpas: &[Key]) -> HashSet<Key> {
        let objects = self.objects();
        let mut found = HashSet::new();
        for key in hpas {
            let Some(hpa) = objects.hpas.get(key) else { continue };
            found.extend(overrides_that_end(&hpa.view, &objects.overrides_of(key)));
        }
        found
    }

    /// How many pages of that size all overrides have, and those of these namespaces.
    pub fn pages_of_overrides(&self, namespaces: &HashSet<&str>, size: usize) -> [usize; 2] {
        let objects = self.objects();
        let mut counts = HashMap::<&str, usize>::new();
        for key in objects.overrides.keys().filter(|key| namespaces.contains(key.namespace.as_str())) {
            *counts.entry(key.namespace.as_str()).or_default() += 1;
        }
        [objects.overrides.len().div_ceil(size), counts.values().map(|count| count.div_ceil(size)).sum()]
    }
}

/// What is gathered for an HPA.
#[derive(Debug)]
pub enum Gathered {
    /// It is gone.
    Gone,
    /// The last plan was made of the same, and nothing was left to do.
    AsPlanned,
    /// A write has failed, nothing has changed since, and it is not tried again before that.
    Paused(Duration),
    /// What a plan is made of.
    Situation(Situation),
}

/// The statuses of overrides.
impl State {
    /// Works on what the status of an override is made of.
    pub fn status_of<R>(&self, key: &Id, work: impl FnOnce(StatusSituation<'_>) -> R) -> Option<R> {
        let mut objects = self.objects();
        let ovr = objects.overrides.get_mut(key)?;
        Some(work(StatusSituation(ovr)))
    }

    /// Keeps the answer to a write of a status.
    pub fn note_status_written(&self, stored: Override, sent: &Value, announced: Option<Instant>, moment: Moment) {
        let mut objects = self.objects();
        objects.writes += 1;
        let writes = objects.writes;
        let known = objects.overrides.get_mut(&stored.parsed.id);
        if let Some(ovr) = known.filter(|ovr| ovr.parsed.uid == stored.parsed.uid) {
            ovr.written = writes;
            ovr.failures = 0;
            ovr.pace.note(moment);
            ovr.summary.note_announced(announced);
            // The watch may have delivered it already. A later version of the spec comes by the watch.
            if !is_later(&ovr.resource_version, &stored.resource_version)
                && ovr.parsed.generation == stored.parsed.generation
            {
                ovr.note_sent(stored, sent);
            }
        }
    }

    /// Notes what was read of the scale target of an HPA, for the overrides that wait for it: those whose status has
    /// something else to say.
    pub fn note_reading(&self, hpa: &Id, reading: &ScaleReading, bounds: Bounds, waiting: &[Key]) -> Change {
        let mut objects = self.objects();
        let mut change = Change::default();
        let Some(hpa) = objects.hpas.get(hpa).map(|hpa| hpa.view.clone()) else { return change };
        for key in waiting {
            let Some(ovr) = objects.overrides.get_mut(key) else { continue };
            if ovr.summary.note_reading(&hpa, reading.clone(), bounds) {
                change.statuses.push(key.clone());
            }
        }
        change
    }

    /// The HPA as known.
    pub fn hpa(&self, id: &Id) -> Option<Arc<HpaView>> {
        self.objects().hpas.get(id).map(|hpa| hpa.view.clone())
    }
}

fn is_in(namespace: Option<&str>, key: &Key) -> bool {
    namespace.is_none_or(|namespace| key.namespace == namespace)
}

#[cfg(test)]
mod tests;
