//! Fields of another type or size than the schema has for them. Where a field has a code of its own for what cannot be read
//! (an amount, a name, an instant), its type is looked at there; its size is looked at here.

use serde_json::Value;

use crate::value::{json_fields::int32, text::cut};

/// A field of the wrong type or size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Path of the field, like `spec.priority`.
    pub path: String,
    /// What is wrong and what to write, as a sentence.
    pub why: String,
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Form {
    Object,
    Boolean,
    Int32,
    /// At most so many characters.
    Text(usize),
    /// As [`Text`](Self::Text); what is no text is reported by another code.
    Length(usize),
    List(usize),
    /// At most so many items or labels; what is neither a list nor a map is reported by another code.
    Count(usize),
}

/// In the order in which they are looked at. A path that leads through something else than objects is not followed.
const FORMS: [(&str, Form); 11] = [
    ("spec", Form::Object),
    ("spec.priority", Form::Int32),
    ("spec.suspend", Form::Boolean),
    ("spec.reason", Form::Text(1024)),
    ("spec.schedule", Form::Object),
    ("spec.schedule.except", Form::List(366)),
    ("spec.duration", Form::Length(64)),
    ("spec.returnOver", Form::Length(64)),
    ("spec.ttlAfterFinished", Form::Length(64)),
    ("spec.selector.matchLabels", Form::Count(32)),
    ("spec.selector.matchExpressions", Form::Count(32)),
];
/// Values of one requirement.
const MOST_VALUES: usize = 64;

/// Every misfit of a spec. A null is a field that is not given.
pub(super) fn find(spec: &Value) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    for (path, form) in FORMS {
        let mut keys = path.split('.').skip(1);
        let value = keys.try_fold(spec, |holder, key| holder.get(key)).filter(|value| !value.is_null());
        note(path, value, form, &mut misfits);
    }
    let expressions = spec.get("selector").and_then(|selector| selector.get("matchExpressions"));
    for (index, expression) in expressions.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let path = format!("spec.selector.matchExpressions[{index}].values");
        note(&path, expression.get("values"), Form::Count(MOST_VALUES), &mut misfits);
    }
    misfits
}

fn note(path: &str, value: Option<&Value>, form: Form, misfits: &mut Vec<Misfit>) {
    if let Some(why) = value.and_then(|value| form.misses(value)) {
        misfits.push(Misfit { path: path.into(), why });
    }
}

impl Form {
    /// What is wrong with a value, where something is.
    fn misses(self, value: &Value) -> Option<String> {
        match self {
            Self::Object => (!value.is_object()).then(|| other(value, "an object; write its fields below it")),
            Self::Boolean => {
                (!value.is_boolean()).then(|| other(value, "a boolean; write true or false, without quotes"))
            }
            Self::Int32 => {
                let form = "a whole number from -2147483648 to 2147483647; write one, without quotes";
                int32(value).is_none().then(|| other(value, form))
            }
            Self::Text(_) if !value.is_string() => Some(other(value, "text; write it in quotes")),
            Self::Text(most) | Self::Length(most) => {
                too_many(value.as_str().map_or(0, |text| text.chars().count()), "characters", most)
            }
            Self::List(_) if !value.is_array() => Some(other(value, "a list; write it in brackets")),
            Self::List(most) | Self::Count(most) => {
                let labels = value.as_object().map(|map| map.values().filter(|value| !value.is_null()).count());
                too_many(value.as_array().map(Vec::len).or(labels).unwrap_or(0), "items", most)
            }
        }
    }
}

/// The value as JSON, so that text is seen to be text.
fn other(value: &Value, form: &str) -> String {
    format!("`{}` is not {form}", cut(&value.to_string()))
}

fn too_many(count: usize, what: &str, most: usize) -> Option<String> {
    (count > most).then(|| format!("it has {count} {what}; at most {most} are allowed"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn found(spec: &Value) -> Vec<String> {
        find(spec).into_iter().map(|misfit| format!("{}: {}", misfit.path, misfit.why)).collect()
    }

    #[rstest]
    #[case::spec(json!("web"), r#"spec: `"web"` is not an object; write its fields below it"#)]
    #[case::spec_list(json!([]), "spec: `[]` is not an object; write its fields below it")]
    #[case::priority(json!({"priority": "5"}),
        r#"spec.priority: `"5"` is not a whole number from -2147483648 to 2147483647; write one, without quotes"#)]
    #[case::fraction(json!({"priority": 1.5}),
        "spec.priority: `1.5` is not a whole number from -2147483648 to 2147483647; write one, without quotes")]
    #[case::beyond_int32(json!({"priority": 2_147_483_648_i64}),
        "spec.priority: `2147483648` is not a whole number from -2147483648 to 2147483647; write one, without quotes")]
    #[case::suspend(json!({"suspend": "yes"}),
        r#"spec.suspend: `"yes"` is not a boolean; write true or false, without quotes"#)]
    #[case::reason(json!({"reason": 5}), "spec.reason: `5` is not text; write it in quotes")]
    #[case::long_reason(json!({"reason": "\u{e9}".repeat(1025)}),
        "spec.reason: it has 1025 characters; at most 1024 are allowed")]
    #[case::schedule(json!({"schedule": "0 8 * * *"}),
        r#"spec.schedule: `"0 8 * * *"` is not an object; write its fields below it"#)]
    #[case::except(json!({"schedule": {"except": "2026-12-25"}}),
        r#"spec.schedule.except: `"2026-12-25"` is not a list; write it in brackets"#)]
    #[case::long_except(json!({"schedule": {"except": vec!["2026-12-25"; 367]}}),
        "spec.schedule.except: it has 367 items; at most 366 are allowed")]
    #[case::long_duration(json!({"duration": format!("{}1h", "0".repeat(63))}),
        "spec.duration: it has 65 characters; at most 64 are allowed")]
    #[case::labels(json!({"selector": {"matchLabels": labels(33)}}),
        "spec.selector.matchLabels: it has 33 items; at most 32 are allowed")]
    #[case::values(json!({"selector": {"matchExpressions": [{}, {"values": vec!["a"; 65]}]}}),
        "spec.selector.matchExpressions[1].values: it has 65 items; at most 64 are allowed")]
    fn is_found(#[case] spec: Value, #[case] sentence: &str) {
        assert_eq!(found(&spec), [sentence]);
    }

    #[rstest]
    #[case::nothing(json!(null))]
    #[case::nulls(json!({"priority": null, "suspend": null, "reason": null, "schedule": null, "duration": null}))]
    #[case::the_rest_is_for_other_codes(json!({"hpa": 5, "duration": 5, "selector": [], "mode": {}, "startsAt": 1.5}))]
    #[case::at_the_limits(json!({"priority": i32::MIN, "reason": "\u{e9}".repeat(1024), "suspend": true,
        "schedule": {"except": vec!["2026-12-25"; 366]}, "duration": format!("{}1h", "0".repeat(62)),
        "selector": {"matchLabels": labels(32), "matchExpressions": vec![json!({"values": vec!["a"; 64]}); 32]}}))]
    fn is_not_there(#[case] spec: Value) {
        assert_eq!(found(&spec), [""; 0]);
    }

    fn labels(count: usize) -> Value {
        (0..count).map(|number| (format!("l{number}"), json!("a"))).collect::<serde_json::Map<_, _>>().into()
    }
}
