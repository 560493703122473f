//! Limits by the namespace of the target, on a real API server: guard and controller read the same document, and each holds
//! an override to the limits of the HPAs that it moves.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use hpa_override_testbed::World;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use support::*;

fn settings() -> Value {
    json!({
        "replicaCeiling": 50, "crossNamespace": "Allow",
        "namespaces": [
            {"match": "dev-*", "replicaCeiling": 20, "maxDuration": "2h"},
            {"match": "prod", "replicaCeiling": 100, "requireReason": true},
            {"match": "p*", "maxFactor": 6, "replicaCeiling": 500, "defaultDuration": "8h"},
        ],
    })
}

/// A namespace with an HPA of 2-5, what its limits leave of 10-200, for how many hours an override is active that names no
/// end, its record's limits, and the limit in the message of the status.
struct Limited {
    name: &'static str,
    bounds: (i64, i64),
    hours: i64,
    limits: Value,
    cut: &'static str,
}

fn limited() -> [Limited; 4] {
    let of = |name, max, hours, limits, cut| Limited { name, bounds: (10, max), hours, limits, cut };
    [
        of("dev-alice", 20, 2, json!({"ceiling": 20}), "maxReplicas 200 is limited to 20 by replicaCeiling"),
        of("prod", 100, 24, json!({"ceiling": 100}), "maxReplicas 200 is limited to 100 by replicaCeiling"),
        of("shop", 50, 24, json!({"ceiling": 50}), "maxReplicas 200 is limited to 50 by replicaCeiling"),
        of("pay", 30, 8, json!({"ceiling": 500, "factor": 6}), "maxReplicas 200 is limited to 30 by maxFactor"),
    ]
}

/// 10-200 of 2-5, and no end.
fn without_an_end() -> Value {
    json!({"hpa": "web", "minReplicas": 10, "maxReplicas": "4000%", "reason": "CHG-1"})
}

/// A number that the ceiling of `shop` allows, and that of `dev-alice` does not.
fn forty() -> Value {
    json!({"hpa": "web", "maxReplicas": 40, "duration": "1h", "reason": "CHG-1"})
}

async fn ends_by_default(ns: &TestNamespace, hours: i64) {
    let created: Timestamp =
        ns.override_("ovr").await["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
    let until = created + SignedDuration::from_hours(hours);
    assert_eq!(record(&ns.hpa().await).unwrap()["layers"][0]["until"], until.to_string(), "{}", ns.name);
}

async fn is_limited(world: &'static World, expected: &Limited) {
    let (ns, _) = with_hpa(world, expected.name).await;
    ns.create("ovr", without_an_end()).await;
    let hpa = ns.wait_overridden(expected.bounds.0, expected.bounds.1).await;
    assert_eq!(record(&hpa).unwrap()["limits"], expected.limits, "{}", expected.name);
    ends_by_default(&ns, expected.hours).await;
    let status = ns.wait_phase("ovr", "Active").await;
    let message = status["conditions"][0]["message"].as_str().unwrap();
    assert!(message.ends_with(&format!("; {}", expected.cut)), "{}: {message}", expected.name);
    ns.delete("ovr").await;
    ns.wait_traceless(2, 5).await;
}

#[tokio::test]
async fn three_namespaces_have_three_ceilings_and_one_a_factor() {
    let world = for_ever(world(true, settings()));
    for expected in limited() {
        is_limited(world, &expected).await;
    }
    the_guard_refuses_by_the_targets_namespace(world).await;
    the_factor_follows_the_owner(world).await;
}

async fn the_guard_refuses_by_the_targets_namespace(world: &'static World) {
    let [dev, shop] = ["dev-alice", "shop"].map(|name| TestNamespace::new(world, name));
    let (dev, shop) = (dev.await, shop.await);
    let above = "spec.maxReplicas: maxReplicas 40 is above the 20 allowed; lower it";
    let there = with_fields(forty(), &json!({"namespace": "dev-alice"}));
    let refused = [dev.try_create("own", forty()).await, shop.try_create("there", there).await];
    for error in refused.map(|result| result.unwrap_err().to_string()) {
        assert!(error.contains(world.guard().0) && error.contains(above), "{error}");
    }
    shop.try_create("own", forty()).await.unwrap();
    shop.wait_overridden(2, 40).await;
    // It lives where 20 is the most, and moves an HPA where 50 is.
    dev.try_create("there", with_fields(forty(), &json!({"namespace": "shop", "maxReplicas": 45}))).await.unwrap();
    shop.wait_overridden(2, 45).await;
    let no_reason = with_fields(forty(), &json!({"namespace": "prod", "reason": null}));
    let error = shop.try_create("prod", no_reason).await.unwrap_err().to_string();
    assert!(error.contains("spec.reason: a reason is required"), "{error}");
}

/// Admission computes it from the record alone.
async fn the_factor_follows_the_owner(world: &'static World) {
    let ns = TestNamespace::new(world, "pay").await;
    ns.create("ovr", json!({"minReplicas": 35, "maxReplicas": 400, "duration": "1h"})).await;
    ns.wait_overridden(30, 30).await;
    assert_eq!(bounds(&ns.apply("argocd", 2, 7, false).await.unwrap()), (35, 42));
}

#[tokio::test]
async fn without_the_guard_the_controller_blocks_by_the_targets_namespace() {
    let world = for_ever(world(false, settings()));
    let (dev, _) = with_hpa(world, "dev-alice").await;
    let (shop, _) = with_hpa(world, "shop").await;
    dev.try_create("own", forty()).await.unwrap();
    shop.try_create("there", with_fields(forty(), &json!({"namespace": "dev-alice"}))).await.unwrap();
    shop.try_create("own", forty()).await.unwrap();
    for (ns, name) in [(&dev, "own"), (&shop, "there")] {
        let ready = ns.wait_phase(name, "Blocked").await["conditions"][0].clone();
        assert_eq!(ready["reason"], "LimitExceeded");
        assert_eq!(ready["message"], "spec.maxReplicas: maxReplicas 40 is above the 20 allowed; lower it");
    }
    shop.wait_overridden(2, 40).await;
    assert_eq!((bounds(&dev.hpa().await), record(&dev.hpa().await)), ((2, 5), None));
    // The team gets another rule: what was blocked starts, what is active is limited as its namespace is now.
    let relaxed = json!({"crossNamespace": "Allow", "namespaces": [
        {"match": "dev-alice", "replicaCeiling": 45}, {"match": "shop", "replicaCeiling": 30},
    ]});
    world.change_controller_settings(&relaxed).unwrap();
    dev.wait_overridden(2, 40).await;
    shop.wait_overridden(2, 30).await;
    let message = shop.wait_status("own", "the cut to be said", |status| {
        status["conditions"][0]["message"].as_str().is_some_and(|message| message.contains(" by replicaCeiling"))
    });
    let message = message.await["conditions"][0]["message"].clone();
    assert!(message.as_str().unwrap().ends_with("; maxReplicas 40 is limited to 30 by replicaCeiling"), "{message}");
}
