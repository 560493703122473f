//! Bad input through a real API server: refused at admission where the guard is installed, told in the status where it
//! is not, with the same sentence, and nobody else is disturbed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::too_many_lines, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::World;
use serde_json::{Value, json};
use support::*;

fn settings() -> Value {
    json!({"maxDuration": "7d", "requireReason": true, "protectedNamespaces": ["kube-system", "payments"]})
}

fn guarded() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| world(true, settings()))
}

fn unguarded() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| world(false, settings()))
}

/// A good spec with other fields put over it; null takes one away.
fn spec(over: &Value) -> Value {
    let mut spec = json!({"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "1h", "reason": "test"});
    for (key, value) in over.as_object().unwrap() {
        match value {
            Value::Null => drop(spec.as_object_mut().unwrap().remove(key)),
            value => spec[key] = value.clone(),
        }
    }
    spec
}

/// Name, what is wrong, phase where it is stored, sentences.
fn cases() -> Vec<(&'static str, Value, &'static str, Vec<String>)> {
    let invalid = |over: Value, sentences: &[&str]| {
        (over, "Invalid", sentences.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let blocked = |over: Value, sentences: &[&str]| {
        (over, "Blocked", sentences.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let mut cases = vec![
        (
            "no-target",
            invalid(json!({"hpa": null}), &["spec: no target: set hpa to the name of a HorizontalPodAutoscaler"]),
        ),
        (
            "bad-name",
            invalid(
                json!({"hpa": "Web_1"}),
                &[
                    "spec.hpa: `Web_1` is not the name of a HorizontalPodAutoscaler; use lower-case letters, digits, `-` and `.`",
                ],
            ),
        ),
        (
            "min-above-max",
            invalid(
                json!({"minReplicas": 30}),
                &["spec.minReplicas: minReplicas 30 is above maxReplicas 20; lower it or raise maxReplicas"],
            ),
        ),
        (
            "zero",
            invalid(
                json!({"minReplicas": 0}),
                &["spec.minReplicas: `0` is not an amount; write a whole number from 1 to 2147483647"],
            ),
        ),
        (
            "too-many",
            invalid(
                json!({"maxReplicas": 2_147_483_648_u32}),
                &["spec.maxReplicas: `2147483648` is not an amount; write a whole number from 1 to 2147483647"],
            ),
        ),
        (
            "no-bounds",
            invalid(
                json!({"minReplicas": null, "maxReplicas": null}),
                &["spec: no bounds: set minReplicas, maxReplicas or both"],
            ),
        ),
        (
            "two-ends",
            invalid(
                json!({"expiresAt": "2098-01-01T00:00:00Z"}),
                &["spec: two ends: keep either expiresAt or duration"],
            ),
        ),
        (
            "end-before-start",
            invalid(
                json!({"duration": null, "startsAt": "2098-01-02T00:00:00Z", "expiresAt": "2098-01-01T00:00:00Z"}),
                &[
                    "spec.expiresAt: the end 2098-01-01T00:00:00Z is not after the start 2098-01-02T00:00:00Z; move expiresAt behind startsAt",
                ],
            ),
        ),
        (
            "bad-duration",
            invalid(
                json!({"duration": "1.5h"}),
                &[
                    "spec.duration: `1.5h` is not a duration; write it like `90m` or `1d12h`: whole numbers with d, h, m, s in that order, above zero and at most 36500d",
                ],
            ),
        ),
        ("too-long", blocked(json!({"duration": "8d"}), &["is longer than the 7d allowed; end it earlier"])),
        (
            "no-reason",
            blocked(
                json!({"reason": null}),
                &["spec.reason: a reason is required; say why in reason, for example with the number of a ticket"],
            ),
        ),
        (
            "high-priority",
            blocked(json!({"priority": 1001}), &["spec.priority: priority 1001 is above the 1000 allowed; lower it"]),
        ),
        (
            "protected",
            blocked(
                json!({"namespace": "kube-system"}),
                &[
                    "spec.namespace: namespace `kube-system` is protected: its HorizontalPodAutoscalers cannot be overridden",
                    "spec.namespace: namespace `kube-system` is not this override's own; create the override there",
                ],
            ),
        ),
        (
            "several",
            invalid(
                json!({"minReplicas": 30, "duration": "soon", "startsAt": "now"}),
                &[
                    "spec.minReplicas: minReplicas 30 is above maxReplicas 20",
                    "spec.duration: `soon` is not a duration",
                    "spec.startsAt: `now` is not an instant",
                ],
            ),
        ),
    ];
    let refused = [
        "2026-11-27T06Z",
        "2026-11-27T06:00Z",
        "20261127T060000Z",
        "2026-11-27t06:00:00z",
        "2026-11-27 06:00:00Z",
        "2026-11-27T06:00:00",
        "2026-11-27T06:00:00+01",
        "2026-11-27T06:00:00+01:00[Europe/Rome]",
        "2026-12-31T23:59:60Z",
        "1999-12-31T23:59:59Z",
        "9001-01-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
    ];
    for (name, text) in
        ["i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9", "i10", "i11"].into_iter().zip(refused)
    {
        let sentence = format!(
            "spec.startsAt: `{text}` is not an instant; write it like `2026-11-27T06:00:00Z` or `2026-11-27T07:00:00+01:00`, in the years 2000 to 9000"
        );
        cases.push((name, (json!({"startsAt": text}), "Invalid", vec![sentence])));
    }
    cases.into_iter().map(|(name, (over, phase, sentences))| (name, over, phase, sentences)).collect()
}

#[tokio::test]
async fn refused_at_admission_with_every_error() {
    let shop = Shop::open(guarded(), "shop").await;
    for (name, over, _, sentences) in cases() {
        let error = shop.try_create(name, spec(&over)).await.unwrap_err().to_string();
        assert!(error.contains("hpa-override-guard"), "{name}: {error}");
        for sentence in sentences {
            assert!(error.contains(&sentence), "{name}: {sentence}\n{error}");
        }
    }
}

#[tokio::test]
async fn stored_without_the_guard_they_say_the_same_and_disturb_nobody() {
    let shop = Shop::open(unguarded(), "shop").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    for (name, over, _, _) in cases() {
        shop.try_create(name, spec(&over)).await.unwrap();
    }
    shop.create("good", spec(&json!({}))).await;
    shop.wait_overridden(10, 20).await;
    for (name, _, phase, sentences) in cases() {
        let status = shop.wait_phase(name, phase).await;
        let message = status["conditions"][0]["message"].as_str().unwrap();
        for sentence in sentences {
            assert!(message.contains(&sentence), "{name}: {sentence}\n{message}");
        }
        assert_eq!(
            (&status["conditions"][0]["status"], &status["conditions"][2]["status"]),
            (&"False".into(), &"True".into())
        );
    }
    assert_eq!(shop.wait_phase("good", "Active").await["applied"], 1);
}

#[tokio::test]
async fn the_target_cannot_be_changed() {
    for (world, message) in [
        (guarded(), "spec.hpa: hpa is immutable; delete this override and create another for the other target"),
        (unguarded(), "hpa is immutable: delete this override and create another for the other target"),
    ] {
        let shop = Shop::open(world, "moved").await;
        shop.create("ovr", spec(&json!({}))).await;
        let error = shop.edit("ovr", json!({"hpa": "other"})).await.unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        let error = shop.edit("ovr", json!({"namespace": "moved"})).await.unwrap_err().to_string();
        assert!(error.contains("namespace is immutable"), "{error}");
    }
}

#[tokio::test]
async fn an_end_in_the_past_is_admitted_with_a_warning_and_does_nothing() {
    let shop = Shop::open(guarded(), "past").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    let manifest = format!(
        "apiVersion: hpa-override.dev/v1\nkind: AutoscalerOverride\nmetadata: {{name: ovr}}\nspec: {}\n",
        spec(&json!({"duration": null, "expiresAt": "2020-01-01T00:00:00Z"}))
    );
    let (success, output) = shop.kubectl(&["create", "-f", "-"], &manifest);
    assert!(success, "{output}");
    assert!(output.contains("Warning: spec.expiresAt: its end 2020-01-01T00:00:00Z has passed"), "{output}");
    shop.wait_phase("ovr", "Expired").await;
    assert_eq!(shop.hpa().await, before);
}

#[tokio::test]
async fn unknown_fields_meet_the_api_servers_own_answer() {
    let shop = Shop::open(guarded(), "unknown").await;
    let manifest = format!(
        "apiVersion: hpa-override.dev/v1\nkind: AutoscalerOverride\nmetadata: {{name: ovr}}\nspec: {}\n",
        spec(&json!({"minReplica": 3}))
    );
    let (success, output) = shop.kubectl(&["create", "-f", "-"], &manifest);
    assert!(!success && output.contains("unknown field \"spec.minReplica\""), "{output}");
    let stored = shop.try_create("raw", spec(&json!({"minReplica": 3}))).await.unwrap();
    assert_eq!(stored["spec"].get("minReplica"), None, "pruned");
}

#[tokio::test]
async fn every_example_is_admitted() {
    let shop = Shop::open(guarded(), "examples").await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crd/examples");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let yaml = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for mut object in hpa_override_testbed::parse_yaml(&yaml).unwrap() {
            object.metadata.namespace = Some(shop.namespace.clone());
            let api = hpa_override_testbed::api_for(&shop.client, &object).unwrap();
            api.create(&kube::api::PostParams::default(), &object)
                .await
                .unwrap_or_else(|error| panic!("{yaml}\n{error}"));
            count += 1;
        }
    }
    assert!(count >= 4, "{count} examples");
}
