//! What an HPA says of itself: how many replicas it asks for, and its conditions.
//!
//! `status.currentReplicas` is what it asked for before its own last step, so alone it is late; `status.desiredReplicas` is
//! what it asks for since. While it cannot compute a number it leaves the one that it found, in `currentReplicas`.

use std::sync::Arc;

use hpa_override_core::value::bounds::replicas;
use serde_json::Value;

/// What is read of the status of an HPA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HpaStatus {
    /// `currentReplicas` and `desiredReplicas`.
    asked: [Option<i32>; 2],
    /// Whether its controller has looked at it: before that the numbers mean nothing.
    has_conditions: bool,
    is_able: bool,
    is_disabled: bool,
    /// The conditions that explain something, as sentences; none where none does.
    explanation: Option<Arc<str>>,
}

impl HpaStatus {
    pub(crate) fn parse(hpa: &Value) -> Self {
        let number = |key| hpa.get("status").and_then(|status| replicas(status.get(key)?));
        Self {
            asked: ["currentReplicas", "desiredReplicas"].map(number),
            has_conditions: conditions(hpa).next().is_some(),
            is_able: conditions(hpa).any(|condition| condition.is("AbleToScale", "True")),
            is_disabled: conditions(hpa).any(|condition| condition.is_scaled_to_zero()),
            explanation: explanation(hpa),
        }
    }

    /// `currentReplicas` and `desiredReplicas`.
    pub(crate) fn asked_for(&self) -> [Option<i32>; 2] {
        self.asked
    }

    /// How many replicas it asks for: the larger of the two numbers, an absent one being 0. None before its controller has
    /// looked at it.
    pub(crate) fn asked(&self) -> Option<i32> {
        self.has_conditions.then(|| self.larger())
    }

    /// What `current` is when an override becomes active: how many replicas the HPA asks for. None until it has found its
    /// scale target (condition `AbleToScale` is True), before which its status says nothing.
    pub(crate) fn current_replicas(&self) -> Option<i32> {
        self.is_able.then(|| self.larger())
    }

    /// Whether it is disabled, since the workload is scaled to 0.
    pub(crate) fn is_disabled(&self) -> bool {
        self.is_disabled
    }

    /// What its conditions explain, each after a semicolon; empty where they explain nothing.
    pub(crate) fn explanation(&self) -> &str {
        self.explanation.as_deref().unwrap_or_default()
    }

    fn larger(&self) -> i32 {
        self.asked.into_iter().flatten().fold(0, i32::max)
    }
}

/// A condition of an HPA. What is not given is empty.
struct HpaCondition<'a> {
    type_: &'a str,
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

impl HpaCondition<'_> {
    /// Whether it is of that type and has that status.
    fn is(&self, type_: &str, status: &str) -> bool {
        self.type_ == type_ && self.status == status
    }

    fn is_scaled_to_zero(&self) -> bool {
        self.is("ScalingActive", "False") && self.reason == "ScalingDisabled"
    }

    /// Whether it explains something. That the HPA asks for no more, or no less, than our bounds does not.
    fn explains(&self) -> bool {
        let is_by_bounds = matches!(self.reason, "TooFewReplicas" | "TooManyReplicas");
        self.is("AbleToScale", "False")
            || self.is("ScalingActive", "False")
            || self.is("ScalingLimited", "True") && !is_by_bounds
    }
}

/// The conditions of an HPA; none before its controller has looked at it.
fn conditions(hpa: &Value) -> impl Iterator<Item = HpaCondition<'_>> {
    let list = hpa.get("status").and_then(|status| status.get("conditions")).and_then(Value::as_array);
    list.into_iter().flatten().map(|condition| {
        let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
        HpaCondition { type_: text("type"), status: text("status"), reason: text("reason"), message: text("message") }
    })
}

fn explanation(hpa: &Value) -> Option<Arc<str>> {
    let sentences = conditions(hpa).filter(HpaCondition::explains).map(|reported| {
        let HpaCondition { type_, status, reason, message } = reported;
        format!("; its condition {type_} is {status}, {reason}: {message}")
    });
    let text: String = sentences.collect();
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::settled(json!(3), json!(3), Some(3))]
    #[case::scaling_up(json!(3), json!(8), Some(8))]
    #[case::scaling_down(json!(8), json!(3), Some(8))]
    #[case::absent(Value::Null, Value::Null, Some(0))]
    #[case::asleep(Value::Null, json!(0), Some(0))]
    #[case::impossible(json!(-3), json!("8"), Some(0))]
    fn the_larger_counts(#[case] current: Value, #[case] desired: Value, #[case] expected: Option<i32>) {
        let conditions =
            json!([{"type": "ScalingActive", "status": "False"}, {"type": "AbleToScale", "status": "True"}]);
        let status = json!({"currentReplicas": current, "desiredReplicas": desired, "conditions": conditions});
        assert_eq!(HpaStatus::parse(&json!({"status": status})).current_replicas(), expected);
    }

    #[rstest]
    #[case::no_status(Value::Null)]
    #[case::fresh(json!({"currentMetrics": null, "desiredReplicas": 0}))]
    #[case::not_able(json!({"desiredReplicas": 3, "conditions": [{"type": "AbleToScale", "status": "False"}]}))]
    #[case::not_known(json!({"desiredReplicas": 3, "conditions": [{"type": "AbleToScale", "status": "Unknown"}]}))]
    #[case::another(json!({"desiredReplicas": 3, "conditions": [{"type": "ScalingActive", "status": "True"}]}))]
    fn nothing_is_known(#[case] status: Value) {
        assert_eq!(HpaStatus::parse(&json!({"status": status})).current_replicas(), None);
    }
}
