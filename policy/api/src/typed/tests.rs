use crate::{ErrorCode, call};

use super::*;

const NOW: &str = "2026-11-27T06:00:00Z";

/// A situation with every kind of amount, a gradual return, and an override of every mode.
fn situation() -> Value {
    let ovr = |name: &str, spec: Value| json!({"metadata": {"namespace": "shop", "name": name, "uid": name, "creationTimestamp": NOW}, "spec": spec});
    let overrides = [
        ovr(
            "a",
            json!({"hpa": "web", "minReplicas": 10, "maxReplicas": "150%", "duration": "1h", "returnOver": "10m"}),
        ),
        ovr("b", json!({"hpa": "web", "minReplicas": "desired+5", "mode": "Raise", "duration": "2h"})),
        ovr("c", json!({"hpa": "web", "maxReplicas": "desired-1", "mode": "Cap", "priority": 1, "duration": "30m"})),
        ovr("d", json!({"hpa": "web", "minReplicas": "current", "maxReplicas": "current+5", "duration": "2h"})),
        ovr("e", json!({"hpa": "web", "minReplicas": "current-5", "duration": "2h"})),
        ovr("f", json!({"hpa": "web", "minReplicas": "current-50%", "maxReplicas": "current+5%", "duration": "2h"})),
    ];
    let status = json!({"desiredReplicas": 30, "conditions": [{"type": "AbleToScale", "status": "True"}]});
    let hpa = json!({"metadata": {"namespace": "shop", "name": "web", "resourceVersion": "7"}, "status": status,
                     "spec": {"minReplicas": 20, "maxReplicas": 50, "odd_key": {"oddKey": null}}});
    json!({"now": NOW, "settings": {"maxDuration": "7d"}, "hpa": hpa, "overrides": overrides, "mayPatch": "notAsked",
           "remembered": null})
}

fn with(mut argument: Value, key: &str, value: Value) -> Value {
    argument[key] = value;
    argument
}

#[test]
fn an_argument_is_typed() {
    let typed = to_typed(situation());
    assert_eq!((&typed["now"], &typed["may_patch"]), (&json!(1_795_759_200), &json!("NotAsked")));
    assert_eq!(typed["settings"], json!(r#"{"maxDuration":"7d"}"#));
    assert!(typed["overrides"][2].is_string() && typed["hpa"].is_string());
}

#[test]
fn an_answer_is_typed() {
    let typed = to_typed(call("effectiveBounds", &situation()).unwrap());
    let layers = typed["layers"].as_array().unwrap();
    assert_eq!(layers[0]["max_replicas"], json!({"Fewer": 1}));
    assert_eq!(layers[1]["max_replicas"], json!({"Percent": 150}));
    assert_eq!((&layers[1]["return_over"], &layers[1]["min_replicas"]), (&json!(600), &json!({"Literal": 10})));
    assert_eq!(layers[2]["min_replicas"], json!({"More": 5}));
    assert_eq!((&layers[0]["priority"], &layers[1]["priority"]), (&json!(1), &json!(0)));
    assert_eq!(
        (&layers[3]["min_replicas"], &layers[3]["max_replicas"]),
        (&json!("Current"), &json!({"CurrentMore": 5}))
    );
    assert_eq!((&layers[4]["min_replicas"], &layers[4]["current"]), (&json!({"CurrentFewer": 5}), &json!(30)));
    assert_eq!(layers[5]["min_replicas"], json!({"CurrentFewerPercent": 50}));
    assert_eq!(layers[5]["max_replicas"], json!({"CurrentMorePercent": 5}));
    assert_eq!(typed["phases"][0], json!({"by": "shop/a", "phase": "Active"}));
    assert_eq!(typed["desired"], json!({"min_replicas": 20, "max_replicas": 50}));
}

#[test]
fn what_is_typed_comes_back() {
    let situation = situation();
    let object = situation["overrides"][0].clone();
    let review = json!({"now": NOW, "object": with(object.clone(), "spec", json!({})), "old": null,
                        "request": {"user": "alice", "groups": ["a"], "subResource": ""}, "mayPatch": "yes"});
    let admit = json!({"now": NOW, "object": situation["hpa"], "old": situation["hpa"], "request": {"user": "alice"}});
    let status = json!({"now": NOW, "object": object, "hpas": [situation["hpa"]], "overrides": []});
    let calls = [
        ("reviewOverride", review),
        ("admitHpa", admit),
        ("planHpa", situation.clone()),
        ("planStatus", status),
        ("effectiveBounds", situation.clone()),
        ("timeline", with(situation.clone(), "until", json!("2026-11-28T06:00:00Z"))),
        ("nextTransition", situation),
        ("validateSettings", json!({"settings": {"a": 1}})),
    ];
    for (function, argument) in calls {
        let answer = call(function, &argument).unwrap();
        assert_eq!(from_typed(to_typed(argument.clone())), Ok(argument), "{function}");
        assert_eq!(from_typed(to_typed(answer.clone())), Ok(answer), "{function}");
    }
}

#[test]
fn seconds_outside_the_years_stay_for_the_door_to_refuse() {
    let argument = from_typed(with(to_typed(situation()), "now", json!(-1))).unwrap();
    assert_eq!(call("planHpa", &argument).unwrap_err().code, ErrorCode::InstantInvalid);
}

#[test]
fn text_that_is_no_json_is_told_with_its_path() {
    let error = from_typed(json!({"now": 0, "overrides": ["{}", "{"]})).unwrap_err();
    assert_eq!((error.path.as_str(), error.code), ("overrides[1]", ErrorCode::JsonInvalid));
    assert_eq!(error.message, "it cannot be read: EOF while parsing an object at line 1 column 1");
    assert_eq!(from_typed(json!({"settings": ""})).unwrap_err().path, "settings");
}
