//! Reached: whether the workloads run as many replicas as the effective bounds ask for. People wait for that: the status of
//! an HPA says what it asks for, not what runs.
//!
//! ```text
//!   effective bounds, of the record ──┐
//!   reading of the scale target ──────┼──► state of each target ──► True, False or Unknown; what is to be read again
//!   conditions of the HPA ────────────┘
//! ```
//! A target that was within its bounds once counts as within them until those bounds change, and is not read any more. That
//! is remembered in the targets. After a restart it follows from the old status: where Reached was True, and the record of
//! the target has not changed since (its `asOf` is not later), its bounds are those that were reached.

mod message;
pub(crate) mod pacing;
pub(crate) mod reading;
pub(crate) mod state;

use hpa_override_core::{Instant, Reason};
use hpa_override_crd::ConditionStatus;

use crate::{conditions::KnownCondition, target_summary::Overview};

/// The condition.
pub(crate) struct Reached {
    pub(crate) status: ConditionStatus,
    pub(crate) reason: Reason,
    pub(crate) message: String,
    /// Whether the message says what was read: the same reason in other words is no news.
    is_as_read: bool,
}

impl Reached {
    /// Whether the old condition says the same: in the same words, or in words that were true when they were written.
    pub(crate) fn is_reported_by(&self, old: &KnownCondition<'_>) -> bool {
        let is_as_read = self.is_as_read && old.message != message::UNREAD;
        old.holds(self.status) && old.is_because_of(self.reason) && (is_as_read || old.message == self.message)
    }
}

/// Decides the condition over the targets on which the override is active; where it is active on none, nothing is to be
/// reached. `old` is the condition as it was, `None` where there is none.
pub(crate) fn reached(targets: &Overview<'_>, old: Option<&KnownCondition<'_>>, now: Instant) -> Reached {
    if targets.is_any_unread() {
        return unread(targets, old);
    }
    let Some((name, first)) = targets.least_reached() else {
        let (status, message) = (ConditionStatus::Unknown, message::NOT_ACTIVE.into());
        return Reached { status, reason: Reason::NotActive, message, is_as_read: false };
    };
    let (state, all, others) = (first.state(), targets.active(), targets.not_reached());
    let message = |first: &str| match (all, others) {
        (1, _) => first.into(),
        (all, 0) => message::within_on_all(all),
        (all, others) => format!("not reached on {others} of {all} targets; {name}: {first}"),
    };
    let message = message(&first.message(name, now));
    let (status, reason) = (state.status(), state.reason());
    let is_as_read = status == ConditionStatus::False || status == ConditionStatus::Unknown && all > 1;
    Reached { status, reason, message, is_as_read }
}

/// Until every target has been read once it is not known, so that there is one answer, and not one for each target. But
/// where no record has changed since it was False, it is so still: a restart alone is no news.
fn unread(targets: &Overview<'_>, old: Option<&KnownCondition<'_>>) -> Reached {
    let is_unchanged = |old: &&KnownCondition<'_>| {
        old.holds(ConditionStatus::False) && targets.latest_active_record().is_some_and(|latest| old.is_since(latest))
    };
    let kept = old.filter(is_unchanged).and_then(|old| Some((old.known_reason()?, old.message)));
    let (status, reason, message) = match kept {
        Some((reason, message)) => (ConditionStatus::False, reason, message),
        None => (ConditionStatus::Unknown, Reason::TargetUnreadable, message::UNREAD),
    };
    Reached { status, reason, message: message.into(), is_as_read: false }
}

#[cfg(test)]
mod tests;
