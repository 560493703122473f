use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::json;

use super::*;

#[rstest]
#[case::nothing(json!(null))]
#[case::empty(json!({}))]
#[case::the_defaults_written_out(json!({
    "defaultDuration": "24h", "maxPriority": 1000, "requireReason": false, "protectedNamespaces": ["kube-system"],
    "directions": "Both", "unguardedNamespaces": [], "authorizeRequester": false, "overrideOwnedHpas": false,
    "crossNamespace": "Deny", "controllerUser": DEFAULT_CONTROLLER_USER,
}))]
fn defaults(#[case] document: Value) {
    assert_eq!(Settings::parse(&document), Ok(Settings::default()));
}

#[test]
fn the_default_is_shortened_to_the_longest() {
    let settings = Settings::parse(&json!({"maxDuration": "1h"})).unwrap();
    assert_eq!(settings.default_end, DefaultEnd::After("1h".parse().unwrap()));
}

#[test]
fn every_mistake_is_told() {
    let document = json!({
        "defaultDuration": "1.5h", "maxDuration": 5, "maxPriority": "9", "requireReason": "no",
        "protectedNamespaces": "kube-system", "crossNamespace": "Some", "controllerUser": "", "replicas": 3,
        "replicaCeiling": 0, "directions": "Up", "unguardedNamespaces": [1], "authorizeRequester": 1,
        "overrideOwnedHpas": null,
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
            "maxPriority: not a whole number of 32 bits".into(),
            "overrideOwnedHpas: not true or false".into(),
            "protectedNamespaces: not a list of names of namespaces".into(),
            "replicaCeiling: not a whole number from 1 to 2147483647".into(),
            "replicas: unknown setting".into(),
            "requireReason: not true or false".into(),
            "unguardedNamespaces: not a list of names of namespaces".into(),
        ])
    );
}

/// The rows and the parsing are side by side: each key that one of them has, the other has.
#[test]
fn every_setting_has_a_row() {
    let known = include_str!("../settings.rs").split_once("match key {").unwrap().1;
    let known = known.split_once("_ => return Err(\"unknown setting\"").unwrap().0;
    let known = known.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once('"')).map(|(key, _)| key);
    let rows = Settings::ALL.map(|row| row.key);
    assert_eq!(known.collect::<BTreeSet<_>>(), rows.into_iter().collect());
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
    assert_eq!(none.collect::<Vec<_>>(), ["replicaCeiling", "maxDuration"]);
}

#[rstest]
#[case::longer(json!({"defaultDuration": "2h", "maxDuration": "1h"}), "defaultDuration: 2h is longer than maxDuration 1h")]
#[case::never(json!({"defaultDuration": "Never", "maxDuration": "1h"}), "defaultDuration: `Never` contradicts maxDuration 1h")]
#[case::no_object(json!([]), "the settings are not an object")]
fn contradictions(#[case] document: Value, #[case] error: &str) {
    assert_eq!(Settings::parse(&document), Err(vec![error.into()]));
}
