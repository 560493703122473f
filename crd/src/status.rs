//! The status: what a user reads. Only the controller writes it.

use serde::{Deserialize, Serialize};

use crate::Instant;

/// What the controller last saw and did.
#[cfg_attr(feature = "schema", derive(kube_derive::KubeSchema), x_kube(crates(kube_core = "::kube_core")))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerOverrideStatus {
    /// observedGeneration is the metadata.generation that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// phase summarises the override: Invalid, Blocked, Returning, Expired, Suspended, Pending,
    /// Superseded or Active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// startsAt is when the override becomes or became active; of a recurring one, this time or the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Instant>,

    /// endsAt is when the override ends or ended; absent when it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Instant>,

    /// nextTransition is the next instant at which something changes without any other event: a start, an end, a step
    /// of a gradual return, the deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_transition: Option<Instant>,

    /// targets is the number of HorizontalPodAutoscalers that this override targets.
    #[serde(default)]
    pub targets: i32,

    /// applied is the number of targets on which the override is active now.
    #[serde(default)]
    pub applied: i32,

    /// desired is what the owner of the target wants, as recorded on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<Replicas>,

    /// effective is the bounds written to the target, from all its overrides together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Replicas>,

    /// failing lists up to 10 targets on which a due change is not made, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<FailingTarget>,

    /// requestedBy is the user who created the override or last changed its spec, as stamped at admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,

    /// conditions are Ready (everything due now is done), Active (active on its targets) and Stalled (nothing happens
    /// until a person changes something).
    #[cfg_attr(feature = "schema", x_kube(merge_strategy = kube_core::ListMerge::Map(vec!["type".to_string()])))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// A pair of replica bounds.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replicas {
    /// minReplicas is the lower bound.
    pub min_replicas: i32,
    /// maxReplicas is the upper bound.
    pub max_replicas: i32,
}

/// A target on which a due change is not made.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailingTarget {
    /// hpa is the name of the HorizontalPodAutoscaler.
    pub hpa: String,
    /// reason is the reason as one word.
    pub reason: Reason,
    /// message is the reason as a sentence.
    pub message: String,
}

/// The state of an override as one word; derived, for people. The first that applies.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Every phase.
    pub const ALL: &[Self] = &[
        Self::Invalid,
        Self::Blocked,
        Self::Returning,
        Self::Expired,
        Self::Suspended,
        Self::Pending,
        Self::Superseded,
        Self::Active,
    ];
}

/// Why a condition is as it is. A closed set.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// The API server or another admission policy refused the write.
    WriteDenied,
    /// Another admission policy changed what was written.
    WriteAltered,
    /// The controller lacks a permission.
    Forbidden,
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
    /// The status of the target does not say yet how many replicas it asks for.
    NoHpaStatus,
}

impl Reason {
    /// Every reason.
    pub const ALL: &[Self] = &[
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
        Self::WriteDenied,
        Self::WriteAltered,
        Self::Forbidden,
        Self::UnreadableRecord,
        Self::LimitExceeded,
        Self::NamespaceProtected,
        Self::CrossNamespaceDenied,
        Self::NotAuthorized,
        Self::UnguardedNamespace,
        Self::TooManyOverrides,
        Self::NoHpaStatus,
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
            Self::WriteDenied => "WriteDenied",
            Self::WriteAltered => "WriteAltered",
            Self::Forbidden => "Forbidden",
            Self::UnreadableRecord => "UnreadableRecord",
            Self::LimitExceeded => "LimitExceeded",
            Self::NamespaceProtected => "NamespaceProtected",
            Self::CrossNamespaceDenied => "CrossNamespaceDenied",
            Self::NotAuthorized => "NotAuthorized",
            Self::UnguardedNamespace => "UnguardedNamespace",
            Self::TooManyOverrides => "TooManyOverrides",
            Self::NoHpaStatus => "NoHpaStatus",
        }
    }
}

/// The three conditions.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionType {
    /// Everything due now is done, also where nothing is due.
    Ready,
    /// Active on its targets.
    Active,
    /// Nothing happens until a person changes something: Invalid or Blocked.
    Stalled,
}

impl ConditionType {
    /// Every type.
    pub const ALL: &[Self] = &[Self::Ready, Self::Active, Self::Stalled];
}

/// Whether a condition is met.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It is met.
    True,
    /// It is not met.
    False,
}

/// A condition in the form of the Kubernetes API conventions.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// type is Ready, Active or Stalled.
    #[serde(rename = "type")]
    pub type_: ConditionType,
    /// status is True or False.
    pub status: ConditionStatus,
    /// observedGeneration is the metadata.generation that this condition describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// lastTransitionTime is when status last changed.
    pub last_transition_time: Instant,
    /// reason is the reason as one word.
    pub reason: Reason,
    /// message is the reason as a sentence.
    pub message: String,
}
