//! The component as shipped, on wasmtime: every function answers as the JSON door does, and no input breaks it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{path::Path, time::Instant};

use hpa_override_core::json::functions;
use hpa_override_testbed::doors::{Component, Door, Native};
use rstest::rstest;
use serde_json::{Value, json};

const NOW: &str = "2026-11-27T06:00:00Z";

fn component() -> Component {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/hpa-override.component.wasm");
    assert!(file.exists(), "there is no dist/hpa-override.component.wasm; run `cargo xtask dist`");
    Component::load(&file).unwrap()
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
fn every_function_answers_as_the_json_door_does() {
    let component = component();
    for function in functions() {
        let argument = match function {
            "validateSettings" => json!({"settings": {"maxDuration": 7, "replicas": 1}}),
            function => argument(function),
        };
        let native = Native::answer(function, &argument);
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
fn bad_input_is_told(#[case] function: &str, #[case] argument: Value, #[case] code: &str, #[case] path: &str) {
    let component = component();
    let told = component.ask(function, &argument).unwrap().unwrap();
    assert_eq!(told, Native::answer(function, &argument));
    let finding = match &told {
        Ok(review) => review["report"]["errors"].as_array().unwrap().iter().find(|finding| finding["code"] == code),
        Err(error) => Some(error),
    };
    assert_eq!(
        finding.map(|finding| (&finding["code"], &finding["path"])),
        Some((&json!(code), &json!(path))),
        "{told:?}"
    );
    the_next_call_answers(&component);
}

fn the_next_call_answers(component: &Component) {
    let next = component.ask("planHpa", &argument("planHpa")).unwrap().unwrap();
    assert_eq!(next, Native::answer("planHpa", &argument("planHpa")));
}

/// Where JSON is text, it may be none.
#[rstest]
#[case::none("{", "EOF while parsing an object at line 1 column 1")]
#[case::empty("", "EOF while parsing a value at line 1 column 0")]
#[case::ten_megabytes_deep(&"[".repeat(10_000_000), "recursion limit exceeded at line 1 column 128")]
fn text_that_is_no_json_is_told_with_its_path(#[case] text: &str, #[case] why: &str) {
    let (component, start) = (component(), Instant::now());
    let error =
        |path: &str| json!({"path": path, "code": "jsonInvalid", "message": format!("it cannot be read: {why}")});
    assert_eq!(component.validate_settings(text).unwrap(), Err(error("settings")));
    assert_eq!(component.next_transition(text, "{}").unwrap(), Err(error("hpa")));
    assert_eq!(component.next_transition("{}", text).unwrap(), Err(error("overrides[0]")));
    the_next_call_answers(&component);
    assert!(start.elapsed().as_secs() < 30, "it takes too long");
}
