//! The status: what a person reads back. Written by the controller alone.

use serde::{Deserialize, Serialize};

use crate::Instant;

/// What the controller last saw and did.
#[cfg_attr(feature = "schema", derive(kube::KubeSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerOverrideStatus {
    /// observedGeneration is the metadata.generation that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// phase sums the override up in a word: Invalid, Blocked, Returning, Expired, Suspended, Pending,
    /// Superseded or Active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// startsAt is when the override comes or came into force; of a recurring one, this time or the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Instant>,

    /// endsAt is when the override ends or ended; absent when it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Instant>,

    /// nextTransition is the next instant at which something happens by itself: a start, an end, a step of a gradual
    /// return, the deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_transition: Option<Instant>,

    /// targets is the number of HorizontalPodAutoscalers that this override speaks of.
    #[serde(default)]
    pub targets: i32,

    /// applied is the number of targets on which the override is in force now.
    #[serde(default)]
    pub applied: i32,

    /// desired is what the owner of the target wants, as recorded on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<Replicas>,

    /// effective is what stands on the target, all overrides taken together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Replicas>,

    /// failing lists up to 10 targets on which what is due is not done, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<FailingTarget>,

    /// requestedBy is the user who created the override or last changed its spec, as stamped at admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,

    /// conditions are Ready (everything due now is done), Active (in force on its targets) and Stalled (needs a
    /// person).
    #[cfg_attr(feature = "schema", x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["type".to_string()])))]
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

/// A target on which what is due is not done.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailingTarget {
    /// hpa is the name of the HorizontalPodAutoscaler.
    pub hpa: String,
    /// reason is the reason in a word.
    pub reason: Reason,
    /// message is the reason in a sentence.
    pub message: String,
}

/// What an override is doing, in a word; derived, for people. The first that applies.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// The spec cannot be understood; the message says why.
    Invalid,
    /// A limit, a right or the target's state forbids what would be in force now.
    Blocked,
    /// It has left force, and the bounds come down gradually.
    Returning,
    /// It has ended.
    Expired,
    /// It is taken off for as long as `suspend` is true.
    Suspended,
    /// It has not started, or not again.
    Pending,
    /// It is in force, but overrides above it leave nothing of it.
    Superseded,
    /// It is in force.
    Active,
}

/// Why a condition is as it is. A closed set.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// In force on every target.
    Applied,
    /// In force on some targets and not on others.
    PartlyApplied,
    /// It has not started, or not again.
    Pending,
    /// It is taken off for as long as `suspend` is true.
    Suspended,
    /// It has ended and is given back.
    Ended,
    /// It has left force, and the bounds come down gradually.
    Returning,
    /// Overrides above it leave nothing of it.
    Superseded,
    /// The spec cannot be understood.
    Invalid,
    /// There is no such HorizontalPodAutoscaler.
    TargetNotFound,
    /// No HorizontalPodAutoscaler matches the selector.
    NoTargets,
    /// The target has a controller (KEDA) that would put it back.
    OwnedByController,
    /// Somebody keeps putting the target back.
    Contested,
    /// The API server or another admission policy refused the write.
    WriteDenied,
    /// Another admission policy changed what was written.
    WriteAltered,
    /// The controller lacks a permission.
    Forbidden,
    /// The record on the target cannot be read, so it is left alone.
    UnreadableRecord,
    /// A limit of the platform team forbids it.
    LimitExceeded,
    /// The target's namespace is protected.
    NamespaceProtected,
    /// The target is in another namespace.
    CrossNamespaceDenied,
    /// Who asked for it may not patch the target.
    NotAuthorized,
    /// It is in a namespace that is excluded from admission.
    UnguardedNamespace,
    /// More than 32 overrides are in force on the target.
    TooManyOverrides,
}

impl Reason {
    /// The reason as it stands in conditions and events.
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
        }
    }
}

/// The three conditions.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionType {
    /// Everything due now is done, also when nothing is.
    Ready,
    /// In force on its targets.
    Active,
    /// Nothing more will happen until a person changes something: Invalid or Blocked.
    Stalled,
}

/// Whether a condition holds.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
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
    /// observedGeneration is the metadata.generation that this condition speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// lastTransitionTime is when status last changed.
    pub last_transition_time: Instant,
    /// reason is the reason in a word.
    pub reason: Reason,
    /// message is the reason in a sentence.
    pub message: String,
}
