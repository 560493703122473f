//! How many replicas an HPA asks for: what `current` is when an override becomes active.
//!
//! `status.currentReplicas` is what it asked for before its own last step, so alone it is late; `status.desiredReplicas` is
//! what it asks for since.

use hpa_override_core::value::bounds::replicas;
use serde_json::Value;

/// The larger of the two numbers, an absent one being 0; none until the HPA has found its scale target (condition
/// `AbleToScale` is True), before which its status says nothing.
pub(crate) fn current_replicas(hpa: &Value) -> Option<i32> {
    let status = hpa.get("status")?;
    let mut conditions = status.get("conditions")?.as_array()?.iter();
    let is_able = |condition: &Value| {
        let text = |key| condition.get(key).and_then(Value::as_str);
        text("type") == Some("AbleToScale") && text("status") == Some("True")
    };
    let number = |key| status.get(key).and_then(replicas).unwrap_or_default().max(0);
    conditions.any(is_able).then(|| number("currentReplicas").max(number("desiredReplicas")))
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
