//! What Rancher asks: every setting once, with its default.

use std::collections::BTreeMap;

use hpa_override_core::{Setting, Settings};
use serde_json::{Map, Value, json};

use crate::files::{text, yaml};

const FILE: &str = "policy/wapc/questions-ui.yml";

fn questions() -> Vec<Map<String, Value>> {
    yaml(FILE)["questions"].as_array().unwrap().iter().map(|it| it.as_object().unwrap().clone()).collect()
}

fn question(key: &str) -> Map<String, Value> {
    questions().into_iter().find(|question| question["variable"] == key).unwrap()
}

#[test]
fn every_setting_is_asked_for_once_and_nothing_else() {
    let mut asked: Vec<_> = questions().iter().map(|question| question["variable"].clone()).collect();
    let mut settings: Vec<_> = Settings::ALL.iter().map(|setting| Value::from(setting.key)).collect();
    asked.sort_unstable_by_key(Value::to_string);
    settings.sort_unstable_by_key(Value::to_string);
    assert_eq!(asked, settings);
}

#[test]
fn the_type_is_that_of_the_value() {
    let types = BTreeMap::from([
        ("duration", "string"),
        ("duration or `Never`", "string"),
        ("list of names", "array["),
        ("list of rules", "sequence["),
        ("name of a user", "string"),
        ("whole number", "int"),
        ("whole number from 1", "int"),
        ("`true` or `false`", "boolean"),
    ]);
    for Setting { key, kind, .. } in Settings::ALL {
        let question = question(key);
        assert_eq!(question["type"], *types.get(kind).unwrap_or(&"enum"), "{key}");
        let options = question.get("options").and_then(Value::as_array).into_iter().flatten();
        let options: Vec<_> = options.map(|option| format!("`{}`", option.as_str().unwrap())).collect();
        if question["type"] == "enum" {
            assert_eq!(
                options,
                kind.split([',', ' ']).filter(|word| word.starts_with('`')).collect::<Vec<_>>(),
                "{key}"
            );
            assert!(
                options.iter().all(|option| Settings::parse(&single(key, option.trim_matches('`').into())).is_ok())
            );
        } else {
            assert!(options.is_empty(), "{key}");
        }
    }
}

fn single(key: &str, value: Value) -> Value {
    Map::from_iter([(key.to_owned(), value)]).into()
}

/// Without a change they give the shipped settings. `defaultDuration` has no default here: sent along, it would contradict a
/// shorter `maxDuration`.
#[test]
fn the_defaults_are_those_of_the_shipped_settings() {
    let questions = questions();
    let (with, without): (Vec<_>, Vec<_>) = questions.iter().partition(|question| question.contains_key("default"));
    let without: Vec<_> = without.iter().map(|question| question["variable"].as_str().unwrap()).collect();
    assert_eq!(without, ["replicaCeiling", "maxFactor", "defaultDuration", "maxDuration"]);
    let default = |question: &&Map<String, Value>| {
        (question["variable"].as_str().unwrap().to_owned(), question["default"].clone())
    };
    let defaults: Value = with.iter().map(default).collect::<Map<_, _>>().into();
    let shipped = yaml("deploy/kustomize/base/settings.yaml");
    assert_eq!(Settings::parse(&defaults), Settings::parse(&shipped));
    for Setting { key, default, .. } in Settings::ALL {
        let stated = shipped.get(key).cloned().or_else(|| serde_saphyr::from_str(default?).ok());
        if let (Some(stated), Some(asked)) = (stated, defaults.get(key)) {
            assert_eq!(stated, *asked, "{key}");
        }
    }
}

#[test]
fn a_question_has_what_people_need() {
    const KEYS: [&str; 10] =
        ["default", "description", "group", "label", "max", "min", "options", "required", "type", "variable"];
    const OF_A_LIST: [&str; 2] = ["hide_input", "sequence_questions"];
    for question in questions() {
        let variable = question["variable"].clone();
        for key in ["description", "group", "label"] {
            assert!(question[key].as_str().is_some_and(|text| !text.is_empty()), "{variable}: {key}");
        }
        let more = if question["type"] == "sequence[" { &OF_A_LIST[..] } else { &[] };
        let is_known = |key: &str| KEYS.contains(&key) || more.contains(&key);
        assert!(question.keys().all(|key| is_known(key)), "{variable}: {question:?}");
        let may_be_empty = question.get("default").is_none_or(|default| default.is_array() || default.is_boolean());
        assert_eq!(question["required"], !may_be_empty, "{variable}");
    }
}

/// A rule is asked for its namespaces and for what a rule may name, as outside, and has nothing by default: what is left
/// empty is inherited.
#[test]
fn a_rule_is_asked_for_each_limit() {
    let rule: Vec<Map<String, Value>> =
        serde_json::from_value(question("namespaces")["sequence_questions"].clone()).unwrap();
    let (first, limits) = rule.split_first().unwrap();
    assert_eq!((&first["variable"], &first["type"]), (&"match".into(), &"string".into()));
    let in_a_rule = |key: &str, value: &Value| single("namespaces", json!([{"match": "*", key: value}]));
    let is_limit = |key: &str| !Settings::parse(&in_a_rule(key, &json!({}))).unwrap_err()[0].contains("not a limit");
    let expected: Vec<_> = Settings::ALL.iter().map(|row| row.key).filter(|key| is_limit(key)).collect();
    assert_eq!(limits.iter().map(|asked| asked["variable"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    for asked in limits {
        let outside = question(asked["variable"].as_str().unwrap());
        for key in ["label", "type", "min", "max", "options"] {
            assert_eq!(asked.get(key), outside.get(key), "{}: {key}", asked["variable"]);
        }
        assert_eq!((&asked["required"], asked.get("default")), (&false.into(), None));
    }
}

/// The numbers that the form lets through are those that the settings take.
#[test]
fn the_limits_of_numbers_are_those_of_the_settings() {
    for question in questions().iter().filter(|question| question["type"] == "int") {
        let key = question["variable"].as_str().unwrap();
        let [min, max] = ["min", "max"].map(|bound| question[bound].as_i64().unwrap());
        let taken = |number: i64| Settings::parse(&single(key, number.into())).is_ok();
        assert_eq!([min - 1, min, max, max + 1].map(taken), [false, true, true, false], "{key}");
    }
}

#[test]
fn artifact_hub_gets_these_questions() {
    assert_eq!(yaml("artifacthub-pkg.yml")["annotations"]["kubewarden/questions-ui"], text(FILE));
}
