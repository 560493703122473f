//! What the plan for an HPA says of one override: all that the override's status needs of that target.
//!
//! Kept for every pair of an override and its target, so it is small: sentences that many targets have in common are shared,
//! and those that follow from numbers are made when a status is planned.

use std::sync::Arc;

use hpa_override_core::{Bounds, Instant, ParsedOverride, Phase, Reason, Record};

use crate::{
    cut_bounds::cut_bounds,
    eligibility::Eligibility,
    hpa_view::{HpaView, Scaling},
    plan_hpa::HpaPlan,
};

/// Why a write to a target did not do what was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In a word.
    pub reason: Reason,
    /// In a sentence.
    pub message: String,
}

/// What is to be said of an override on one of its targets, for a [`TargetSummary`](crate::TargetSummary).
#[derive(Clone, Debug, PartialEq)]
pub struct OnTarget {
    pub(crate) decision: Decision,
    /// What the HPA says of what it scales.
    pub(crate) scaling: Scaling,
}

/// What does not depend on how many replicas run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Decision {
    /// Whether the override is active, and why not; none where it was not planned.
    pub(crate) eligibility: Option<Arc<Eligibility>>,
    /// What kept the plan from being written.
    pub(crate) problem: Option<Arc<Problem>>,
    /// What the limits cut, where the override is active.
    pub(crate) cut: Option<Arc<str>>,
    /// What is read of the record on the HPA.
    pub(crate) record: Option<RecordFacts>,
    /// Whether the override is in that record.
    pub(crate) has_layer: bool,
    /// Whether the bounds on the HPA are those of the record.
    pub(crate) is_live: bool,
    /// Whether the plan has a patch to write, and nothing kept it from being written.
    pub(crate) is_due: bool,
    /// The instant from which on the plan says nothing any more: it is to be made again.
    pub(crate) planned_until: Option<Instant>,
}

/// What is read of the record of an HPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordFacts {
    pub(crate) desired: Bounds,
    pub(crate) effective: Bounds,
    pub(crate) as_of: Instant,
}

impl RecordFacts {
    pub(crate) fn of(record: &Record) -> Self {
        let Record { desired, effective, as_of, .. } = *record;
        Self { desired, effective, as_of }
    }
}

impl OnTarget {
    /// What `plan`, the plan for `hpa`, says of `ovr`. `problem` is what kept this plan, or the one before it, from being
    /// written.
    ///
    /// # What the caller does
    /// Makes it of every plan that is not followed by a write of its patch at once, and gives it to the summary of `ovr`. A
    /// plan whose patch is still to be written holds the status back until another follows.
    #[must_use]
    pub fn new(ovr: &ParsedOverride, hpa: &HpaView, plan: &HpaPlan, problem: Option<&Problem>) -> Self {
        let record = hpa.readable_record();
        let is_of = |record: &Record| record.layers.iter().any(|layer| layer.is_of(&ovr.id, &ovr.uid));
        let eligibility = plan.eligibility.get(&ovr.id);
        let is_active = eligibility.is_some_and(|found| found.phase == Phase::Active);
        let decision = Decision {
            eligibility: eligibility.cloned().map(Arc::new),
            problem: problem.cloned().map(Arc::new),
            cut: if is_active { cut(hpa, plan) } else { None },
            record: record.map(RecordFacts::of),
            has_layer: record.is_some_and(is_of),
            is_live: record.is_some_and(|record| hpa.bounds() == Some(record.effective)),
            is_due: plan.patch.is_some() && problem.is_none(),
            planned_until: plan.next_transition,
        };
        Self { decision, scaling: hpa.scaling().clone() }
    }

    /// Its phase there; none where it was not planned.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.decision.eligibility.as_ref().map(|found| found.phase)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.phase() == Some(Phase::Active)
    }

    /// Whether the record holds it, and the bounds are those of the record.
    pub(crate) fn is_applied(&self) -> bool {
        self.decision.has_layer && self.decision.is_live
    }

    /// Whether it has to be known first whether the requester may patch the target.
    pub(crate) fn is_open(&self) -> bool {
        self.decision.eligibility.as_ref().is_some_and(|found| found.question.is_some())
    }

    /// Whether what it says is about to change, by a write or by an answer.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.decision.is_due || self.is_open()
    }

    pub(crate) fn has_problem(&self) -> bool {
        self.decision.problem.is_some()
    }

    /// The record, where it is active and the record holds it.
    pub(crate) fn active_record(&self) -> Option<RecordFacts> {
        self.decision.record.filter(|_| self.is_active() && self.decision.has_layer)
    }

    /// The bounds within which the replicas are to be: the effective ones, where it is active and they are on the HPA.
    pub(crate) fn bounds_to_reach(&self) -> Option<Bounds> {
        self.active_record().filter(|_| self.decision.is_live).map(|record| record.effective)
    }

    /// What is due there and not done. `is_wanted` is whether the override as a whole is to be active.
    pub(crate) fn failure(&self, is_wanted: bool) -> Option<(Reason, &str)> {
        let Decision { eligibility, problem, has_layer, .. } = &self.decision;
        match (problem.as_deref(), eligibility.as_deref()) {
            // It is in the record, so that removing it is due, or keeping it.
            (Some(Problem { reason, message }), _) if is_wanted || *has_layer => Some((*reason, message)),
            (_, Some(Eligibility { refused_edit: Some((reason, message)), .. })) => Some((*reason, message)),
            (_, Some(found)) if is_wanted && is_blocked_or_waits(found) => Some((found.reason, &found.message)),
            _ => None,
        }
    }
}

fn is_blocked_or_waits(found: &Eligibility) -> bool {
    found.phase == Phase::Blocked || found.reason == Reason::NoHpaStatus
}

/// What the limits cut in the record that is to be there: the planned one, else the one that is found.
fn cut(hpa: &HpaView, plan: &HpaPlan) -> Option<Arc<str>> {
    let planned = plan.remember.as_deref().filter(|_| plan.patch.is_some()).map(Record::parse);
    let record = planned.as_ref().and_then(|parsed| parsed.as_ref().ok()).or(hpa.readable_record())?;
    cut_bounds(record).map(Into::into)
}

#[cfg(test)]
mod tests;
