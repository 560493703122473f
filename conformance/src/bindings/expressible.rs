//! Whether a question can be put to a binding with types: native decides, by the code of its refusal.

use hpa_override_api::{ErrorCode, call};
use hpa_override_core::Instant;
use serde_json::{Value, json};

/// Whether records can hold the question: its keys and types are right, and its instants are some or whole seconds.
pub(super) fn expressible(function: &str, argument: &Value) -> bool {
    let Err(refusal) = call(function, argument) else { return true };
    let valid = match refusal.code {
        ErrorCode::FunctionUnknown | ErrorCode::JsonInvalid | ErrorCode::TypeInvalid | ErrorCode::KeyUnknown => {
            return false;
        }
        ErrorCode::HpaInvalid => return true,
        ErrorCode::SettingsInvalid => Value::Null,
        ErrorCode::InstantInvalid if argument.get(&refusal.path).is_some_and(Value::is_i64) => json!(Instant::MIN),
        ErrorCode::InstantInvalid => return false,
    };
    // What is refused first hides what would be refused next.
    let mut rest = argument.clone();
    rest.as_object_mut().map(|rest| rest.insert(refusal.path, valid));
    expressible(function, &rest)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::answered("timeline", json!({"now": 1_795_759_200, "until": "2026-11-28T00:00:00Z", "hpa": {}}), true)]
    #[case::hpa("effectiveBounds", json!({"now": 1_795_759_200, "hpa": 7}), true)]
    #[case::settings("planHpa", json!({"now": 1_795_759_200, "settings": {"a": 1}}), true)]
    #[case::text("planHpa", json!({"now": "today"}), false)]
    #[case::second_instant("timeline", json!({"now": -1, "until": "today"}), false)]
    #[case::type_behind_settings("planHpa", json!({"now": -1, "settings": 7, "overrides": {}}), false)]
    #[case::key("planHpa", json!({"now": 1_795_759_200, "more": 1}), false)]
    fn is_what_has_the_types_of_the_function(#[case] function: &str, #[case] argument: Value, #[case] expected: bool) {
        assert_eq!(expressible(function, &argument), expected);
    }
}
