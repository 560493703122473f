//! Reached: whether the workloads run as many replicas as the effective bounds ask for. People wait for that: the status of
//! an HPA says what it asks for, not what runs.
//!
//! ```text
//!   effective bounds, of the record ──┐
//!   reading of the scale target ──────┼──► state of each target ──► True, False or Unknown; what is to be read again
//!   conditions of the HPA ────────────┘
//! ```
//! A target that was within its bounds once counts as within them until those bounds change, and is not read any more. That
//! is remembered by the caller, in [`ReachedSoFar`]. After a restart it follows from the old status: where Reached was True,
//! and the record of the target has not changed since (its `asOf` is not later), its bounds are those that were reached.

mod message;
pub(crate) mod pacing;
pub(crate) mod reading;

use std::collections::BTreeMap;

use hpa_override_core::{Bounds, Instant, Reason, Record, hpa::raw::name_of};
use hpa_override_crd::ConditionStatus;
use serde_json::Value;

use self::reading::{Comparison, ScaleReading};
use crate::conditions::KnownCondition;

/// What the caller remembers of an override between two plans of its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReachedSoFar {
    /// Each target that has been within its bounds, by the name of the HPA, and those bounds.
    pub(crate) within: BTreeMap<String, Bounds>,
    /// The start whose event has been published.
    pub(crate) announced: Option<Instant>,
}

/// What is to be remembered, and to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReachedPlan {
    /// To be remembered once the status is written.
    pub so_far: ReachedSoFar,
    /// The targets whose replicas are to be read, by the name of the HPA, and the bounds that they are to be within. What
    /// is not listed need not be read any more.
    pub read: BTreeMap<String, Bounds>,
}

/// A target on which the phase of the override is Active.
pub(crate) struct ActiveTarget<'a> {
    /// The HPA.
    pub(crate) hpa: &'a Value,
    /// Its record, where the override is in it.
    pub(crate) record: Option<Record>,
    /// Whether the bounds on the HPA are the effective ones.
    pub(crate) is_live: bool,
    /// What was read.
    pub(crate) reading: Option<&'a ScaleReading>,
    /// The bounds that it was read for; none: the effective ones.
    pub(crate) read_for: Option<Bounds>,
}

/// The condition, and what follows from it.
pub(crate) struct Reached {
    pub(crate) status: ConditionStatus,
    pub(crate) reason: Reason,
    pub(crate) message: String,
    /// Whether the message says what was read: the same reason in other words is no news.
    pub(crate) is_as_read: bool,
    pub(crate) plan: ReachedPlan,
}

impl Reached {
    /// Whether the old condition says the same: in the same words, or in words that were true when they were written.
    pub(crate) fn is_reported_by(&self, old: &KnownCondition<'_>) -> bool {
        let is_as_read = self.is_as_read && old.message != message::UNREAD;
        old.holds(self.status) && old.is_because_of(self.reason) && (is_as_read || old.message == self.message)
    }
}

/// The state of one target.
struct State {
    status: ConditionStatus,
    reason: Reason,
    message: String,
    /// The bounds within which it has been.
    within: Option<Bounds>,
    /// The bounds that it is to be read for.
    read: Option<Bounds>,
    /// Whether nothing was read since its record was written.
    is_unread: bool,
}

/// Decides the condition over the targets on which the override is active. `old` is the condition as it was, `None` where
/// there is none.
pub(crate) fn reached(
    targets: &[ActiveTarget<'_>],
    so_far: Option<&ReachedSoFar>,
    old: Option<&KnownCondition<'_>>,
    now: Instant,
) -> Reached {
    let states: Vec<(String, State)> = targets.iter().map(|target| state(target, so_far, old, now)).collect();
    let plan = ReachedPlan {
        so_far: ReachedSoFar {
            within: states.iter().filter_map(|(hpa, state)| Some((hpa.clone(), state.within?))).collect(),
            announced: so_far.and_then(|so_far| so_far.announced),
        },
        read: states.iter().filter_map(|(hpa, state)| Some((hpa.clone(), state.read?))).collect(),
    };
    if states.iter().any(|(_, state)| state.is_unread) {
        return unread(targets, old, plan);
    }
    let (holds, reason, message) = combined(&states);
    let is_as_read = holds == ConditionStatus::False || holds == ConditionStatus::Unknown && states.len() > 1;
    Reached { status: holds, reason, message, is_as_read, plan }
}

/// Until every target has been read once it is not known, so that there is one answer, and not one for each target. But
/// where no record has changed since it was False, it is so still: a restart alone is no news.
fn unread(targets: &[ActiveTarget<'_>], old: Option<&KnownCondition<'_>>, plan: ReachedPlan) -> Reached {
    let kept = old.filter(|old| is_unchanged(targets, old)).and_then(|old| Some((old.known_reason()?, old.message)));
    let (status, reason, message) = match kept {
        Some((reason, message)) => (ConditionStatus::False, reason, message),
        None => (ConditionStatus::Unknown, Reason::TargetUnreadable, message::UNREAD),
    };
    Reached { status, reason, message: message.into(), is_as_read: false, plan }
}

/// Whether the condition was False, and no record has changed since.
fn is_unchanged(targets: &[ActiveTarget<'_>], old: &KnownCondition<'_>) -> bool {
    let is_not_later = |record: &Record| old.is_since(record.as_of);
    old.holds(ConditionStatus::False) && targets.iter().all(|target| target.record.as_ref().is_some_and(is_not_later))
}

fn state(
    target: &ActiveTarget<'_>,
    so_far: Option<&ReachedSoFar>,
    old: Option<&KnownCondition<'_>>,
    now: Instant,
) -> (String, State) {
    let name = name_of(target.hpa).1.to_owned();
    let Some(record) = target.record.as_ref().filter(|_| target.is_live) else {
        return (name.clone(), State::unknown(Reason::NotActive, message::not_applied(&name)));
    };
    let bounds = record.effective;
    let was_within = match so_far.and_then(|so_far| so_far.within.get(&name)) {
        Some(known) => *known == bounds,
        None => old.is_some_and(|old| old.holds(ConditionStatus::True) && old.is_since(record.as_of)),
    };
    let state = if was_within {
        State::within(bounds, message::within(target.hpa, bounds))
    } else {
        read_state(target, bounds, now)
    };
    (name, state)
}

/// By what was read, where it has not been within its bounds yet.
fn read_state(target: &ActiveTarget<'_>, bounds: Bounds, now: Instant) -> State {
    let is_for_them = target.read_for.is_none_or(|read_for| read_for == bounds);
    let Some(reading) = target.reading.filter(|_| is_for_them) else {
        let state = State::unknown(Reason::TargetUnreadable, message::UNREAD.into());
        return State { is_unread: true, read: Some(bounds), ..state };
    };
    let state = match reading.compared(bounds) {
        Comparison::Within => return State::within(bounds, message::within(target.hpa, bounds)),
        Comparison::Unreadable => State::unknown(Reason::TargetUnreadable, message::unreadable(target.hpa, reading)),
        Comparison::Missing(count) if message::is_disabled(target.hpa) => {
            State::not_reached(Reason::ScalingDisabled, message::disabled(target.hpa, count, now))
        }
        Comparison::Missing(count) => {
            State::not_reached(Reason::ReplicasMissing, message::missing(target.hpa, reading, bounds, count, now))
        }
        Comparison::Above(count) => {
            State::not_reached(Reason::ReplicasAbove, message::above(target.hpa, bounds, count, now))
        }
    };
    State { read: Some(bounds), ..state }
}

impl State {
    fn within(bounds: Bounds, message: String) -> Self {
        let (status, reason) = (ConditionStatus::True, Reason::ReplicasReached);
        Self { status, reason, message, within: Some(bounds), read: None, is_unread: false }
    }

    fn not_reached(reason: Reason, message: String) -> Self {
        Self { status: ConditionStatus::False, reason, message, within: None, read: None, is_unread: false }
    }

    fn unknown(reason: Reason, message: String) -> Self {
        Self { status: ConditionStatus::Unknown, ..Self::not_reached(reason, message) }
    }

    /// Which of several is reported: False before Unknown before True, and first what a person has to act on.
    fn rank(&self) -> u8 {
        match (self.status, self.reason) {
            (ConditionStatus::False, Reason::ScalingDisabled) => 0,
            (ConditionStatus::False, Reason::ReplicasMissing) => 1,
            (ConditionStatus::False, _) => 2,
            (ConditionStatus::Unknown, _) => 3,
            (ConditionStatus::True, _) => 4,
        }
    }
}

/// One condition over all targets; where it is active on none, nothing is to be reached.
fn combined(states: &[(String, State)]) -> (ConditionStatus, Reason, String) {
    // The first of equals, and the targets are in the order of their names.
    let Some((hpa, first)) = states.iter().min_by_key(|(_, state)| state.rank()) else {
        return (ConditionStatus::Unknown, Reason::NotActive, message::NOT_ACTIVE.into());
    };
    let others = states.iter().filter(|(_, state)| state.status != ConditionStatus::True).count();
    let message = match (states.len(), others) {
        (1, _) => first.message.clone(),
        (all, 0) => message::within_on_all(all),
        (all, others) => format!("not reached on {others} of {all} targets; {hpa}: {}", first.message),
    };
    (first.status, first.reason, message)
}

#[cfg(test)]
mod tests;
