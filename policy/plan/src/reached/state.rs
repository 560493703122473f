//! The state of one target in respect of Reached: by the bounds that it is to reach and by what was read.

use hpa_override_core::{Bounds, Instant, Reason};
use hpa_override_crd::ConditionStatus;

use super::{
    message,
    reading::{Comparison, ScaleReading},
};
use crate::on_target::OnTarget;

/// Ordered by which of several is reported: False before Unknown, and first what a person has to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Replicas are missing, since the workload is scaled to 0.
    Disabled,
    /// Replicas are missing.
    Missing,
    /// There are too many.
    Above,
    /// The scale target cannot be read.
    Unreadable,
    /// The effective bounds are not on the HPA.
    NotApplied,
    /// Nothing was read for the effective bounds.
    Unread,
    /// It is, or was, within the effective bounds.
    Within,
}

/// What was read of a scale target, and for which bounds: for others it does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) read: ScaleReading,
    pub(crate) read_for: Bounds,
}

impl State {
    /// The state of a target; none where the override is not active there. `within` are the bounds within which it was.
    pub(crate) fn of(found: &OnTarget, within: Option<Bounds>, reading: Option<&Reading>) -> Option<Self> {
        if !found.is_active() {
            return None;
        }
        let Some(bounds) = found.bounds_to_reach() else { return Some(Self::NotApplied) };
        if within == Some(bounds) {
            return Some(Self::Within);
        }
        let reading = reading.filter(|reading| reading.read_for == bounds);
        Some(match reading.map(|reading| reading.read.compared(bounds)) {
            None => Self::Unread,
            Some(Comparison::Within) => Self::Within,
            Some(Comparison::Unreadable) => Self::Unreadable,
            Some(Comparison::Missing(_)) if found.scaling.status.is_disabled() => Self::Disabled,
            Some(Comparison::Missing(_)) => Self::Missing,
            Some(Comparison::Above(_)) => Self::Above,
        })
    }

    /// Whether the scale target is to be read.
    pub(crate) fn is_to_read(self) -> bool {
        !matches!(self, Self::Within | Self::NotApplied)
    }

    /// What the condition is, where this state decides it.
    pub(crate) fn status(self) -> ConditionStatus {
        match self {
            Self::Disabled | Self::Missing | Self::Above => ConditionStatus::False,
            Self::Unreadable | Self::NotApplied | Self::Unread => ConditionStatus::Unknown,
            Self::Within => ConditionStatus::True,
        }
    }

    /// The reason for it.
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Disabled => Reason::ScalingDisabled,
            Self::Missing => Reason::ReplicasMissing,
            Self::Above => Reason::ReplicasAbove,
            Self::Unreadable | Self::Unread => Reason::TargetUnreadable,
            Self::NotApplied => Reason::NotActive,
            Self::Within => Reason::ReplicasReached,
        }
    }

    /// The sentence about a target in this state, as of `now`.
    pub(crate) fn message(self, name: &str, found: &OnTarget, reading: Option<&Reading>, now: Instant) -> String {
        let scaling = &found.scaling;
        let Some(bounds) = found.bounds_to_reach() else { return message::not_applied(name) };
        if self == Self::Within {
            return message::within(scaling, bounds);
        }
        let Some(Reading { read, .. }) = reading else { return message::UNREAD.into() };
        match read.compared(bounds) {
            Comparison::Within => message::within(scaling, bounds),
            Comparison::Unreadable => message::unreadable(scaling, read),
            Comparison::Missing(count) if self == Self::Disabled => message::disabled(scaling, count, now),
            Comparison::Missing(count) => message::missing(scaling, read, bounds, count, now),
            Comparison::Above(count) => message::above(scaling, bounds, count, now),
        }
    }
}
