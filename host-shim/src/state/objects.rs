//! All objects and the index of them, under the lock: what a new version of one changes.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use hpa_override_core::{Id, ParsedOverride};
use hpa_override_plan::{HpaView, Target};

use super::{
    change::{Change, Source},
    hpa::HpaState,
    override_state::OverrideState,
    update::Update,
};
use crate::{
    index::Index,
    object::{Key, Override},
    queue::Priority,
};

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) index: Index,
    pub(super) hpas: HashMap<Key, HpaState>,
    pub(super) overrides: HashMap<Key, OverrideState>,
    /// How many writes of ours there were.
    pub(super) writes: u64,
}

impl Objects {
    /// Takes a version of an HPA.
    pub(super) fn put_hpa(&mut self, view: HpaView, source: Source) -> Change {
        let view = Arc::new(view);
        let Some((key, known)) = self.hpas.get_key_value(view.id()) else {
            if source == Source::Answer {
                return Change::default();
            }
            let key: Key = Arc::new(view.id().clone());
            self.hpas.insert(key.clone(), HpaState::new(view));
            return self.found_hpa(&key);
        };
        let key = key.clone();
        if !source.counts(view.resource_version(), known.view.resource_version(), known.written) {
            return Change::default();
        }
        let update = known.update_to(&view);
        match update {
            Update::Replaced if source == Source::Answer => Change::default(),
            Update::Replaced => {
                let mut change = self.remove_hpa(&key);
                self.hpas.insert(key.clone(), HpaState::new(view));
                change.add(self.found_hpa(&key));
                change
            }
            Update::Moved | Update::Changed | Update::Same => {
                if let Some(hpa) = self.hpas.get_mut(&key) {
                    hpa.view = view;
                    hpa.revision += u64::from(update != Update::Same);
                }
                match update {
                    Update::Moved => self.found_hpa(&key),
                    Update::Changed => Change::of_hpa(key),
                    Update::Replaced | Update::Same => Change::default(),
                }
            }
        }
    }

    /// An HPA is new, or has other labels.
    fn found_hpa(&mut self, key: &Key) -> Change {
        let Some(view) = self.hpas.get(key).map(|hpa| hpa.view.clone()) else { return Change::default() };
        let concerned = self.index.put_hpa(key, view.labels());
        let targeting: HashSet<Key> = self.index.overrides_of(key).into_iter().collect();
        let is_concerned = !concerned.is_empty() || !view.is_untouched();
        let mut change = if is_concerned { Change::of_hpa(key.clone()) } else { Change::default() };
        for other in concerned {
            let Some(ovr) = self.overrides.get_mut(&other) else { continue };
            if targeting.contains(&other) {
                ovr.awaited.insert(key.clone());
            } else {
                ovr.forget_target(key);
                change.statuses.push(other);
            }
        }
        change
    }

    /// Forgets an HPA.
    pub(super) fn remove_hpa(&mut self, id: &Id) -> Change {
        let Some((key, _)) = self.hpas.remove_entry(id) else { return Change::default() };
        let concerned = self.index.remove_hpa(id);
        let mut change = Change::of_hpa(key.clone());
        for other in concerned {
            if let Some(ovr) = self.overrides.get_mut(&other) {
                ovr.forget_target(&key);
                change.statuses.push(other);
            }
        }
        change
    }

    /// Takes a version of an override.
    pub(super) fn put_override(&mut self, ovr: Override, source: Source) -> Change {
        let Some((key, known)) = self.overrides.get_key_value(&ovr.parsed.id) else {
            if source == Source::Answer {
                return Change::default();
            }
            let key = ovr.key();
            self.overrides.insert(key.clone(), OverrideState::new(ovr));
            return self.found_override(&key);
        };
        let key = key.clone();
        if !source.counts(&ovr.resource_version, &known.resource_version, known.written) {
            return Change::default();
        }
        match known.update_to(&ovr) {
            Update::Replaced if source == Source::Answer => Change::default(),
            Update::Replaced => {
                let mut change = self.remove_override(&key);
                self.overrides.insert(key.clone(), OverrideState::new(ovr));
                change.add(self.found_override(&key));
                change
            }
            update => {
                let Some(known) = self.overrides.get_mut(&key) else { return Change::default() };
                known.resource_version = ovr.resource_version;
                if source == Source::Answer {
                    // A list that has begun may be older.
                    self.writes += 1;
                    known.written = self.writes;
                }
                known.set_status(ovr.status);
                match update {
                    Update::Moved => {
                        known.parsed = Arc::new(ovr.parsed);
                        self.found_override(&key)
                    }
                    Update::Changed => Change { statuses: vec![key], ..Change::default() },
                    Update::Replaced | Update::Same => Change::default(),
                }
            }
        }
    }

    /// An override is new, or says something else.
    fn found_override(&mut self, key: &Key) -> Change {
        let Some(ovr) = self.overrides.get_mut(key) else { return Change::default() };
        let concerned = self.index.put_override(key, Target::of(&ovr.parsed));
        let targets: HashSet<Key> = self.index.targets_of(key).into_iter().collect();
        for hpa in concerned.iter().filter(|hpa| !targets.contains(*hpa)) {
            ovr.forget_target(hpa);
        }
        let (changed, statuses) = (vec![ovr.parsed.clone()], vec![key.clone()]);
        ovr.awaited = targets.into_iter().collect();
        self.touch(&concerned);
        Change { hpas: concerned.into_iter().collect(), statuses, changed, ..Change::default() }
    }

    /// Forgets an override.
    pub(super) fn remove_override(&mut self, id: &Id) -> Change {
        let Some((key, ovr)) = self.overrides.remove_entry(id) else { return Change::default() };
        let concerned = self.index.remove_override(id);
        self.touch(&concerned);
        let hpas = concerned.into_iter().collect();
        Change { hpas, priority: Priority::End, statuses: vec![key], changed: vec![ovr.parsed] }
    }

    /// Forgets what plans and failures have left, but not the objects.
    pub(super) fn begin_anew(&mut self) -> Change {
        for ovr in self.overrides.values_mut() {
            ovr.begin_anew();
        }
        for hpa in self.hpas.values_mut() {
            hpa.begin_anew();
        }
        self.replan()
    }

    /// Everything is to be planned.
    pub(super) fn replan(&mut self) -> Change {
        for (key, ovr) in &mut self.overrides {
            ovr.awaited = self.index.targets_of(key).into_iter().collect();
        }
        for hpa in self.hpas.values_mut() {
            hpa.touch();
        }
        let hpas = self.hpas.keys().cloned().collect();
        Change { hpas, statuses: self.overrides.keys().cloned().collect(), ..Change::default() }
    }

    fn touch(&mut self, hpas: &BTreeSet<Key>) {
        for key in hpas {
            if let Some(hpa) = self.hpas.get_mut(key) {
                hpa.touch();
            }
        }
    }

    /// The overrides that target an HPA.
    pub(super) fn overrides_of(&self, hpa: &Id) -> Vec<Arc<ParsedOverride>> {
        let keys = self.index.overrides_of(hpa);
        keys.iter().filter_map(|key| Some(self.overrides.get(key)?.parsed.clone())).collect()
    }
}

impl OverrideState {
    fn forget_target(&mut self, hpa: &Id) {
        self.awaited.remove(hpa);
        self.summary.remove(&hpa.name);
    }
}
