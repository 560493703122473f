//! Changes of what is recorded, each alone: those that break a promise, with the sentence that says so, and those that
//! keep it.

use serde_json::{Value, json};

use super::*;

/// What is recorded; the tests change copies of it.
fn recorded() -> Value {
    serde_json::from_str(include_str!("../../../../crd/promise/v1.json")).unwrap()
}

fn field<'a>(surface: &'a mut Value, path: &str) -> &'a mut Map<String, Value> {
    surface["fields"][path].as_object_mut().unwrap()
}

/// What comes of it where a keyword of a field was one value and is another; `null` is a keyword that is not there.
fn of_keyword(path: &str, keyword: &str, was: &Value, is: &Value) -> Comparison {
    let with = |value: &Value| {
        let mut surface = recorded();
        if value.is_null() {
            field(&mut surface, path).remove(keyword);
        } else {
            field(&mut surface, path).insert(keyword.into(), value.clone());
        }
        surface
    };
    compare(&with(was), &with(is))
}

fn broken(sentences: &[&str]) -> Comparison {
    Comparison { broken: sentences.iter().copied().map(Into::into).collect(), added: vec![] }
}

fn added(paths: &[&str]) -> Comparison {
    Comparison { broken: vec![], added: paths.iter().copied().map(Into::into).collect() }
}

#[test]
fn what_is_recorded_keeps_its_own_promise() {
    assert_eq!(compare(&recorded(), &recorded()), Comparison::default());
}

#[test]
fn a_field_that_is_gone_breaks_it() {
    let mut changed = recorded();
    changed["fields"].as_object_mut().unwrap().remove("spec.returnOver");
    assert_eq!(compare(&recorded(), &changed), broken(&["spec.returnOver: is gone; put it back under this name"]));
}

#[test]
fn a_field_that_is_renamed_breaks_it() {
    let mut changed = recorded();
    let fields = changed["fields"].as_object_mut().unwrap();
    let entry = fields.remove("status.endsAt").unwrap();
    fields.insert("status.endAt".into(), entry);
    let found = compare(&recorded(), &changed);
    assert_eq!(found.broken, ["status.endsAt: is gone; put it back under this name"]);
    assert_eq!(found.added, ["status.endAt"]);
}

#[test]
fn a_new_field_must_be_optional_unless_what_holds_it_is_new() {
    let with = |paths: &[(&str, bool)]| {
        let mut changed = recorded();
        for (path, required) in paths {
            changed["fields"][*path] = json!({"type": "object", "required": required});
        }
        compare(&recorded(), &changed)
    };
    assert_eq!(with(&[("spec.steps", false)]), added(&["spec.steps"]));
    assert_eq!(with(&[("spec.steps", false), ("spec.steps.at", true)]), added(&["spec.steps", "spec.steps.at"]));
    let sentence = "spec.steps: is new and required; make it optional: no object has it yet";
    assert_eq!(with(&[("spec.steps", true)]), broken(&[sentence]));
    let sentence =
        "spec.selector.matchExpressions[].weight: is new and required; make it optional: no object has it yet";
    assert_eq!(with(&[("spec.selector.matchExpressions[].weight", true)]), broken(&[sentence]));
}

#[test]
fn what_narrows_or_changes_a_field_breaks_it() {
    let back = "set it back: clients and stored objects depend on it";
    let refused = "set it back: objects that are accepted today would be refused";
    let word = "keep every word: objects that have it would be refused";
    let pattern = "set it back; one that accepts all that it did needs a review";
    let rule = "drop the new rule; one that refuses nothing that was accepted needs a review";
    let rules = |rules: &[&str]| rules.iter().map(|rule| json!({"rule": rule})).collect::<Value>();
    let none = Value::Null;
    for (path, keyword, was, is, change, remedy) in [
        ("spec.priority", "type", json!("integer"), json!("string"), r#"was "integer", is "string""#, back),
        ("spec.priority", "format", json!("int32"), json!("int64"), r#"was "int32", is "int64""#, back),
        ("spec.mode", "default", json!("Set"), json!("Raise"), r#"was "Set", is "Raise""#, back),
        ("spec.mode", "default", none.clone(), json!("Set"), r#"was absent, is "Set""#, back),
        ("spec.minReplicas", "x-kubernetes-int-or-string", json!(true), none.clone(), "was true, is absent", back),
        (
            "status.conditions",
            "x-kubernetes-list-type",
            json!("map"),
            json!("atomic"),
            r#"was "map", is "atomic""#,
            back,
        ),
        ("spec.reason", "required", json!(false), json!(true), "was false, is true", refused),
        ("spec.reason", "maxLength", json!(1024), json!(1023), "was 1024, is 1023", refused),
        ("spec.reason", "maxLength", none.clone(), json!(1024), "was absent, is 1024", refused),
        ("spec.reason", "minLength", none.clone(), json!(1), "was absent, is 1", refused),
        ("spec.priority", "maximum", json!(2_147_483_647), json!(1000), "was 2147483647, is 1000", refused),
        ("spec.priority", "minimum", json!(-5), json!(0), "was -5, is 0", refused),
        ("spec.schedule.except", "maxItems", json!(366), json!(365), "was 366, is 365", refused),
        ("spec.mode", "enum", json!(["Cap", "Raise", "Set"]), json!(["Raise", "Set"]), r#"lost "Cap""#, word),
        ("spec.mode", "enum", json!(["Cap", "Set"]), json!(["Most", "Set"]), r#"lost "Cap", gained "Most""#, word),
        ("spec.mode", "enum", none.clone(), json!(["Set"]), r#"was absent, is ["Set"]"#, word),
        ("spec.duration", "pattern", none.clone(), json!("^[0-9]+s$"), r#"was absent, is "^[0-9]+s$""#, pattern),
        ("spec.duration", "pattern", json!("^a$"), json!("^a|b$"), r#"was "^a$", is "^a|b$""#, pattern),
        ("spec", RULES, rules(&["a"]), rules(&["a", "b"]), r#"gained {"rule":"b"}"#, rule),
        ("spec", RULES, rules(&["a"]), rules(&["b"]), r#"lost {"rule":"a"}, gained {"rule":"b"}"#, rule),
        ("spec", RULES, none, rules(&["b"]), r#"was absent, is [{"rule":"b"}]"#, rule),
    ] {
        let sentence = format!("{path}: {keyword} {change}; {remedy}");
        assert_eq!(of_keyword(path, keyword, &was, &is), broken(&[&sentence]));
    }
}

const RULES: &str = "x-kubernetes-validations";

#[test]
fn what_loosens_a_field_keeps_it() {
    let none = Value::Null;
    for (path, keyword, was, is) in [
        ("spec.reason", "required", json!(true), json!(false)),
        ("spec.reason", "maxLength", json!(1024), json!(2048)),
        ("spec.reason", "maxLength", json!(1024), none.clone()),
        ("spec.reason", "minLength", json!(2), json!(1)),
        ("spec.priority", "minimum", json!(0), json!(-5)),
        ("spec.mode", "enum", json!(["Set"]), json!(["Add", "Set"])),
        ("spec.mode", "enum", json!(["Set"]), none.clone()),
        ("spec.duration", "pattern", json!("^a$"), none.clone()),
        ("spec", RULES, json!([{"rule": "a"}, {"rule": "b"}]), json!([{"rule": "b"}])),
        ("spec", RULES, json!([{"rule": "a"}]), none),
    ] {
        assert_eq!(of_keyword(path, keyword, &was, &is), Comparison::default(), "{path} {keyword}");
    }
}

#[test]
fn a_name_may_join_but_none_may_go() {
    let with = |kind: &str, change: fn(&mut Vec<Value>)| {
        let mut changed = recorded();
        change(changed["names"][kind].as_array_mut().unwrap());
        compare(&recorded(), &changed)
    };
    for kind in ["annotations", "codes", "conditionTypes", "phases", "reasons", "recordKeys", "settings", "shortNames"]
    {
        let found = with(kind, |names| names.push("new".into()));
        assert_eq!(found, added(&[&format!(r#"{kind} "new""#)]));
    }
    let sentence = r#"annotations "hpa-override.dev/record": is gone; put it back as it was"#;
    assert_eq!(
        with("annotations", |names| names.retain(|name| name != "hpa-override.dev/record")),
        broken(&[sentence])
    );
    let renamed = with("settings", |names| {
        names
            .iter_mut()
            .filter(|name| *name == "directions: Both")
            .for_each(|name| *name = "directions: UpOnly".into());
    });
    assert_eq!(renamed.broken, [r#"settings "directions: Both": is gone; put it back as it was"#]);
    assert_eq!(renamed.added, [r#"settings "directions: UpOnly""#]);
}
