use std::{collections::BTreeMap, fs, path::Path};

use hpa_override_core::{Audit, Instant, MayPatch, Settings, decide};
use hpa_override_policy::validate;
use hpa_override_testbed::seed;
use rstest::rstest;

use super::*;

const NOW: &str = "2026-11-27T06:00:00Z";

fn body(object: &Value, old: &Value, kind: (&str, &str)) -> Vec<u8> {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "kind": {"group": kind.0, "version": "v1", "kind": kind.1}, "operation": "CREATE",
            "userInfo": {"username": "alice", "groups": ["devs"]}, "object": object, "oldObject": old,
        },
    })
    .to_string()
    .into_bytes()
}

fn answer(body: &[u8]) -> Value {
    let (review, now) = (Review::parse(body).unwrap(), NOW.parse::<Instant>().unwrap());
    let verdict = decide(review.call(), || Ok(Settings::default()), now, |_| MayPatch::NotAsked);
    serde_json::from_slice(&review.answer(verdict)).unwrap()
}

fn ovr(max: i32) -> Value {
    json!({"metadata": {"namespace": "shop", "name": "a"}, "spec": {"hpa": "web", "minReplicas": 3, "maxReplicas": max, "duration": "1h"}})
}

#[test]
fn an_override_is_stamped_by_a_patch_of_that_alone() {
    let answer = answer(&body(&ovr(5), &Value::Null, ("hpa-override.dev", "AutoscalerOverride")));
    let response = &answer["response"];
    assert_eq!((&answer["kind"], &answer["apiVersion"]), (&"AdmissionReview".into(), &"admission.k8s.io/v1".into()));
    assert_eq!((&response["uid"], &response["allowed"]), (&"u-1".into(), &true.into()));
    let patch: Value = serde_json::from_slice(&STANDARD.decode(response["patch"].as_str().unwrap()).unwrap()).unwrap();
    let stamp = json!({"hpa-override.dev/requested-by": r#"{"user":"alice","groups":["devs"]}"#});
    assert_eq!(patch, json!([{"op": "add", "path": "/metadata/annotations", "value": stamp}]));
    assert_eq!(response["auditAnnotations"]["decision"], "accepted");
}

#[test]
fn a_refusal_says_every_error_with_its_status() {
    let answer = answer(&body(&ovr(2), &Value::Null, ("hpa-override.dev", "AutoscalerOverride")));
    let response = &answer["response"];
    assert_eq!((&response["allowed"], &response["status"]["code"]), (&false.into(), &422.into()));
    assert!(response["status"]["message"].as_str().unwrap().contains("minReplicas"), "{response}");
    assert_eq!(response.get("patch"), None);
}

#[test]
fn another_kind_is_allowed_as_it_is() {
    let answer = answer(&body(&json!({}), &Value::Null, ("apps", "Deployment")));
    assert_eq!(answer["response"], json!({"uid": "u-1", "allowed": true}));
}

#[test]
fn an_object_that_nobody_can_read_is_refused_or_let_through() {
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let body = |group: &str, kind: &str| {
        format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u-1","kind":{{"group":"{group}","kind":"{kind}"}},"object":{deep}}}}}"#
        )
    };
    let of_override = answer(body("hpa-override.dev", "AutoscalerOverride").as_bytes());
    assert_eq!(of_override["response"]["status"]["code"], 400, "{of_override}");
    let of_hpa = answer(body("autoscaling", "HorizontalPodAutoscaler").as_bytes());
    assert_eq!(of_hpa["response"]["allowed"], true);
    assert!(of_hpa["response"]["warnings"][0].as_str().unwrap().contains("let through as sent"), "{of_hpa}");
}

#[rstest]
#[case::nothing("")]
#[case::half(r#"{"apiVersion": "admission.k8s.io/v1", "kind": "Admis"#)]
#[case::another_version(
    r#"{"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview", "request": {"uid": "u"}}"#
)]
#[case::another_kind(r#"{"apiVersion": "admission.k8s.io/v1", "kind": "ConversionReview", "request": {"uid": "u"}}"#)]
#[case::no_request(r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}"#)]
#[case::no_uid(r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {}}"#)]
fn what_is_no_review_is_malformed(#[case] body: &str) {
    assert!(Review::parse(body.as_bytes()).unwrap_err().to_string().contains("no AdmissionReview"));
}

#[test]
fn a_decision_without_entries_has_no_annotations() {
    let review = Review::parse(&body(&json!({}), &Value::Null, ("", "Pod"))).unwrap();
    let verdict = Verdict { audit: Audit::default(), ..Verdict::default() };
    let answer: Value = serde_json::from_slice(&review.answer(verdict)).unwrap();
    assert_eq!(answer["response"].get("auditAnnotations"), None);
}

/// The requests that the policy module is tested with, and their settings, by name.
fn requests() -> BTreeMap<String, (Value, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy/wapc/test_data");
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok().map(|text| serde_json::from_str(&text).unwrap());
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter_map(|name| name.strip_suffix(".json").map(ToOwned::to_owned));
    let requests = names.filter(|name| !name.ends_with(".settings")).map(|name| {
        let settings = read(&format!("{name}.settings.json")).unwrap_or_default();
        let request: Value = read(&format!("{name}.json")).unwrap();
        (name, (request, settings))
    });
    requests.collect()
}

/// What the policy module says of a request.
fn of_the_module(request: &Value, settings: &Value, may_patch: MayPatch) -> Value {
    let payload = json!({ "request": request, "settings": settings }).to_string();
    serde_json::from_slice(&validate(payload.as_bytes(), NOW.parse().unwrap(), |_| may_patch)).unwrap()
}

/// The same of what the webhook says, with the object that the API server makes of the patch.
fn of_the_webhook(request: &Value, settings: &Value, may_patch: MayPatch) -> Value {
    let mut asked = json!({"apiVersion": API_VERSION, "kind": KIND, "request": request});
    asked["request"]["uid"] = "u".into();
    let review = Review::parse(asked.to_string().as_bytes()).unwrap();
    let verdict = decide(review.call(), || Settings::parse(settings), NOW.parse().unwrap(), |_| may_patch);
    let answer: Value = serde_json::from_slice(&review.answer(verdict)).unwrap();
    let response = &answer["response"];
    let stored = response.get("patch").map(|patch| {
        let patch = STANDARD.decode(patch.as_str().unwrap()).unwrap();
        let mut object = request["object"].clone();
        json_patch::patch(&mut object, &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap()).unwrap();
        object
    });
    json!({
        "accepted": response["allowed"], "message": response["status"]["message"], "code": response["status"]["code"],
        "mutated_object": stored, "warnings": response["warnings"], "audit_annotations": response["auditAnnotations"],
    })
}

/// The module may give the very object that was sent.
fn compared(mut of_the_module: Value, request: &Value) -> Value {
    if of_the_module["mutated_object"] == request["object"] {
        of_the_module["mutated_object"] = Value::Null;
    }
    of_the_module
}

const PALETTE: [fn() -> Value; 8] = [
    || Value::Null,
    || json!(0),
    || json!(7),
    || json!("desired+2"),
    || json!("2026-11-27T05:00:00Z"),
    || json!([]),
    || json!({"a/b~c": 1}),
    || json!(true),
];

/// Replaces one value somewhere within.
fn change(value: &mut Value, random: &mut fastrand::Rng) {
    let inner: Vec<&mut Value> = match value {
        Value::Object(map) => map.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    let count = inner.len();
    match inner.into_iter().nth(random.usize(..count.max(1))) {
        Some(inner) if random.u8(..5) > 0 => change(inner, random),
        _ => *value = PALETTE[random.usize(..PALETTE.len())](),
    }
}

#[test]
fn it_answers_as_the_policy_module() {
    let requests = requests();
    assert!(requests.len() > 40, "{}", requests.len());
    let count = std::env::var("HPA_OVERRIDE_REVIEWS").map_or(2000, |count| count.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(seed("HPA_OVERRIDE_REVIEW_SEED").unwrap());
    let as_they_are = requests.iter().map(|(name, (request, settings))| (name, request.clone(), settings));
    let changed = (0..count).map(|_| {
        let (name, (request, settings)) = requests.iter().nth(random.usize(..requests.len())).unwrap();
        let mut request = request.clone();
        for _ in 0..random.usize(1..4) {
            let part = ["object", "oldObject", "userInfo"][random.usize(..3)];
            if let Some(part) = request.get_mut(part) {
                change(part, &mut random);
            }
        }
        (name, request, settings)
    });
    for (name, request, settings) in as_they_are.chain(changed) {
        for may_patch in [MayPatch::Yes, MayPatch::No, MayPatch::Unavailable] {
            let module = compared(of_the_module(&request, settings, may_patch), &request);
            assert_eq!(of_the_webhook(&request, settings, may_patch), module, "{name}: {request}");
        }
    }
}
