//! A question as a case file, expecting what native answers; where no kind of case asks that, or native answers with an
//! error, the argument alone.

use hpa_override_core::Instant;
use hpa_override_testbed::doors::Native;
use serde_json::{Value, json};

use crate::question::Question;

/// YAML; each value on a line, as JSON.
pub fn of(question: &Question) -> String {
    let Question { function, argument } = question;
    if Native::answer(function, argument).is_err() {
        return lines(argument);
    }
    let (kind, expect) = match *function {
        "reviewOverride" => ("reviewOverride", review(question)),
        "admitHpa" => ("admitHpa", admit(question)),
        "planHpa" | "effectiveBounds" | "timeline" | "nextTransition" => ("plan", plan(question)),
        _ => return lines(argument),
    };
    let mut file = format!("title: every door gives the same answer to {function}\nkind: {kind}\n");
    let mut case = argument.clone();
    if let Some(map) = case.as_object_mut() {
        map.remove("until");
        if let Some(seconds) = map.get("now").and_then(Value::as_i64) {
            map.insert("now".into(), json!(Instant::from_unix(seconds)));
        }
        let object = if kind == "admitHpa" { map.remove("object") } else { None };
        object.map(|object| map.insert("new".into(), object));
    }
    file += &lines(&case);
    file + &format!("expect: {expect}\n")
}

fn lines(argument: &Value) -> String {
    let Some(map) = argument.as_object() else { return format!("{argument}\n") };
    map.iter().map(|(key, value)| format!("{key}: {value}")).chain([String::new()]).collect::<Vec<_>>().join("\n")
}

fn answer(Question { function, argument }: &Question) -> Value {
    Native::answer(function, argument).unwrap_or_default()
}

fn review(question: &Question) -> Value {
    let report = answer(question)["report"].clone();
    let bare = |list: &Value| -> Value {
        let bare = |finding: &Value| json!({"path": finding["path"], "code": finding["code"]});
        list.as_array().into_iter().flatten().map(bare).collect()
    };
    let allowed = report["errors"].as_array().is_some_and(Vec::is_empty);
    json!({"allowed": allowed, "errors": bare(&report["errors"]), "warnings": bare(&report["warnings"])})
}

fn admit(question: &Question) -> Value {
    let answer = answer(question);
    json!({"changed": !answer["object"].is_null(), "warnings": answer["warnings"].as_array().map_or(0, Vec::len)})
}

/// What stands once all that is due is written.
fn plan(question: &Question) -> Value {
    let mut argument = question.argument.clone();
    argument.as_object_mut().map(|argument| argument.remove("until"));
    let point = answer(&Question { function: "effectiveBounds", argument });
    json!({"bounds": point["effective"], "phases": point["phases"]})
}
