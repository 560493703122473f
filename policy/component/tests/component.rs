//! The component as shipped, on wasmtime: every function answers as the JSON API does, and no input breaks it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use hpa_override_api::{MOST_TEXT, functions};
use hpa_override_conformance::{Outcome, Question, bindings::Component};
use rstest::rstest;
use serde_json::{Value, json};

const NOW: &str = "2026-11-27T06:00:00Z";

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// One for all tests: after whatever one of them asks, it answers the others.
fn component() -> &'static Component {
    static COMPONENT: LazyLock<Component> = LazyLock::new(|| {
        let file = file("dist/hpa-override.component.wasm");
        assert!(file.exists(), "there is no dist/hpa-override.component.wasm; run `cargo xtask dist`");
        Component::load(&file).unwrap()
    });
    &COMPONENT
}

fn native(function: &str, argument: &Value) -> Outcome {
    Question::new(function, argument.clone()).native()
}

#[test]
fn it_ends_with_its_interface_and_the_documentation() {
    let component = fs::read(file("dist/hpa-override.component.wasm")).unwrap();
    assert!(component.ends_with(&fs::read(file("wit/override.wit")).unwrap()));
}

fn hpa() -> Value {
    json!({"metadata": {"namespace": "shop", "name": "web", "resourceVersion": "7"},
           "spec": {"minReplicas": 20, "maxReplicas": 50}})
}

fn overrides() -> Value {
    let ovr = |name: &str, spec: Value| json!({"metadata": {"namespace": "shop", "name": name, "uid": name, "creationTimestamp": NOW}, "spec": spec});
    let schedule = json!({"cron": "0 8 * * MON-FRI", "timeZone": "Europe/Rome"});
    json!([
        ovr(
            "a",
            json!({"hpa": "web", "minReplicas": 10, "maxReplicas": "150%", "duration": "1h", "returnOver": "10m"})
        ),
        ovr("b", json!({"hpa": "web", "minReplicas": "desired+5", "mode": "Raise", "duration": "2h"})),
        ovr("c", json!({"hpa": "web", "maxReplicas": "desired-1", "mode": "Cap", "priority": 1, "duration": "30m"})),
        ovr("d", json!({"hpa": "web", "minReplicas": 30, "duration": "2h", "schedule": schedule})),
    ])
}

/// An argument that has what every function takes; each takes its part.
fn argument(function: &str) -> Value {
    let (hpa, overrides, request) = (hpa(), overrides(), json!({"user": "alice", "groups": ["a"], "subResource": ""}));
    let mut argument = match function {
        "reviewOverride" => json!({"object": overrides[0], "old": overrides[1], "request": request, "mayPatch": "no"}),
        "admitHpa" => json!({"object": hpa, "old": hpa, "request": request}),
        "planStatus" => json!({"object": overrides[0], "hpas": [hpa], "overrides": overrides, "mayPatch": "yes"}),
        "timeline" => json!({"hpa": hpa, "overrides": overrides, "until": "2026-12-27T06:00:00Z"}),
        _ => json!({"hpa": hpa, "overrides": overrides, "mayPatch": "unavailable", "remembered": "{}"}),
    };
    argument["now"] = NOW.into();
    argument["settings"] = json!({"replicaCeiling": 100});
    argument
}

#[test]
fn every_function_answers_as_the_json_api_does() {
    let component = component();
    for function in functions() {
        let argument = match function {
            "validateSettings" => json!({"settings": {"maxDuration": 7, "replicas": 1}}),
            function => argument(function),
        };
        let native = native(function, &argument);
        assert!(native.is_ok(), "{function}: {native:?}");
        assert_eq!(component.ask(function, &argument).unwrap(), Some(native), "{function}");
    }
}

fn with(function: &str, key: &str, value: Value) -> Value {
    let mut argument = argument(function);
    argument[key] = value;
    argument
}

fn spec(key: &str, value: Value) -> Value {
    let mut object = overrides()[3].clone();
    object["spec"][key] = value;
    with("reviewOverride", "object", object)
}

/// Each is a typed error, or the report has it; the next call answers.
#[rstest]
#[case::before_the_years("planHpa", with("planHpa", "now", json!(946_684_799)), "instantInvalid", "now")]
#[case::behind_the_years("admitHpa", with("admitHpa", "now", json!(221_876_928_000_i64)), "instantInvalid", "now")]
#[case::least_number("timeline", with("timeline", "until", json!(i64::MIN)), "instantInvalid", "until")]
#[case::settings("nextTransition", with("nextTransition", "settings", json!({"a": 1})), "settingsInvalid", "settings")]
#[case::beyond_int32("effectiveBounds", with("effectiveBounds", "hpa", json!({"spec": {"maxReplicas": 1_i64 << 40}})),
    "hpaInvalid", "hpa.spec")]
#[case::amount_beyond_int32("reviewOverride", spec("minReplicas", json!(1_i64 << 40)), "amountInvalid", "spec.minReplicas")]
#[case::unknown_zone("reviewOverride", spec("schedule", json!({"cron": "0 8 * * *", "timeZone": "Europe/Nowhere"})),
    "timeZoneUnknown", "spec.schedule.timeZone")]
#[case::endless_cron("reviewOverride", spec("schedule", json!({"cron": "0,".repeat(50_000)})), "cronInvalid",
    "spec.schedule.cron")]
#[case::garbled_object("reviewOverride", with("reviewOverride", "object", json!([1, null, "x"])), "targetMissing", "spec")]
fn bad_input_is_reported(#[case] function: &str, #[case] argument: Value, #[case] code: &str, #[case] path: &str) {
    let component = component();
    let answer = component.ask(function, &argument).unwrap().unwrap();
    assert_eq!(answer, native(function, &argument));
    let finding = match &answer {
        Ok(review) => review["report"]["errors"].as_array().unwrap().iter().find(|finding| finding["code"] == code),
        Err(error) => Some(error),
    };
    assert_eq!(
        finding.map(|finding| (&finding["code"], &finding["path"])),
        Some((&json!(code), &json!(path))),
        "{answer:?}"
    );
    the_next_call_answers(component);
}

fn the_next_call_answers(component: &Component) {
    let next = component.ask("planHpa", &argument("planHpa")).unwrap().unwrap();
    assert_eq!(next, native("planHpa", &argument("planHpa")));
}

/// Where JSON is text, it may be none.
#[rstest]
#[case::none("{", "EOF while parsing an object at line 1 column 1")]
#[case::empty("", "EOF while parsing a value at line 1 column 0")]
#[case::too_deep(&nested(128), "recursion limit exceeded at line 1 column 128")]
#[case::as_deep_as_can_be(&"[".repeat(8_000_000), "recursion limit exceeded at line 1 column 128")]
#[case::beyond_the_doubles("1e999", "number out of range at line 1 column 5")]
#[case::lone_surrogate(r#""\ud800""#, "unexpected end of hex escape at line 1 column 8")]
fn text_that_is_no_json_is_reported_with_its_path(#[case] text: &str, #[case] why: &str) {
    let component = component();
    let error =
        |path: &str| json!({"path": path, "code": "jsonInvalid", "message": format!("it cannot be read: {why}")});
    assert_eq!(component.validate_settings(text).unwrap(), Err(error("settings")));
    assert_eq!(component.next_transition(text, "{}").unwrap(), Err(error("hpa")));
    assert_eq!(component.next_transition("{}", text).unwrap(), Err(error("overrides[0]")));
    the_next_call_answers(component);
}

fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[test]
fn objects_may_be_nested_127_levels_deep() {
    let component = component();
    let errors = json!({"errors": ["the settings are not an object"]});
    assert_eq!(component.validate_settings(&nested(127)).unwrap(), Ok(errors));
    let none = component.next_transition(r#"{"spec": {"maxReplicas": 5}}"#, &nested(127)).unwrap();
    assert_eq!(none, Ok(json!({"nextTransition": null})));
}

#[test]
fn a_question_that_is_too_long_is_refused() {
    let component = component();
    let sentence = "it is longer than 8 MiB; leave out what does not matter to it";
    let refused = Err(json!({"path": "", "code": "jsonInvalid", "message": sentence}));
    assert_eq!(component.validate_settings(&" ".repeat(100_000_000)).unwrap(), refused);
    the_next_call_answers(component);
    let half = " ".repeat(MOST_TEXT / 2) + "null";
    assert_eq!(component.next_transition(&half, &half).unwrap(), refused, "the sum counts");
}

/// What takes the most memory for its length: objects in objects, with keys of no letters.
#[test]
fn the_densest_question_is_answered() {
    const LEVELS: usize = 118;
    let component = component();
    let dense = (0..LEVELS).fold(json!(0), |inner, _| json!({ "": inner }));
    for (function, mut object) in [("admitHpa", hpa()), ("reviewOverride", overrides()[0].clone())] {
        object["dense"] = vec![dense.clone(); MOST_TEXT / (5 * LEVELS + 2) - 10].into();
        let dense = with(function, "object", object);
        let answer = component.ask(function, &dense).unwrap().unwrap();
        assert!(answer == native(function, &dense), "{function}");
        the_next_call_answers(component);
    }
}

#[test]
fn what_is_not_named_is_written_anew() {
    let spec = r#"{"hpa": "web", "minReplicas": 2, "duration": "1h"}"#;
    let unknown = r#""z": [18446744073709551615, 18446744073709551616, 2.0, -0, 1e2], "y": 1, "y": 2"#;
    let object = format!(r#"{{{unknown}, "metadata": {{"namespace": "shop", "name": "a"}}, "spec": {spec}}}"#);
    let request = json!({"user": "alice", "groups": [], "sub_resource": ""});
    let asked = json!({"now": 1_795_759_200, "object": object, "request": request});
    let review = component().ask_typed("reviewOverride", asked).unwrap().unwrap().unwrap();
    let end = r#","y":2,"z":[18446744073709551615,1.8446744073709552e+19,2.0,-0.0,100.0]}"#;
    assert!(review["object"].to_string().ends_with(end), "{review}");
}
