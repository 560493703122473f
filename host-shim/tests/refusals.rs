//! Specs and settings that refuse an override, through a real API server: the guard refuses it at admission; without the
//! guard the controller reports the same sentence in the status, and no other override is affected.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use futures::future::join_all;
use hpa_override_testbed::{AuditEvent, World, wait_for};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use support::*;

fn settings() -> Value {
    json!({
        "replicaCeiling": 50, "defaultDuration": "1h", "maxDuration": "2h", "maxPriority": 10, "requireReason": true,
        "directions": "UpOnly", "protectedNamespaces": ["protected"], "unguardedNamespaces": ["unguarded"],
        "crossNamespace": "Deny",
    })
}

fn guarded() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| world(true, settings()))
}

fn unguarded() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| world(false, settings()))
}

/// The spec of an override within every limit, with other fields; null removes one.
fn spec(over: &Value) -> Value {
    with_fields(overridden(&json!({"hpa": "web", "duration": "1h", "reason": "CHG-1"})), over)
}

/// A spec with an error of shape, by the fields that differ, and the sentences about it.
fn invalid() -> Vec<(&'static str, Value, Vec<String>)> {
    let amount = |field: &str, value: &str| {
        format!("spec.{field}: `{value}` is not an amount; write a whole number from 1 to 2147483647")
    };
    let one = |name, over, sentence: &str| (name, over, vec![sentence.to_owned()]);
    let mut cases = vec![
        one("no-target", json!({"hpa": null}), "spec: no target: set hpa to the name of a HorizontalPodAutoscaler"),
        one(
            "bad-name",
            json!({"hpa": "Web_1"}),
            "spec.hpa: `Web_1` is not the name of a HorizontalPodAutoscaler; use lower-case letters, digits, `-` and `.`",
        ),
        one(
            "min-above-max",
            json!({"minReplicas": 30}),
            "spec.minReplicas: minReplicas 30 is above maxReplicas 20; lower it or raise maxReplicas",
        ),
        one("zero", json!({"minReplicas": 0}), &amount("minReplicas", "0")),
        one("too-many", json!({"maxReplicas": 2_147_483_648_u32}), &amount("maxReplicas", "2147483648")),
        one(
            "no-bounds",
            json!({"minReplicas": null, "maxReplicas": null}),
            "spec: no bounds: set minReplicas, maxReplicas or both",
        ),
        one(
            "two-ends",
            json!({"expiresAt": "2098-01-01T00:00:00Z"}),
            "spec: two ends: keep either expiresAt or duration",
        ),
        one(
            "end-before-start",
            json!({"duration": null, "startsAt": "2098-01-02T00:00:00Z", "expiresAt": "2098-01-01T00:00:00Z"}),
            "spec.expiresAt: the end 2098-01-01T00:00:00Z is not after the start 2098-01-02T00:00:00Z; \
             set expiresAt to an instant after startsAt",
        ),
        one(
            "bad-duration",
            json!({"duration": "1.5h"}),
            "spec.duration: `1.5h` is not a duration; write it like `90m` or `1d12h`: whole numbers with d, h, m, s in \
             that order, above zero and at most 36500d",
        ),
        (
            "several",
            json!({"minReplicas": 30, "duration": "soon", "startsAt": "now"}),
            vec![
                "spec.minReplicas: minReplicas 30 is above maxReplicas 20".to_owned(),
                "spec.duration: `soon` is not a duration".to_owned(),
                "spec.startsAt: `now` is not an instant".to_owned(),
            ],
        ),
    ];
    cases.extend(INSTANTS.into_iter().map(|(name, text)| {
        let sentence = format!(
            "spec.startsAt: `{text}` is not an instant; write it like `2026-11-27T06:00:00Z` or \
             `2026-11-27T07:00:00+01:00`, in the years 2000 to 9000"
        );
        (name, json!({"startsAt": text}), vec![sentence])
    }));
    cases
}

/// Those of [`invalid`] that the schema admits.
const ADMITTED_BY_THE_SCHEMA: [&str; 3] = ["end-before-start", "too-early", "too-late"];

/// As [`invalid`], but of those that the schema admits.
fn only_by_the_core() -> Vec<(&'static str, Value, Vec<String>)> {
    let recurring =
        |name, schedule: Value, sentence: &str| (name, json!({"schedule": schedule}), vec![sentence.to_owned()]);
    let several = vec!["spec.schedule.cron: it has 1 field".to_owned(), "spec.schedule.timeZone: `Mars`".to_owned()];
    let mut cases = vec![
        recurring("bad-cron", json!({"cron": "0 25 * * *"}), "spec.schedule.cron: `25` in the hour is not a number"),
        recurring("never", json!({"cron": "0 8 30 2 *"}), "spec.schedule.cron: no date of any year fits it"),
        recurring(
            "bad-date",
            json!({"cron": "0 8 * * *", "except": ["2026-02-30"]}),
            "spec.schedule.except[0]: `2026-02-30` is not a date",
        ),
        ("several-by-the-core", json!({"schedule": {"cron": "@daily", "timeZone": "Mars"}}), several),
        (
            "bad-label",
            json!({"hpa": null, "selector": {"matchLabels": {"-a": "b"}}}),
            vec!["spec.selector: the selector is wrong: `-a` is not the key of a label".to_owned()],
        ),
    ];
    cases.extend(invalid().into_iter().filter(|(name, ..)| ADMITTED_BY_THE_SCHEMA.contains(name)));
    cases
}

/// Texts that a library may take for an instant, but the core does not.
const INSTANTS: [(&str, &str); 12] = [
    ("hour", "2026-11-27T06Z"),
    ("minute", "2026-11-27T06:00Z"),
    ("basic-format", "20261127T060000Z"),
    ("lower-case", "2026-11-27t06:00:00z"),
    ("blank", "2026-11-27 06:00:00Z"),
    ("no-offset", "2026-11-27T06:00:00"),
    ("hour-offset", "2026-11-27T06:00:00+01"),
    ("zone", "2026-11-27T06:00:00+01:00[Europe/Rome]"),
    ("leap-second", "2026-12-31T23:59:60Z"),
    ("too-early", "1999-12-31T23:59:59Z"),
    ("too-late", "9001-01-01T00:00:00Z"),
    ("no-such-day", "2026-02-29T00:00:00Z"),
];

/// An override that one setting refuses: where it lives, the fields that differ, reason and sentence.
struct Blocked {
    name: &'static str,
    namespace: &'static str,
    over: Value,
    reason: &'static str,
    sentence: &'static str,
}

fn blocked() -> Vec<Blocked> {
    let of = |name, namespace, over, reason, sentence| Blocked { name, namespace, over, reason, sentence };
    let limit = |name, over, sentence| of(name, "home", over, "LimitExceeded", sentence);
    vec![
        limit(
            "ceiling",
            json!({"maxReplicas": 51}),
            "spec.maxReplicas: maxReplicas 51 is above the 50 allowed; lower it",
        ),
        limit("duration", json!({"duration": "2h1m1s"}), "2h allowed; end it earlier"),
        limit(
            "return",
            json!({"duration": "2h", "returnOver": "61s"}),
            "and 1m1s to return is longer than the 2h allowed; end it earlier",
        ),
        limit("priority", json!({"priority": 11}), "spec.priority: priority 11 is above the 10 allowed; lower it"),
        limit(
            "reason",
            json!({"reason": null}),
            "spec.reason: a reason is required; say why in reason, for example with the number of a ticket",
        ),
        limit(
            "directions",
            json!({"minReplicas": "desired-1"}),
            "spec.minReplicas: minReplicas `desired-1` is below what the owner wants, and overrides may only go up",
        ),
        of(
            "cross",
            "home",
            json!({"namespace": "elsewhere"}),
            "CrossNamespaceDenied",
            "spec.namespace: namespace `elsewhere` is not this override's own; create the override there",
        ),
        of(
            "protected",
            "protected",
            json!({}),
            "NamespaceProtected",
            "spec.namespace: namespace `protected` is protected: its HorizontalPodAutoscalers cannot be overridden",
        ),
        of(
            "unguarded",
            "unguarded",
            json!({}),
            "UnguardedNamespace",
            "spec.namespace: namespace `unguarded` is excluded from admission, so overrides in it are never active",
        ),
    ]
}

async fn namespaces(world: &'static World) -> Vec<TestNamespace> {
    let all = ["home", "protected", "unguarded", "elsewhere"].map(|name| with_hpa(world, name));
    join_all(all).await.into_iter().map(|(ns, _)| ns).collect()
}

fn named<'a>(namespaces: &'a [TestNamespace], name: &str) -> &'a TestNamespace {
    namespaces.iter().find(|ns| ns.name == name).unwrap()
}

/// Exactly at every limit.
async fn is_applied_at_the_limits(ns: &TestNamespace) {
    ns.try_create("within", spec(&json!({"maxReplicas": 50, "duration": "2h", "priority": 10}))).await.unwrap();
    ns.wait_overridden(10, 50).await;
}

#[tokio::test]
async fn the_guard_refuses_every_error_of_shape() {
    let ns = TestNamespace::new(guarded(), "shape").await;
    for (name, over, sentences) in invalid() {
        let error = ns.try_create(name, spec(&over)).await.unwrap_err().to_string();
        assert!(error.contains("hpa-override-guard"), "{name}: {error}");
        for sentence in sentences {
            assert!(error.contains(&sentence), "{name}: {sentence}\n{error}");
        }
    }
}

#[tokio::test]
async fn without_the_guard_the_schema_refuses_and_the_status_reports_the_rest() {
    let (ns, _) = with_hpa(unguarded(), "shape").await;
    for (name, over, _) in invalid().into_iter().filter(|(name, ..)| !ADMITTED_BY_THE_SCHEMA.contains(name)) {
        let refused = ns.try_create(name, spec(&over)).await.unwrap_err();
        let kube::Error::Api(status) = refused else { panic!("{refused}") };
        assert!((status.code, &*status.reason) == (422, "Invalid"), "{name}: {}", status.message);
    }
    let cases = only_by_the_core();
    for (name, over, _) in &cases {
        ns.try_create(name, spec(over)).await.unwrap();
    }
    ns.create("good", spec(&json!({}))).await;
    ns.wait_overridden(10, 20).await;
    for (name, _, sentences) in cases {
        let conditions = ns.wait_phase(name, "Invalid").await["conditions"].clone();
        let message = conditions[0]["message"].as_str().unwrap();
        for sentence in sentences {
            assert!(message.contains(&sentence), "{name}: {sentence}\n{message}");
        }
        let (ready, stalled) = (&conditions[0]["status"], &conditions[2]["status"]);
        assert_eq!((ready, stalled), (&"False".into(), &"True".into()), "{name}");
    }
    assert_eq!(ns.wait_phase("good", "Active").await["applied"], 1);
}

#[tokio::test]
async fn the_guard_refuses_what_each_setting_forbids() {
    let namespaces = namespaces(guarded()).await;
    for Blocked { name, namespace, over, sentence, .. } in blocked() {
        let refused = named(&namespaces, namespace).try_create(name, spec(&over)).await.unwrap_err();
        let kube::Error::Api(status) = refused else { panic!("{refused}") };
        let (_, message) = status.message.split_once("denied the request: ").unwrap();
        assert!(message.ends_with(sentence) && !message.contains("errors"), "{name}: {message}");
    }
    is_applied_at_the_limits(named(&namespaces, "home")).await;
}

#[tokio::test]
async fn the_controller_blocks_what_each_setting_forbids() {
    let namespaces = namespaces(unguarded()).await;
    for Blocked { name, namespace, over, reason, sentence } in blocked() {
        let ns = named(&namespaces, namespace);
        ns.try_create(name, spec(&over)).await.unwrap();
        let status = ns.wait_phase(name, "Blocked").await;
        let (ready, stalled) = (&status["conditions"][0], &status["conditions"][2]);
        assert_eq!((&ready["status"], &stalled["status"]), (&"False".into(), &"True".into()), "{name}");
        assert_eq!(ready["reason"], reason, "{name}");
        assert!(ready["message"].as_str().unwrap().ends_with(sentence), "{name}: {ready}");
    }
    for ns in &namespaces {
        assert_eq!((bounds(&ns.hpa().await), record(&ns.hpa().await)), ((2, 5), None));
    }
    is_applied_at_the_limits(named(&namespaces, "home")).await;
}

#[tokio::test]
async fn the_target_cannot_be_changed() {
    let advice = "is immutable; delete this override and create another for the other target";
    for world in [guarded(), unguarded()] {
        let ns = TestNamespace::new(world, "moved").await;
        ns.create("ovr", spec(&json!({}))).await;
        for (field, value) in [("hpa", "other"), ("namespace", "moved")] {
            let error = ns.edit("ovr", json!({field: value})).await.unwrap_err().to_string();
            assert!(error.contains(&format!("{field} {advice}")), "{error}");
        }
    }
}

/// Creates an override by kubectl; its warnings.
fn create_by_kubectl(ns: &TestNamespace, over: &Value) -> String {
    let manifest = serde_json::to_string(&ns.new_override("ovr", &spec(over))).unwrap();
    let (created, output) = ns.kubectl(&["create", "-f", "-"], &manifest);
    assert!(created, "{output}");
    output
}

#[tokio::test]
async fn an_end_in_the_past_is_admitted_with_a_warning_and_does_nothing() {
    let (ns, before) = with_hpa(guarded(), "past").await;
    let output = create_by_kubectl(&ns, &json!({"duration": null, "expiresAt": "2020-01-01T00:00:00Z"}));
    assert!(output.contains("Warning: spec.expiresAt: its end 2020-01-01T00:00:00Z has passed"), "{output}");
    ns.wait_phase("ovr", "Expired").await;
    assert_eq!(ns.hpa().await, before);
}

#[tokio::test]
async fn a_default_end_causes_a_warning_and_is_recorded() {
    let (ns, _) = with_hpa(guarded(), "default-end").await;
    let output = create_by_kubectl(&ns, &json!({"duration": null}));
    assert!(output.contains("Warning: spec: no end is given, so it ends at "), "{output}");
    let hpa = ns.wait_overridden(10, 20).await;
    let created: jiff::Timestamp =
        ns.override_("ovr").await["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
    let end = created + jiff::SignedDuration::from_hours(1);
    assert_eq!(record(&hpa).unwrap()["layers"][0]["until"], end.to_string());
}

#[tokio::test]
async fn the_api_server_refuses_or_prunes_unknown_fields() {
    let ns = TestNamespace::new(guarded(), "unknown").await;
    let spec = spec(&json!({"minReplica": 3}));
    let manifest = serde_json::to_string(&ns.new_override("ovr", &spec)).unwrap();
    let (success, output) = ns.kubectl(&["create", "-f", "-"], &manifest);
    assert!(!success && output.contains("unknown field \"spec.minReplica\""), "{output}");
    let stored = ns.try_create("raw", spec).await.unwrap();
    assert_eq!(stored["spec"].get("minReplica"), None, "pruned");
}

#[tokio::test]
async fn ceiling_and_directions_limit_the_result_too() {
    let ns = TestNamespace::new(guarded(), "clamped").await;
    ns.apply("argocd", 8, 20, false).await.unwrap();
    // 5 is below the desired min, 300 % of 20 above the ceiling: neither number is known at admission.
    ns.create("ovr", spec(&json!({"minReplicas": 5, "maxReplicas": "300%"}))).await;
    let hpa = ns.wait_overridden(8, 50).await;
    assert_eq!(record(&hpa).unwrap()["limits"], json!({"ceiling": 50, "upOnly": true}));
    // The owner may want more than the ceiling.
    ns.apply("argocd", 8, 60, true).await.unwrap();
    assert_eq!(bounds(&ns.hpa().await), (8, 60));
}

#[tokio::test]
async fn stricter_settings_end_nothing_but_by_the_namespace_rules() {
    let world = for_ever(world(false, json!({})));
    let (ns, _) = with_hpa(world, "stricter").await;
    let spec = overridden(&json!({"duration": "12h", "priority": 500}));
    ns.create("running", spec.clone()).await;
    ns.wait_overridden(10, 20).await;
    let strict = json!({"maxDuration": "1h", "maxPriority": 1, "requireReason": true, "authorizeRequester": true});
    world.change_controller_settings(&strict).unwrap();
    ns.create("late", spec).await;
    ns.wait_phase("late", "Blocked").await;
    ns.wait_phase("running", "Active").await;
    ns.wait_overridden(10, 20).await;
    world.change_controller_settings(&json!({"protectedNamespaces": ["stricter"]})).unwrap();
    ns.wait_traceless(2, 5).await;
    assert_eq!(ns.wait_phase("running", "Blocked").await["conditions"][0]["reason"], "NamespaceProtected");
}

#[tokio::test]
async fn the_audit_log_has_every_decision() {
    let (ns, _) = with_hpa(guarded(), "audit").await;
    ns.try_create("ovr", spec(&json!({"priority": 11, "reason": null}))).await.unwrap_err();
    ns.create("ovr", spec(&json!({}))).await;
    let until = ns.wait_phase("ovr", "Active").await["endsAt"].clone();
    ns.apply("argocd", 3, 8, true).await.unwrap();
    // A label alone does not reach the guard; a forged requester does, and is replaced.
    for metadata in [
        json!({"labels": {"a": "b"}}),
        json!({"annotations": {"hpa-override.dev/requested-by": r#"{"user":"mallory","groups":[]}"#}}),
    ] {
        let patch = Patch::Merge(json!({ "metadata": metadata }));
        ns.overrides().patch("ovr", &PatchParams::default(), &patch).await.unwrap();
    }
    let logged = wait_for("the audit log", LIMIT, async || {
        let logged = annotations(&ns);
        anyhow::ensure!(logged.len() == 4, "{logged:?}");
        Ok(logged)
    });
    let merged =
        json!({"decision": "merged", "desired": "3-8", "effective": "10-20", "overrides": "audit/ovr", "until": until});
    let expected = [
        json!({"decision": "rejected", "codes": "priorityTooHigh reasonRequired"}),
        json!({"decision": "accepted"}),
        merged,
        json!({"decision": "notChecked"}),
    ];
    assert_eq!(logged.await.unwrap(), expected);
}

/// The policies' audit annotations of alice's writes in this namespace, in order.
fn annotations(ns: &TestNamespace) -> Vec<Value> {
    let writes = ns.world.plane().audit().writes_by(ALICE).unwrap();
    let here = writes.iter().filter(|event| event.namespace == ns.name);
    let of_ours = |event: &AuditEvent| {
        let ours = event.annotations.iter().filter_map(|(key, value)| {
            let (webhook, key) = key.split_once('/')?;
            webhook.starts_with("clusterwide-hpa-override-").then(|| (key.to_owned(), Value::from(value.as_str())))
        });
        Value::Object(ours.collect())
    };
    here.map(of_ours).filter(|annotations| *annotations != json!({})).collect()
}
