//! What a status reads of a summary: counts and first names, and never every target.

use std::borrow::Cow;

use hpa_override_core::{Instant, Phase, Reason};
use hpa_override_crd::ConditionStatus;

use super::{
    counts::{Counts, Targets},
    kept::Kept,
};
use crate::{eligibility::Eligibility, on_target::OnTarget};

/// A summary, while a status is planned.
pub(crate) struct Overview<'a> {
    pub(super) targets: &'a Targets,
    pub(super) counts: Cow<'a, Counts>,
    pub(super) announced: Option<Instant>,
    pub(super) never_asks: bool,
    pub(super) is_admitted_twice: bool,
}

impl Overview<'_> {
    /// How many targets there are.
    pub(crate) fn len(&self) -> usize {
        self.targets.len()
    }

    /// The target, where there is only one.
    pub(crate) fn only(&self) -> Option<(&str, &OnTarget)> {
        let (name, kept) = self.targets.first_key_value().filter(|_| self.len() == 1)?;
        Some((name, &kept.found))
    }

    /// Whether two admissions answer for its targets.
    pub(crate) fn is_admitted_twice(&self) -> bool {
        self.is_admitted_twice
    }

    /// Whether a target is about to change: a patch for it is to be written, or its plan is to be made again.
    pub(crate) fn is_unsettled(&self, now: Instant) -> bool {
        self.counts.due > 0 || self.counts.planned_until.first().is_some_and(|until| until <= now)
    }

    /// Whether a question is to be answered first: that of the override itself, or about a target.
    pub(crate) fn is_open(&self, is_own_open: bool) -> bool {
        !self.never_asks && (is_own_open || self.counts.open > 0)
    }

    /// The eligibility that stands for all: Active where it is on any target, else the first phase that applies; and the
    /// next change on any target. None where there is no target.
    pub(crate) fn eligibility(&self) -> Option<Eligibility> {
        let (_, _, name) = self.counts.by_phase.first()?;
        let first = self.targets.get(name)?.found.decision.eligibility.as_deref()?;
        Some(Eligibility { next: self.counts.next_changes.first(), ..first.clone() })
    }

    /// On how many it is applied.
    pub(crate) fn applied(&self) -> usize {
        self.counts.applied
    }

    /// On how many its phase is Active.
    pub(crate) fn active(&self) -> usize {
        self.counts.active
    }

    /// On how many its phase is Active and the record holds it.
    pub(crate) fn active_in_record(&self) -> usize {
        self.counts.active_in_record
    }

    /// How many are failing, and what is due and not done, in the order of their names.
    pub(crate) fn failing(&self, is_wanted: bool) -> (usize, impl Iterator<Item = (&str, Reason, &str)>) {
        let names = if is_wanted { &self.counts.failing_if_wanted } else { &self.counts.failing };
        let failing = names.iter().filter_map(move |name| {
            let (reason, message) = self.targets.get(name)?.found.failure(is_wanted)?;
            Some((&**name, reason, message))
        });
        (names.len(), failing)
    }

    /// On how many a limit cuts a bound, and on the first of them which.
    pub(crate) fn cut(&self) -> Option<(usize, &str, &str)> {
        let name = self.counts.cut.first()?;
        let sentence = self.targets.get(name)?.found.decision.cut.as_deref()?;
        Some((self.counts.cut.len(), name, sentence))
    }

    /// The start whose Reached is announced.
    pub(crate) fn announced(&self) -> Option<Instant> {
        self.announced
    }

    /// Whether nothing was read of a target where it is active.
    pub(crate) fn is_any_unread(&self) -> bool {
        self.counts.unread > 0
    }

    /// On how many of those where it is active the replicas are not within the bounds.
    pub(crate) fn not_reached(&self) -> usize {
        self.counts.not_reached.len() + self.counts.not_applied.len()
    }

    /// Of those where it is active the one to report: by its state, then by its name. A target without the effective bounds
    /// counts as one that cannot be read.
    pub(crate) fn least_reached(&self) -> Option<(&str, &Kept)> {
        let Counts { not_reached, not_applied, by_phase, .. } = &*self.counts;
        let first_active = by_phase.first().filter(|(_, phase, _)| *phase == Phase::Active).map(|(_, _, name)| name);
        let name = match (not_reached.first(), not_applied.first()) {
            (Some((state, unreadable)), Some(name)) if state.status() == ConditionStatus::Unknown => {
                unreadable.min(name)
            }
            (Some((_, name)), _) | (None, Some(name)) => name,
            (None, None) => first_active?,
        };
        self.targets.get(name).map(|kept| (&**name, &**kept))
    }

    /// When the last of the records that hold it was written, where it is active; none where a record does not hold it.
    pub(crate) fn latest_active_record(&self) -> Option<Instant> {
        self.counts.active_records.last().filter(|_| self.counts.active_in_record == self.counts.active)
    }
}
