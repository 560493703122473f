use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::json;

use super::*;

const LIMITS: &str = include_str!("limits.rs");

#[rstest]
#[case::nothing(json!(null))]
#[case::empty(json!({}))]
#[case::the_defaults_written_out(json!({
    "defaultDuration": "24h", "maxPriority": 1000, "requireReason": false, "protectedNamespaces": ["kube-system"],
    "directions": "Both", "unguardedNamespaces": [], "authorizeRequester": false, "overrideOwnedHpas": false,
    "crossNamespace": "Deny", "namespaces": [], "controllerUser": DEFAULT_CONTROLLER_USER,
}))]
fn defaults(#[case] document: Value) {
    assert_eq!(Settings::parse(&document), Ok(Settings::default()));
}

#[test]
fn the_default_is_shortened_to_the_longest() {
    let settings = Settings::parse(&json!({"maxDuration": "1h"})).unwrap();
    assert_eq!(settings.limits.default_end, DefaultEnd::After("1h".parse().unwrap()));
}

#[test]
fn every_mistake_is_told() {
    let document = json!({
        "defaultDuration": "1.5h", "maxDuration": 5, "maxPriority": "9", "requireReason": "no",
        "protectedNamespaces": "kube-system", "crossNamespace": "Some", "controllerUser": "", "replicas": 3,
        "replicaCeiling": 0, "directions": "Up", "unguardedNamespaces": [1], "authorizeRequester": 1,
        "overrideOwnedHpas": null, "maxFactor": 0, "namespaces": null,
    });
    assert_eq!(
        Settings::parse(&document),
        Err(vec![
            "authorizeRequester: not true or false".into(),
            "controllerUser: not the name of a user".into(),
            "crossNamespace: not `Deny`, `Authorized` or `Allow`".into(),
            "defaultDuration: `1.5h` is not a duration; write it like `90m` or `1d12h`: whole numbers with d, h, m, s \
             in that order, above zero and at most 36500d"
                .into(),
            "directions: not `Both` or `UpOnly`".into(),
            "maxDuration: not a duration: it must be text".into(),
            "maxFactor: not a whole number from 1 to 2147483647".into(),
            "maxPriority: not a whole number of 32 bits".into(),
            "overrideOwnedHpas: not true or false".into(),
            "protectedNamespaces: not a list of names of namespaces".into(),
            "replicaCeiling: not a whole number from 1 to 2147483647".into(),
            "replicas: unknown setting".into(),
            "requireReason: not true or false".into(),
            "unguardedNamespaces: not a list of names of namespaces".into(),
            "namespaces: not a list of rules".into(),
        ])
    );
}

/// The keys that a `match key {` in that file knows.
fn known(file: &'static str) -> impl Iterator<Item = &'static str> {
    let arms = file.split_once("match key {").unwrap().1.split_once("\n            _ => return").unwrap().0;
    arms.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once('"')).map(|(key, _)| key)
}

/// Each key that one of rows and parsing has, the other has.
#[test]
fn every_setting_has_a_row() {
    let known: BTreeSet<_> = known(include_str!("../settings.rs")).chain(known(LIMITS)).chain(["namespaces"]).collect();
    let rows = Settings::ALL.map(|row| row.key);
    assert_eq!(known, rows.into_iter().collect());
    for key in rows {
        let errors = Settings::parse(&json!({key: {}})).unwrap_err();
        assert_ne!(errors, [format!("{key}: unknown setting")]);
    }
}

#[test]
fn the_defaults_stated_are_the_defaults() {
    let stated = Settings::ALL.iter().filter_map(|row| Some(format!("{}: {}\n", row.key, row.default?)));
    let stated: Value = serde_saphyr::from_str(&stated.collect::<String>()).unwrap();
    assert_eq!(Settings::parse(&stated), Ok(Settings::default()));
    let none = Settings::ALL.iter().filter(|row| row.default.is_none()).map(|row| row.key);
    assert_eq!(none.collect::<Vec<_>>(), ["replicaCeiling", "maxFactor", "maxDuration"]);
}

#[rstest]
#[case::longer(json!({"defaultDuration": "2h", "maxDuration": "1h"}), "defaultDuration: 2h is longer than maxDuration 1h")]
#[case::never(json!({"defaultDuration": "Never", "maxDuration": "1h"}), "defaultDuration: `Never` contradicts maxDuration 1h")]
#[case::no_object(json!([]), "the settings are not an object")]
fn contradictions(#[case] document: Value, #[case] error: &str) {
    assert_eq!(Settings::parse(&document), Err(vec![error.into()]));
}

fn limits(settings: &Value) -> Limits {
    Settings::parse(settings).unwrap().limits
}

/// The limits of a namespace called dev-1 are those that this document would give to all.
#[rstest]
#[case::no_rule(json!({"replicaCeiling": 7}), json!({"replicaCeiling": 7}))]
#[case::no_rule_that_matches(json!({"replicaCeiling": 7, "namespaces": [{"match": "prod-*", "replicaCeiling": 9}]}),
    json!({"replicaCeiling": 7}))]
#[case::every_limit(
    json!({"namespaces": [{"match": "dev-*", "replicaCeiling": 1, "maxFactor": 2, "directions": "UpOnly",
                           "defaultDuration": "3h", "maxDuration": "4h", "maxPriority": 5, "requireReason": true}]}),
    json!({"replicaCeiling": 1, "maxFactor": 2, "directions": "UpOnly", "defaultDuration": "3h", "maxDuration": "4h",
           "maxPriority": 5, "requireReason": true}))]
#[case::the_rest_is_inherited(
    json!({"replicaCeiling": 1, "maxFactor": 2, "directions": "UpOnly", "defaultDuration": "3h", "maxDuration": "4h",
           "maxPriority": 5, "requireReason": true, "namespaces": [{"match": "dev-*", "replicaCeiling": 6}]}),
    json!({"replicaCeiling": 6, "maxFactor": 2, "directions": "UpOnly", "defaultDuration": "3h", "maxDuration": "4h",
           "maxPriority": 5, "requireReason": true}))]
#[case::nothing_named_inherits_all(
    json!({"replicaCeiling": 7, "namespaces": [{"match": "dev-1"}, {"match": "dev-*", "replicaCeiling": 9}]}),
    json!({"replicaCeiling": 7}))]
#[case::the_first_that_matches(
    json!({"namespaces": [{"match": "prod"}, {"match": "*1", "maxPriority": 1}, {"match": "*", "maxPriority": 2}]}),
    json!({"maxPriority": 1}))]
#[case::no_rule_inherits_from_another(
    json!({"namespaces": [{"match": "dev-*", "maxPriority": 1}, {"match": "*", "maxFactor": 2}]}),
    json!({"maxPriority": 1}))]
#[case::an_inherited_default_is_shortened(
    json!({"defaultDuration": "12h", "namespaces": [{"match": "dev-*", "maxDuration": "8h"}]}),
    json!({"defaultDuration": "8h", "maxDuration": "8h"}))]
#[case::an_inherited_never_too(
    json!({"defaultDuration": "Never", "namespaces": [{"match": "dev-*", "maxDuration": "8h"}]}),
    json!({"defaultDuration": "8h", "maxDuration": "8h"}))]
#[case::an_inherited_default_is_not_lengthened(
    json!({"defaultDuration": "1h", "maxDuration": "1h", "namespaces": [{"match": "dev-*", "maxDuration": "8h"}]}),
    json!({"defaultDuration": "1h", "maxDuration": "8h"}))]
#[case::no_default_given_is_24h_or_the_rules_longest(
    json!({"maxDuration": "1h", "namespaces": [{"match": "dev-*", "maxDuration": "8h"}]}),
    json!({"maxDuration": "8h"}))]
#[case::a_default_within_the_inherited_longest(
    json!({"maxDuration": "8h", "namespaces": [{"match": "dev-*", "defaultDuration": "2h"}]}),
    json!({"maxDuration": "8h", "defaultDuration": "2h"}))]
fn by_namespace(#[case] settings: Value, #[case] expected: Value) {
    assert_eq!(*Settings::parse(&settings).unwrap().limits_in(Some("dev-1")), limits(&expected));
}

#[test]
fn where_the_namespace_is_not_known_no_rule_matches() {
    let settings = Settings::parse(&json!({"namespaces": [{"match": "*", "maxPriority": 1}]})).unwrap();
    assert_eq!(*settings.limits_in(None), Limits::default());
    assert_eq!(settings.limits_in(Some("")).max_priority, 1);
}

#[test]
fn every_mistake_in_every_rule_is_told() {
    let document = json!({
        "maxDuration": "8h", "requireReason": 1,
        "namespaces": [
            "dev-*",
            {"match": "dev-*", "defaultDuration": "9h", "replicaCeiling": 0, "maxFactor": 1.5, "ceiling": 3},
            {"defaultDuration": "Never", "crossNamespace": "Allow"},
            {"match": "Dev", "directions": "Down", "maxDuration": null, "requireReason": "no", "maxPriority": "1"},
            {"match": 7, "maxDuration": "1h", "defaultDuration": "2h", "namespaces": []},
        ],
    });
    let unknown = "not a limit; a rule has `match`, replicaCeiling, maxFactor, directions, defaultDuration, maxDuration, \
                   maxPriority and requireReason";
    assert_eq!(
        Settings::parse(&document),
        Err(vec![
            "requireReason: not true or false".into(),
            "namespaces[0]: not a rule: it must be an object with `match`".into(),
            format!("namespaces[1].ceiling: {unknown}"),
            "namespaces[1].maxFactor: not a whole number from 1 to 2147483647".into(),
            "namespaces[1].replicaCeiling: not a whole number from 1 to 2147483647".into(),
            "namespaces[1].defaultDuration: 9h is longer than maxDuration 8h".into(),
            format!("namespaces[2].crossNamespace: {unknown}"),
            "namespaces[2].match: it is missing; name the namespaces, for example `dev-*`".into(),
            "namespaces[2].defaultDuration: `Never` contradicts maxDuration 8h".into(),
            "namespaces[3].directions: not `Both` or `UpOnly`".into(),
            "namespaces[3].maxDuration: not a duration: it must be text".into(),
            "namespaces[3].maxPriority: not a whole number of 32 bits".into(),
            "namespaces[3].requireReason: not true or false".into(),
            "namespaces[3].match: `Dev` matches no namespace; use lower-case letters, digits and inner `-`, and `*` for any \
             text"
                .into(),
            format!("namespaces[4].namespaces: {unknown}"),
            "namespaces[4].match: not text".into(),
            "namespaces[4].defaultDuration: 2h is longer than maxDuration 1h".into(),
        ])
    );
}

/// What is wrong outside is reported once, and not again for each rule that inherits it.
#[test]
fn a_contradiction_outside_is_none_of_the_rules() {
    let document = json!({"defaultDuration": "Never", "maxDuration": "1h", "namespaces": [{"match": "*"}]});
    assert_eq!(Settings::parse(&document), Err(vec!["defaultDuration: `Never` contradicts maxDuration 1h".into()]));
}

#[test]
fn a_rule_takes_each_of_its_keys_and_no_other() {
    for key in NamespaceRule::KEYS.into_iter().chain(["controllerUser"]) {
        let errors = Settings::parse(&json!({"namespaces": [{"match": "*", key: {}}]})).unwrap_err();
        let is_unknown = errors.iter().any(|error| error.contains("not a limit"));
        assert_eq!(is_unknown, key == "controllerUser", "{key}: {errors:?}");
    }
}
