//! Counts and short lists over the targets of an override, kept up as each of them comes, changes and goes: what a status
//! reads is found without looking at every target.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hpa_override_core::{Instant, Phase};

use super::{instants::Instants, kept::Kept};
use crate::reached::state::State;

/// The name of the HPA of a target.
pub(super) type Name = Arc<str>;
/// The targets, by their names.
pub(super) type Targets = BTreeMap<Name, Box<Kept>>;

/// Names are in their order: a status names the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Each planned target by its phase there, Active first.
    pub(super) by_phase: BTreeSet<(bool, Phase, Name)>,
    /// Targets on which something is due and not done, where the override is to be active.
    pub(super) failing_if_wanted: BTreeSet<Name>,
    /// The same where it is not to be active.
    pub(super) failing: BTreeSet<Name>,
    /// Targets where it is active and a limit cuts a bound.
    pub(super) cut: BTreeSet<Name>,
    /// Targets where it is active that are not within their bounds, but for those without the effective bounds.
    pub(super) not_reached: BTreeSet<(State, Name)>,
    /// Targets where it is active that lack the effective bounds.
    pub(super) not_applied: BTreeSet<Name>,
    /// Targets about which the old status is still to be asked.
    pub(super) to_recall: BTreeSet<Name>,
    /// When it changes by itself.
    pub(super) next_changes: Instants,
    /// When the plans are to be made again, but for those that could not be written.
    pub(super) planned_until: Instants,
    /// `asOf` of the records that hold it, where it is active.
    pub(super) active_records: Instants,
    /// How many are there where it is active.
    pub(super) active: usize,
    /// How many of them have a record that holds it.
    pub(super) active_in_record: usize,
    /// How many have a record that holds it, and its bounds.
    pub(super) applied: usize,
    /// How many are to be written.
    pub(super) due: usize,
    /// How many wait for an answer.
    pub(super) open: usize,
    /// How many of which nothing was read.
    pub(super) unread: usize,
}

impl Counts {
    /// Over all targets.
    pub(super) fn of(targets: &Targets) -> Self {
        let mut counts = Self::default();
        for (name, kept) in targets {
            counts.add(name, kept);
        }
        counts
    }

    pub(super) fn add(&mut self, name: &Name, kept: &Kept) {
        self.change(name, kept, Change::Add);
    }

    /// Takes back what [`Self::add`] did, for a target that is as it was then.
    pub(super) fn remove(&mut self, name: &Name, kept: &Kept) {
        self.change(name, kept, Change::Remove);
    }

    fn change(&mut self, name: &Name, kept: &Kept, change: Change) {
        let (found, state) = (&kept.found, kept.active_state());
        let named = |holds: bool| holds.then(|| name.clone());
        let by_phase = found.phase().map(|phase| (phase != Phase::Active, phase, name.clone()));
        change.item(&mut self.by_phase, by_phase);
        change.item(&mut self.failing_if_wanted, named(found.failure(true).is_some()));
        change.item(&mut self.failing, named(found.failure(false).is_some()));
        change.item(&mut self.cut, named(found.decision.cut.is_some()));
        change.item(&mut self.not_reached, state.filter(|state| state.is_to_read()).map(|state| (state, name.clone())));
        change.item(&mut self.not_applied, named(state == Some(State::NotApplied)));
        change.item(&mut self.to_recall, named(kept.is_to_recall()));
        change.instant(&mut self.next_changes, found.decision.eligibility.as_ref().and_then(|found| found.next));
        change.instant(&mut self.planned_until, found.decision.planned_until.filter(|_| !found.has_problem()));
        change.instant(&mut self.active_records, found.active_record().map(|record| record.as_of));
        change.number(&mut self.active, found.is_active());
        change.number(&mut self.active_in_record, found.active_record().is_some());
        change.number(&mut self.applied, found.is_applied());
        change.number(&mut self.due, found.decision.is_due);
        change.number(&mut self.open, found.is_open());
        change.number(&mut self.unread, state == Some(State::Unread));
    }
}

/// A target comes or goes.
#[derive(Clone, Copy)]
enum Change {
    Add,
    Remove,
}

impl Change {
    fn item<T: Ord>(self, set: &mut BTreeSet<T>, item: Option<T>) {
        match (self, item) {
            (_, None) => {}
            (Self::Add, Some(item)) => drop(set.replace(item)),
            (Self::Remove, Some(item)) => drop(set.take(&item)),
        }
    }

    fn instant(self, instants: &mut Instants, at: Option<Instant>) {
        match (self, at) {
            (_, None) => {}
            (Self::Add, Some(at)) => instants.add(at),
            (Self::Remove, Some(at)) => instants.remove(at),
        }
    }

    fn number(self, number: &mut usize, holds: bool) {
        match self {
            _ if !holds => {}
            Self::Add => *number = number.saturating_add(1),
            Self::Remove => *number = number.saturating_sub(1),
        }
    }
}
