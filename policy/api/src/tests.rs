use hpa_override_core::Settings;
use rstest::rstest;
use serde_json::json;

use super::*;

const NOW: &str = "2026-11-27T06:00:00Z";

fn hpa() -> Value {
    json!({"metadata": {"namespace": "shop", "name": "web", "resourceVersion": "7"},
           "spec": {"minReplicas": 2, "maxReplicas": 5}})
}

fn ovr() -> Value {
    json!({"metadata": {"namespace": "shop", "name": "a", "uid": "u", "creationTimestamp": NOW},
           "spec": {"hpa": "web", "maxReplicas": 20, "duration": "1h"}})
}

#[test]
fn reviews() {
    let argument = json!({"now": NOW, "object": {"metadata": {"namespace": "shop"}, "spec": {"hpa": "web"}},
                          "old": null, "request": {"user": "alice", "groups": ["devs"]}});
    let sentence = "no bounds: set minReplicas, maxReplicas or both";
    let answer = call("reviewOverride", &argument).unwrap();
    let error = json!({"path": "spec", "code": "noBounds", "message": sentence});
    assert_eq!(answer["report"]["errors"], json!([error]));
    assert_eq!(answer["report"]["warnings"][0]["code"], "endsByDefault");
    assert_eq!(answer["object"], Value::Null);
}

#[test]
fn a_requester_that_is_not_there_is_removed_without_a_trace() {
    let argument = json!({"now": NOW, "object": {}, "old": {}});
    assert_eq!(call("reviewOverride", &argument).unwrap()["object"], Value::Null);
}

#[test]
fn admits() {
    let argument = json!({"now": NOW, "object": hpa(), "old": hpa(), "request": {"user": "alice"}});
    assert_eq!(call("admitHpa", &argument), Ok(json!({"object": null, "warnings": []})));
}

#[test]
fn plans() {
    let argument = json!({"now": NOW, "hpa": hpa(), "overrides": [ovr()], "remembered": null});
    let answer = call("planHpa", &argument).unwrap();
    assert_eq!(answer["patch"]["spec"], json!({"maxReplicas": 20}));
    assert_eq!(answer["patch"]["metadata"]["annotations"]["hpa-override.dev/record"], answer["remember"]);
    assert_eq!((&answer["confirm"], &answer["nextTransition"]), (&json!(false), &json!("2026-11-27T07:00:00Z")));
    assert_eq!(answer["phases"], json!({"shop/a": "Active"}));
    assert_eq!(answer["events"].as_array().map(Vec::len), Some(2));
}

#[test]
fn plans_with_what_is_remembered() {
    let record = json!({"v": 1, "asOf": NOW, "desired": {"minReplicas": 1, "maxReplicas": 4},
                        "effective": {"minReplicas": 2, "maxReplicas": 5}, "ours": {"minReplicas": [2]}});
    let argument = json!({"now": NOW, "hpa": hpa(), "overrides": [], "remembered": record.to_string()});
    let patch = call("planHpa", &argument).unwrap()["patch"].clone();
    assert_eq!(patch["spec"], json!({"minReplicas": 1, "maxReplicas": 4}));
}

#[test]
fn plans_the_status() {
    let argument = json!({"now": NOW, "object": ovr(), "hpas": [], "overrides": [ovr()]});
    let answer = call("planStatus", &argument).unwrap();
    assert_eq!(answer["status"]["conditions"][0]["reason"], "TargetNotFound");
    assert_eq!(answer["nextTransition"], "2026-11-27T07:00:00Z");
}

#[test]
fn plans_no_status_while_a_target_is_to_be_written() {
    let argument = json!({"now": NOW, "object": ovr(), "hpas": [hpa()], "overrides": [ovr()]});
    assert_eq!(call("planStatus", &argument).unwrap()["status"], Value::Null);
}

#[rstest]
#[case::good(json!({"maxDuration": "7d"}), json!([]))]
#[case::absent(json!(null), json!([]))]
#[case::bad(json!({"maxDuration": 7, "replicas": 1}),
    json!(["maxDuration: not a duration: it must be text", "replicas: unknown setting"]))]
fn validates_settings(#[case] settings: Value, #[case] errors: Value) {
    assert_eq!(call("validateSettings", &json!({"settings": settings})), Ok(json!({"errors": errors})));
}

#[test]
fn may_patch_is_an_argument() {
    let settings = json!({"authorizeRequester": true});
    let mut ovr = ovr();
    ovr["metadata"]["annotations"] = json!({"hpa-override.dev/requested-by": r#"{"user":"alice","groups":[]}"#});
    let phase = |may_patch: Value| {
        let argument =
            json!({"now": NOW, "settings": settings, "hpa": hpa(), "overrides": [ovr], "mayPatch": may_patch});
        call("planHpa", &argument).unwrap()["phases"]["shop/a"].clone()
    };
    assert_eq!([phase(json!("yes")), phase(json!("no")), phase(json!(null))], ["Active", "Blocked", "Blocked"]);
}

#[test]
fn previews() {
    let argument = json!({"now": NOW, "hpa": hpa(), "overrides": [ovr()]});
    let (owner, ours) = (json!({"minReplicas": 2, "maxReplicas": 5}), json!({"minReplicas": 2, "maxReplicas": 20}));
    let layer = json!({"by": "shop/a", "uid": "u", "mode": "Set", "maxReplicas": 20, "until": "2026-11-27T07:00:00Z"});
    let begun =
        json!({"at": NOW, "desired": owner, "effective": ours, "layers": [layer], "phases": {"shop/a": "Active"}});
    assert_eq!(call("effectiveBounds", &argument).unwrap(), begun);
    let end = "2026-11-27T07:00:00Z";
    assert_eq!(call("nextTransition", &argument), Ok(json!({"nextTransition": end})));
    let ended = json!({"at": end, "desired": owner, "effective": owner, "layers": [], "phases": {"shop/a": "Expired"}});
    let over = |until: &str| {
        let mut argument = argument.clone();
        argument["until"] = until.into();
        call("timeline", &argument).unwrap()
    };
    assert_eq!(over(end), json!({"points": [begun], "goesOnAt": end}));
    assert_eq!(over("2026-11-27T07:00:01Z"), json!({"points": [begun, ended], "goesOnAt": null}));
}

#[test]
fn an_instant_may_be_given_in_seconds() {
    let next = |now: Value| call("nextTransition", &json!({"now": now, "hpa": hpa(), "overrides": [ovr()]}));
    assert_eq!(next(json!(1_795_759_200)), next(json!(NOW)));
}

#[test]
fn text_in_text_out() {
    let text = json!({"settings": {"maxDuration": "7d"}}).to_string();
    assert_eq!(call_text("validateSettings", &text).as_deref(), Ok(r#"{"errors":[]}"#));
    let error = |text: &str| call_text("planHpa", text).unwrap_err();
    assert_eq!(error("{").to_string(), "the argument cannot be read: EOF while parsing an object at line 1 column 1");
    let deep = error(&"[".repeat(1_000_000));
    assert_eq!(deep.code, ErrorCode::JsonInvalid);
    assert_eq!(deep.message, "the argument cannot be read: recursion limit exceeded at line 1 column 128");
}

#[test]
fn a_question_may_be_eight_mebibytes_and_no_more() {
    let refused = Err("it is longer than 8 MiB; leave out what does not matter to it");
    let as_text = |text: &str| call_text("planHpa", text).map_err(|error| error.to_string());
    let blank = r#"{"now": "2026-11-27T06:00:00Z"}"#.to_owned() + &" ".repeat(MOST_TEXT - 31);
    assert!(as_text(&blank).is_ok());
    assert_eq!(as_text(&(blank + " ")).as_ref().map(String::as_str).map_err(String::as_str), refused);
    let typed = |most: usize| {
        let hpas = [7, most - 7].map(|length| " ".repeat(length - 4) + "null");
        let argument = json!({"now": 1_795_759_200, "object": "{}", "hpas": hpas});
        call_typed("planStatus", argument).map(|_| "").map_err(|error| error.to_string())
    };
    assert_eq!(typed(MOST_TEXT - 2), Ok(""));
    assert_eq!(typed(MOST_TEXT - 1).as_ref().map(|message| *message).map_err(String::as_str), refused);
}

#[test]
fn the_typed_form_goes_in_and_comes_out() {
    let argument = json!({"now": 1_795_759_200, "hpa": hpa().to_string(), "overrides": [ovr().to_string()]});
    assert_eq!(call_typed("nextTransition", argument), Ok(json!({"next_transition": 1_795_762_800})));
}

#[test]
fn long_input_is_cut() {
    let (long, shown) = ("x\n".repeat(1_000), "x ".repeat(40) + "...");
    let error = |argument: Value| call("planHpa", &argument).unwrap_err();
    let sentence = error(json!({"now": long})).message;
    assert!(sentence.starts_with(&format!("`{shown}` is not an instant")), "{sentence}");
    assert_eq!(error(json!({"now": NOW, long.clone(): 1})).path, shown);
    let settings = json!({long.clone(): 1, "maxDuration": long});
    let errors = Settings::parse(&settings).unwrap_err();
    assert!(errors[0].starts_with(&format!("maxDuration: `{shown}` is not a duration")), "{errors:?}");
    assert_eq!(errors[1], format!("{shown}: unknown setting"));
}

/// The record could not name it, and would be unreadable ever after.
#[rstest]
#[case::no_name(json!({"namespace": "shop"}), "shop/")]
#[case::no_namespace(json!({"name": "a"}), "/a")]
#[case::a_name_of_two_parts(json!({"namespace": "shop", "name": "a/b"}), "shop/a/b")]
#[case::no_name_of_kubernetes(json!({"namespace": "shop", "name": "A B!"}), "shop/A B!")]
#[case::a_long_namespace(json!({"namespace": "x".repeat(64), "name": "a"}), &format!("{}/a", "x".repeat(64)))]
#[case::a_name_longer_than_any(json!({"namespace": "shop", "name": "x".repeat(70_000)}), &format!("shop/{}...", "x".repeat(80)))]
fn one_that_cannot_be_named_is_never_active(#[case] metadata: Value, #[case] id: &str) {
    let mut nameless = ovr();
    nameless["metadata"] = metadata;
    let argument = json!({"now": NOW, "hpa": hpa(), "overrides": [nameless, ovr()]});
    let plan = call("planHpa", &argument).unwrap();
    assert_eq!(plan["phases"], json!({"shop/a": "Active", id: "Invalid"}));
    assert_eq!(plan["patch"]["spec"], json!({"maxReplicas": 20}), "the others go on");
}

#[test]
fn a_uid_of_any_length_leaves_the_record_readable() {
    let mut ovr = ovr();
    ovr["metadata"]["uid"] = "u".repeat(70_000).into();
    let argument = json!({"now": NOW, "hpa": hpa(), "overrides": [ovr], "until": "2026-11-27T08:00:00Z"});
    let points = call("timeline", &argument).unwrap()["points"].clone();
    let phase = |point: usize| points[point]["phases"]["shop/a"].clone();
    assert_eq!([phase(0), phase(1)], ["Active", "Expired"]);
    assert_eq!(points[1]["effective"], json!({"minReplicas": 2, "maxReplicas": 5}));
}

#[test]
fn a_timeline_of_many_overrides_looks_at_fewer_instants() {
    let recurring = |number: usize| {
        let metadata = json!({"namespace": "shop", "name": format!("a{number}"), "uid": "u", "creationTimestamp": NOW});
        let schedule = json!({"cron": "* * * * *"});
        json!({"metadata": metadata, "spec": {"hpa": "web", "maxReplicas": 9, "duration": "1m", "schedule": schedule}})
    };
    let overrides: Vec<Value> = (0..3200).map(recurring).collect();
    let argument = json!({"now": NOW, "hpa": hpa(), "overrides": overrides, "until": "2026-11-28T00:00:00Z"});
    let span = call("timeline", &argument).unwrap();
    assert_eq!(span["points"].as_array().map(Vec::len), Some(10));
    assert_eq!(span["goesOnAt"], "2026-11-27T06:10:00Z");
}

#[test]
fn a_status_of_too_many_pairs_is_refused() {
    let asked = |hpas: usize| {
        let argument =
            json!({"now": NOW, "object": ovr(), "hpas": vec![Value::Null; hpas], "overrides": vec![json!({}); 1000]});
        call("planStatus", &argument)
    };
    assert!(asked(1000).is_ok());
    let message = "their number times that of the overrides is over 1000000; leave out what does not matter to it";
    assert_eq!(asked(1001), Err(Error::new("hpas", ErrorCode::JsonInvalid, message)));
}

#[test]
fn a_timeline_ends_also_where_nothing_changes() {
    let mut blocked = ovr();
    blocked["spec"]["duration"] = "1m".into();
    blocked["spec"]["schedule"] = json!({"cron": "* * * * *"});
    let argument = json!({"now": NOW, "hpa": hpa(), "overrides": [blocked], "until": "8999-01-01T00:00:00Z",
                          "settings": {"replicaCeiling": 6}});
    let span = call("timeline", &argument).unwrap();
    assert_eq!(span["points"].as_array().map(Vec::len), Some(1));
    assert_eq!(span["goesOnAt"], "2026-11-27T22:40:00Z", "a thousand minutes");
}

#[rstest]
#[case::function("plan", json!({"now": NOW}), "", ErrorCode::FunctionUnknown, "there is no function `plan`")]
#[case::no_now("planHpa", json!({}), "now", ErrorCode::InstantInvalid, "not an instant")]
#[case::bad_now("planHpa", json!({"now": "today"}), "now", ErrorCode::InstantInvalid, "`today` is not an instant; write it \
    like `2026-11-27T06:00:00Z` or `2026-11-27T07:00:00+01:00`, in the years 2000 to 9000")]
#[case::seconds_before_its_years("planHpa", json!({"now": 946_684_799}), "now", ErrorCode::InstantInvalid,
    "`946684799` is not an instant; give whole seconds since 1970, in the years 2000 to 9000")]
#[case::no_whole_seconds("planHpa", json!({"now": 1e300}), "now", ErrorCode::InstantInvalid,
    "`1e+300` is not an instant; give whole seconds since 1970, in the years 2000 to 9000")]
#[case::before_its_years("planHpa", json!({"now": "1999-12-31T23:59:59Z"}), "now", ErrorCode::InstantInvalid,
    "`1999-12-31T23:59:59Z` is not an instant; write it like `2026-11-27T06:00:00Z` or `2026-11-27T07:00:00+01:00`, in the \
     years 2000 to 9000")]
#[case::settings("admitHpa", json!({"now": NOW, "settings": {"a": 1, "b": 2}}), "settings", ErrorCode::SettingsInvalid,
    "a: unknown setting; b: unknown setting")]
#[case::no_object("admitHpa", json!(null), "", ErrorCode::TypeInvalid, "not an object")]
#[case::a_list("validateSettings", json!([]), "", ErrorCode::TypeInvalid, "not an object")]
#[case::a_typo("planHpa", json!({"now": NOW, "overides": []}), "overides", ErrorCode::KeyUnknown,
    "unknown key; this function takes now, settings, hpa, overrides, mayPatch, remembered")]
#[case::overrides("planHpa", json!({"now": NOW, "overrides": {}}), "overrides", ErrorCode::TypeInvalid, "not a list")]
#[case::remembered("planHpa", json!({"now": NOW, "remembered": 7}), "remembered", ErrorCode::TypeInvalid, "not a text")]
#[case::may_patch("planHpa", json!({"now": NOW, "mayPatch": "maybe"}), "mayPatch", ErrorCode::TypeInvalid,
    "not any of yes, no, unavailable, error, notAsked")]
#[case::request("admitHpa", json!({"now": NOW, "request": []}), "request", ErrorCode::TypeInvalid, "not an object")]
#[case::request_key("admitHpa", json!({"now": NOW, "request": {"name": "a"}}), "request.name", ErrorCode::KeyUnknown,
    "unknown key; this function takes user, groups, subResource")]
#[case::old("reviewOverride", json!({"now": NOW, "old": []}), "old", ErrorCode::TypeInvalid, "not an object")]
#[case::old_hpa("admitHpa", json!({"now": NOW, "old": 7}), "old", ErrorCode::TypeInvalid, "not an object")]
#[case::user("admitHpa", json!({"now": NOW, "request": {"user": 1}}), "request.user", ErrorCode::TypeInvalid, "not a text")]
#[case::groups("admitHpa", json!({"now": NOW, "request": {"groups": [1]}}), "request.groups", ErrorCode::TypeInvalid,
    "not a list of texts")]
#[case::hpa("effectiveBounds", json!({"now": NOW, "hpa": {"spec": {"maxReplicas": 2_147_483_648_u32}}}), "hpa.spec",
    ErrorCode::HpaInvalid,
    "its bounds cannot be read; minReplicas and maxReplicas must be a pair that the API server takes")]
#[case::until("timeline", json!({"now": NOW, "hpa": {"spec": {"maxReplicas": 2}}, "until": "9001-01-01T00:00:00Z"}), "until",
    ErrorCode::InstantInvalid, "`9001-01-01T00:00:00Z` is not an instant; write it like `2026-11-27T06:00:00Z` or \
    `2026-11-27T07:00:00+01:00`, in the years 2000 to 9000")]
fn refuses(
    #[case] function: &str,
    #[case] argument: Value,
    #[case] path: &str,
    #[case] code: ErrorCode,
    #[case] message: &str,
) {
    assert_eq!(call(function, &argument), Err(Error { path: path.into(), code, message: message.into() }));
}

#[rstest]
#[case::nothing(json!(null), "Unknown", "TargetUnreadable")]
#[case::not_read(json!([null]), "Unknown", "TargetUnreadable")]
#[case::ready(json!([{"replicas": 12, "readyReplicas": 2}]), "True", "ReplicasReached")]
#[case::not_ready(json!([{"replicas": 12, "readyReplicas": 1}]), "False", "ReplicasMissing")]
#[case::by_scale(json!([{"replicas": 21}]), "False", "ReplicasAbove")]
#[case::gone(json!([{"notFound": true}]), "Unknown", "TargetUnreadable")]
#[case::not_allowed(json!([{"unreadable": "no"}]), "Unknown", "TargetUnreadable")]
fn plans_whether_the_bounds_are_reached(#[case] readings: Value, #[case] status: &str, #[case] reason: &str) {
    let mut hpa = hpa();
    loop {
        let patch = call("planHpa", &json!({"now": NOW, "hpa": hpa, "overrides": [ovr()]})).unwrap()["patch"].clone();
        if patch.is_null() {
            break;
        }
        for (bound, number) in patch["spec"].as_object().into_iter().flatten() {
            hpa["spec"][bound] = number.clone();
        }
        hpa["metadata"]["annotations"] = patch["metadata"]["annotations"].clone();
    }
    let argument = json!({"now": NOW, "object": ovr(), "hpas": [hpa], "overrides": [ovr()], "readings": readings});
    let reached = call("planStatus", &argument).unwrap()["status"]["conditions"][3].clone();
    assert_eq!(
        (&reached["type"], &reached["status"], &reached["reason"]),
        (&json!("Reached"), &json!(status), &json!(reason))
    );
}

#[rstest]
#[case::negative(json!([{"replicas": -1}]))]
#[case::an_unknown_key(json!([null, {"replicas": 1, "more": 1}]))]
#[case::no_object(json!(["12"]))]
#[case::found(json!([{"notFound": false}]))]
fn what_is_no_reading_is_an_error(#[case] readings: Value) {
    let at = readings.as_array().map_or(0, Vec::len) - 1;
    let error = call("planStatus", &json!({"now": NOW, "object": ovr(), "readings": readings})).unwrap_err();
    assert_eq!((error.path, error.code), (format!("readings[{at}]"), ErrorCode::TypeInvalid));
    let sentence = "not a reading; it has `replicas` and mostly `readyReplicas`, or `notFound`, or `unreadable`";
    assert_eq!(error.message, sentence);
}
