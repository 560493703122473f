//! What an HPA says of itself: how many replicas it asks for, and its conditions.
//!
//! `status.currentReplicas` is what it asked for before its own last step, so alone it is late; `status.desiredReplicas` is
//! what it asks for since. While it cannot compute a number it leaves the one that it found, in `currentReplicas`.

use hpa_override_core::value::bounds::replicas;
use serde_json::Value;

/// A condition of an HPA. What is not given is empty.
pub(crate) struct HpaCondition<'a> {
    pub(crate) type_: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

impl HpaCondition<'_> {
    /// Whether it is of that type and has that status.
    pub(crate) fn is(&self, type_: &str, status: &str) -> bool {
        self.type_ == type_ && self.status == status
    }
}

/// The conditions of an HPA; none before its controller has looked at it.
pub(crate) fn conditions(hpa: &Value) -> impl Iterator<Item = HpaCondition<'_>> {
    let list = hpa.get("status").and_then(|status| status.get("conditions")).and_then(Value::as_array);
    list.into_iter().flatten().map(|condition| {
        let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
        HpaCondition { type_: text("type"), status: text("status"), reason: text("reason"), message: text("message") }
    })
}

/// How many replicas an HPA asks for: the larger of the two numbers, an absent one being 0. It means nothing before there
/// are conditions.
pub(crate) fn asked_for(hpa: &Value) -> i32 {
    let number = |key| hpa.get("status").and_then(|status| replicas(status.get(key)?)).unwrap_or_default().max(0);
    number("currentReplicas").max(number("desiredReplicas"))
}

/// What `current` is when an override becomes active: how many replicas the HPA asks for. None until it has found its scale
/// target (condition `AbleToScale` is True), before which its status says nothing.
pub(crate) fn current_replicas(hpa: &Value) -> Option<i32> {
    conditions(hpa).any(|condition| condition.is("AbleToScale", "True")).then(|| asked_for(hpa))
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
        assert_eq!(current_replicas(&json!({"status": status})), expected);
    }

    #[rstest]
    #[case::no_status(Value::Null)]
    #[case::fresh(json!({"currentMetrics": null, "desiredReplicas": 0}))]
    #[case::not_able(json!({"desiredReplicas": 3, "conditions": [{"type": "AbleToScale", "status": "False"}]}))]
    #[case::not_known(json!({"desiredReplicas": 3, "conditions": [{"type": "AbleToScale", "status": "Unknown"}]}))]
    #[case::another(json!({"desiredReplicas": 3, "conditions": [{"type": "ScalingActive", "status": "True"}]}))]
    fn nothing_is_known(#[case] status: Value) {
        assert_eq!(current_replicas(&json!({"status": status})), None);
    }
}
