//! The status: what a user reads. Only the controller writes it.
//!
//! Its words (types and reasons of conditions, the phase) are text here and in the schema, no closed enums: a newer
//! controller must be able to write words that an older schema, and an older reader, does not know. `words.rs` has those that this
//! version writes.

use serde::{Deserialize, Serialize};

use crate::{ConditionStatus, Instant};

/// status is what the controller last saw and did. People and tools read it, nobody writes it.
#[cfg_attr(feature = "schema", derive(kube_derive::KubeSchema), x_kube(crates(kube_core = "::kube_core")))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerOverrideStatus {
    /// observedGeneration is the metadata.generation that this status describes. Where it is lower than
    /// metadata.generation, the status is about an earlier spec.
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// phase summarises the override for people; tools read the conditions. Invalid: the spec is wrong. Blocked: a limit,
    /// a missing right or the target's state prevents it. Returning: it has ended, and the bounds return gradually.
    /// Expired: it has ended. Suspended: `suspend` is true. Pending: it has not started, or not again. Superseded:
    /// overrides of higher precedence leave nothing of it. Active: it is active. The first that applies; with a selector
    /// Active where it is active on any target.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,

    /// startsAt is when the override becomes or became active; with a schedule, this occurrence or the next.
    #[cfg_attr(feature = "schema", schemars(with = "Instant"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Instant>,

    /// endsAt is when the override ends or ended; absent where it has no end. With a schedule, this occurrence or the next.
    #[cfg_attr(feature = "schema", schemars(with = "Instant"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Instant>,

    /// nextTransition is the next instant at which something changes without any other event: a start, an end, a step
    /// of a gradual return, the deletion.
    #[cfg_attr(feature = "schema", schemars(with = "Instant"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_transition: Option<Instant>,

    /// targets is the number of HorizontalPodAutoscalers that this override targets.
    #[serde(default)]
    pub targets: i32,

    /// applied is the number of targets on which the override is applied now, whether or not others supersede it there.
    #[serde(default)]
    pub applied: i32,

    /// desired is what the owner of the target wants, and what is restored at the end. With one target, while an override
    /// is active on it.
    #[cfg_attr(feature = "schema", schemars(with = "Replicas"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<Replicas>,

    /// effective is the bounds on the target, from all its overrides together. With one target, while an override is
    /// active on it.
    #[cfg_attr(feature = "schema", schemars(with = "Replicas"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Replicas>,

    /// failing lists up to 10 targets on which a due change is not made, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<FailingTarget>,

    /// requestedBy is the user who created the override or last changed its spec, as stamped at admission.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,

    /// conditions, each with a reason and a message of its own. Ready: everything due now is done, also where nothing is
    /// due. Active: it is active on a target. Stalled: nothing happens until a person changes something. Reached: the
    /// replicas are within the effective bounds on every target where it is active.
    #[cfg_attr(feature = "schema", x_kube(merge_strategy = kube_core::ListMerge::Map(vec!["type".to_string()])))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// A pair of replica bounds.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
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
    /// reason is why, in one word: one of the reasons of the condition Ready.
    pub reason: String,
    /// message is why, in a sentence.
    pub message: String,
}

/// A condition, with the schema of metav1.Condition.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// type is Ready, Active, Stalled or Reached; a newer controller may add others.
    #[cfg_attr(feature = "schema", schemars(length(max = 316), regex(pattern = TYPE)))]
    #[serde(rename = "type")]
    pub type_: String,
    /// status is True, False or Unknown.
    pub status: ConditionStatus,
    /// observedGeneration is the metadata.generation that this condition describes.
    #[cfg_attr(feature = "schema", schemars(with = "i64", range(min = 0)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// lastTransitionTime is when status last changed.
    #[cfg_attr(feature = "schema", schemars(schema_with = "date_time"))]
    pub last_transition_time: Instant,
    /// reason is why, in one word; a newer controller may add others.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1024), regex(pattern = REASON)))]
    pub reason: String,
    /// message is why, in a sentence.
    #[cfg_attr(feature = "schema", schemars(length(max = 32768)))]
    pub message: String,
}

impl Condition {
    /// The most characters that a message may have.
    pub const LONGEST_MESSAGE: usize = 32_768;
}

/// As metav1.Condition has it.
#[cfg(feature = "schema")]
const TYPE: &str =
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";
/// As metav1.Condition has it.
#[cfg(feature = "schema")]
const REASON: &str = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";

#[cfg(feature = "schema")]
fn date_time(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "date-time" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_with_words_of_a_newer_version_is_read() {
        let newer = serde_json::json!({
            "phase": "Paused", "targets": 1, "failing": [{"hpa": "web", "reason": "Odd", "message": "m"}], "more": 1,
            "conditions": [{"type": "Fresh", "status": "Unknown", "reason": "Why", "message": "",
                            "lastTransitionTime": "2026-11-27T06:00:00Z"}],
        });
        let read: AutoscalerOverrideStatus = serde_json::from_value(newer).unwrap();
        assert_eq!(read.phase.as_deref(), Some("Paused"));
        assert_eq!((read.conditions[0].type_.as_str(), read.conditions[0].reason.as_str()), ("Fresh", "Why"));
        assert_eq!(read.failing[0].reason, "Odd");
    }
}
