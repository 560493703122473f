//! The words of a status that this version writes: phases, reasons, types and states of conditions. Another version may
//! write others.

use serde::{Deserialize, Serialize};

/// The state of an override as one word; derived, for people. The first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// The spec is wrong; the message says why.
    Invalid,
    /// A limit, a missing right or the target's state prevents an override that would be active now.
    Blocked,
    /// It is no longer active, and the bounds return gradually.
    Returning,
    /// It has ended.
    Expired,
    /// It is inactive for as long as `suspend` is true.
    Suspended,
    /// It has not started, or not again.
    Pending,
    /// It is active, but overrides of higher precedence leave it without effect.
    Superseded,
    /// It is active.
    Active,
}

impl Phase {
    /// All phases; of several that apply on one target the first counts.
    pub const ALL: [Self; 8] = [
        Self::Invalid,
        Self::Blocked,
        Self::Returning,
        Self::Expired,
        Self::Suspended,
        Self::Pending,
        Self::Superseded,
        Self::Active,
    ];

    /// The phase as written in the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::Blocked => "Blocked",
            Self::Returning => "Returning",
            Self::Expired => "Expired",
            Self::Suspended => "Suspended",
            Self::Pending => "Pending",
            Self::Superseded => "Superseded",
            Self::Active => "Active",
        }
    }
}

/// Why a condition is as it is: the words that this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// Active on every target.
    Applied,
    /// Active on some targets and not on others.
    PartlyApplied,
    /// It has not started, or not again.
    Pending,
    /// It is inactive for as long as `suspend` is true.
    Suspended,
    /// It has ended, and the owner's bounds are restored.
    Ended,
    /// It is no longer active, and the bounds return gradually.
    Returning,
    /// Overrides of higher precedence leave it without effect.
    Superseded,
    /// The spec is wrong.
    Invalid,
    /// The HorizontalPodAutoscaler does not exist.
    TargetNotFound,
    /// No HorizontalPodAutoscaler matches the selector.
    NoTargets,
    /// The target has a controller owner (KEDA) that would revert the bounds.
    OwnedByController,
    /// Another client keeps reverting the bounds of the target.
    Contested,
    /// Somebody keeps releasing the target, which is under override.
    Released,
    /// The API server or another admission policy refused the write.
    WriteDenied,
    /// Another admission policy changed what was written.
    WriteAltered,
    /// The controller lacks a permission.
    Forbidden,
    /// The controller runs with `--dry-run`, and writes no HPA.
    DryRun,
    /// The record on the target cannot be read, so nothing is written to it.
    UnreadableRecord,
    /// It exceeds a limit of the platform team.
    LimitExceeded,
    /// The target's namespace is protected.
    NamespaceProtected,
    /// The target is in another namespace.
    CrossNamespaceDenied,
    /// The requester may not patch the target.
    NotAuthorized,
    /// It is in a namespace that is excluded from admission.
    UnguardedNamespace,
    /// More than 32 overrides are active on the target.
    TooManyOverrides,
    /// What the HorizontalPodAutoscaler asks for is not known yet, and an amount is relative to it.
    NoHpaStatus,
    /// The replicas are within the effective bounds, or were since those bounds are as they are.
    ReplicasReached,
    /// Fewer replicas are ready than the lower bound asks for.
    ReplicasMissing,
    /// There are more replicas than the upper bound allows.
    ReplicasAbove,
    /// The workload is scaled to 0, which no bound changes.
    ScalingDisabled,
    /// The override is not active.
    NotActive,
    /// The replicas of the workload cannot be read, or have not been read yet.
    TargetUnreadable,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 31] = [
        Self::Applied,
        Self::PartlyApplied,
        Self::Pending,
        Self::Suspended,
        Self::Ended,
        Self::Returning,
        Self::Superseded,
        Self::Invalid,
        Self::TargetNotFound,
        Self::NoTargets,
        Self::OwnedByController,
        Self::Contested,
        Self::Released,
        Self::WriteDenied,
        Self::WriteAltered,
        Self::Forbidden,
        Self::DryRun,
        Self::UnreadableRecord,
        Self::LimitExceeded,
        Self::NamespaceProtected,
        Self::CrossNamespaceDenied,
        Self::NotAuthorized,
        Self::UnguardedNamespace,
        Self::TooManyOverrides,
        Self::NoHpaStatus,
        Self::ReplicasReached,
        Self::ReplicasMissing,
        Self::ReplicasAbove,
        Self::ScalingDisabled,
        Self::NotActive,
        Self::TargetUnreadable,
    ];

    /// The reason as written in conditions and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "Applied",
            Self::PartlyApplied => "PartlyApplied",
            Self::Pending => "Pending",
            Self::Suspended => "Suspended",
            Self::Ended => "Ended",
            Self::Returning => "Returning",
            Self::Superseded => "Superseded",
            Self::Invalid => "Invalid",
            Self::TargetNotFound => "TargetNotFound",
            Self::NoTargets => "NoTargets",
            Self::OwnedByController => "OwnedByController",
            Self::Contested => "Contested",
            Self::Released => "Released",
            Self::WriteDenied => "WriteDenied",
            Self::WriteAltered => "WriteAltered",
            Self::Forbidden => "Forbidden",
            Self::DryRun => "DryRun",
            Self::UnreadableRecord => "UnreadableRecord",
            Self::LimitExceeded => "LimitExceeded",
            Self::NamespaceProtected => "NamespaceProtected",
            Self::CrossNamespaceDenied => "CrossNamespaceDenied",
            Self::NotAuthorized => "NotAuthorized",
            Self::UnguardedNamespace => "UnguardedNamespace",
            Self::TooManyOverrides => "TooManyOverrides",
            Self::NoHpaStatus => "NoHpaStatus",
            Self::ReplicasReached => "ReplicasReached",
            Self::ReplicasMissing => "ReplicasMissing",
            Self::ReplicasAbove => "ReplicasAbove",
            Self::ScalingDisabled => "ScalingDisabled",
            Self::NotActive => "NotActive",
            Self::TargetUnreadable => "TargetUnreadable",
        }
    }
}

/// The types of the conditions, in the order of the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionType {
    /// Everything due now is done, also where nothing is due.
    Ready,
    /// Active on a target.
    Active,
    /// Nothing happens until a person changes something: Invalid or Blocked.
    Stalled,
    /// The replicas are within the effective bounds wherever it is active.
    Reached,
}

impl ConditionType {
    /// All types, in the order of the status.
    pub const ALL: [Self; 4] = [Self::Ready, Self::Active, Self::Stalled, Self::Reached];

    /// The type as written in the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Active => "Active",
            Self::Stalled => "Stalled",
            Self::Reached => "Reached",
        }
    }
}

/// Whether a condition is met.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It is met.
    True,
    /// It is not met.
    False,
    /// It is not known whether it is met.
    Unknown,
}

impl ConditionStatus {
    /// The status as written in the condition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_as_they_are_named() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        for phase in Phase::ALL {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
        }
        for status in [ConditionStatus::True, ConditionStatus::False, ConditionStatus::Unknown] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
