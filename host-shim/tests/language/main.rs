//! The fields of a spec, on a real API server with both policies: amounts and modes, suspension, changed ends, selectors,
//! `ttlAfterFinished`, and more overrides than are permitted. Schedules are in `clocks`, gradual returns in
//! `gradual_return`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod selector;
#[path = "../support/mod.rs"]
mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{CONTROLLER_USER, World};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::*;

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world(true, json!({})))
}

/// An HPA with an override of that spec, and the HPA before the override.
async fn with_override(name: &str, (min, max): (i32, i32), spec: Value) -> (TestNamespace, Value) {
    let ns = TestNamespace::new(world(), name).await;
    ns.apply("argocd", min, max, false).await.unwrap();
    let before = ns.hpa().await;
    ns.create("ovr", spec).await;
    (ns, before)
}

/// The owner applies other numbers; the bounds after that write.
async fn change_desired(ns: &TestNamespace, min: i32, max: i32) -> (i64, i64) {
    let hpa = ns.apply("argocd", min, max, false).await.unwrap();
    assert_eq!(desired(&hpa), Some((min.into(), max.into())));
    bounds(&hpa)
}

#[tokio::test]
async fn a_raise_follows_the_desired_bounds() {
    let spec = json!({"mode": "Raise", "minReplicas": "desired+5", "maxReplicas": "150%", "duration": "1h"});
    let (ns, _) = with_override("raise", (4, 10), spec).await;
    ns.wait_overridden(9, 15).await;
    assert_eq!(change_desired(&ns, 6, 21).await, (11, 32), "rounded up");
    assert_eq!(change_desired(&ns, 1, 3).await, (6, 6), "max follows min");
    ns.wait_phase("ovr", "Active").await;
    ns.delete("ovr").await;
    ns.wait_traceless(1, 3).await;
}

#[tokio::test]
async fn a_cap_follows_the_desired_bounds() {
    let spec = json!({"mode": "Cap", "minReplicas": "desired-2", "maxReplicas": "50%", "duration": "1h"});
    let (ns, _) = with_override("cap", (4, 10), spec).await;
    ns.wait_overridden(2, 5).await;
    assert_eq!(change_desired(&ns, 6, 21).await, (4, 11), "rounded up");
    assert_eq!(change_desired(&ns, 1, 1).await, (1, 1), "never below 1");
    ns.wait_phase("ovr", "Active").await;
    ns.delete("ovr").await;
    ns.wait_traceless(1, 1).await;
}

#[tokio::test]
async fn a_suspended_override_is_off_until_it_is_resumed() {
    let (ns, before) = under_override(world(), "suspend").await;
    ns.edit("ovr", json!({"suspend": true})).await.unwrap();
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
    ns.wait_phase("ovr", "Suspended").await;
    ns.edit("ovr", json!({"suspend": false})).await.unwrap();
    ns.wait_overridden(10, 20).await;
    ns.wait_phase("ovr", "Active").await;
}

#[tokio::test]
async fn an_override_ends_at_an_earlier_end() {
    let (ns, before) = under_override(world(), "shorter").await;
    let ends = in_seconds(6);
    ns.edit("ovr", json!({"duration": null, "expiresAt": at(ends)})).await.unwrap();
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
    assert!(Timestamp::now() >= instant(ends), "not before its end");
    let status = ns.wait_phase("ovr", "Expired").await;
    assert_eq!(status["endsAt"], at(ends));
}

#[tokio::test]
async fn an_override_ends_at_once_when_its_end_is_set_into_the_past() {
    let (ns, before) = under_override(world(), "past").await;
    ns.edit("ovr", json!({"duration": null, "expiresAt": at(now() - 60)})).await.unwrap();
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
    ns.wait_phase("ovr", "Expired").await;
}

#[tokio::test]
async fn an_override_that_is_extended_twice_ends_once() {
    let ends = in_seconds(6);
    let (ns, before) = with_override("longer", (2, 5), overridden(&json!({"expiresAt": at(ends)}))).await;
    ns.wait_overridden(10, 20).await;
    ns.edit("ovr", json!({"expiresAt": at(ends + 2)})).await.unwrap();
    ns.edit("ovr", json!({"expiresAt": at(ends + 4)})).await.unwrap();
    let after = ns.wait_traceless(2, 5).await;
    assert!(Timestamp::now() >= instant(ends + 4), "not before its end");
    assert_eq!(ns.bounds_between(&before, &after).await, [(10, 20), (2, 5)]);
}

/// Unix seconds, that many from now on; the start of the world, which takes longer, does not count.
fn in_seconds(seconds: i64) -> i64 {
    world();
    now() + seconds
}

/// Waits until the controller has deleted the override, which it must not do before that second.
async fn wait_deleted(ns: &TestNamespace, not_before: i64) {
    let audit = ns.world.plane().audit();
    let deletion = audit.wait_for("the deletion", LIMIT, |event| {
        event.verb == "delete" && event.is_about("autoscaleroverrides", &ns.name, "ovr")
    });
    let deletion = deletion.await.unwrap();
    println!("{}: deleted at {}, due at {}", ns.name, deletion.received, at(not_before));
    assert_eq!((deletion.user.as_str(), deletion.code), (CONTROLLER_USER, 200));
    assert!(deletion.received >= instant(not_before), "{deletion:#?}");
    assert!(ns.overrides().get_opt("ovr").await.unwrap().is_none());
}

#[tokio::test]
async fn a_finished_override_is_deleted_after_its_ttl() {
    let ends = in_seconds(6);
    let spec = overridden(&json!({"expiresAt": at(ends), "ttlAfterFinished": "3s"}));
    let (ns, before) = with_override("ttl", (2, 5), spec).await;
    ns.wait_overridden(10, 20).await;
    let status = ns.wait_phase("ovr", "Expired").await;
    assert_eq!(status["nextTransition"], at(ends + 3));
    wait_deleted(&ns, ends + 3).await;
    assert_eq!(traces(&ns.hpa().await), traces(&before));
}

#[tokio::test]
async fn a_gradual_return_ends_before_the_ttl_deletes_its_override() {
    let ends = in_seconds(6);
    let spec = overridden(&json!({"expiresAt": at(ends), "returnOver": "5s", "ttlAfterFinished": "1s"}));
    let (ns, before) = with_override("ttl-gradual", (2, 5), spec).await;
    ns.wait_overridden(10, 20).await;
    ns.wait_phase("ovr", "Returning").await;
    wait_deleted(&ns, ends + 5).await;
    assert_eq!(traces(&ns.hpa().await), traces(&before), "restored first");
}

#[tokio::test]
async fn the_thirty_third_override_waits_until_another_has_ended() {
    let (ns, before) = with_override("thirty-three", (2, 5), json!({"maxReplicas": 50, "duration": "1h"})).await;
    ns.wait_overridden(2, 50).await;
    for index in 0..32 {
        let spec = json!({"mode": "Raise", "minReplicas": 10, "priority": 1, "duration": "1h"});
        ns.create(&format!("higher-{index}"), spec).await;
    }
    let status = ns.wait_phase("ovr", "Blocked").await;
    assert_eq!(status["conditions"][0]["reason"], "TooManyOverrides");
    ns.wait_overridden(10, 10).await;

    let ends = now() + 4;
    ns.edit("higher-0", json!({"duration": null, "expiresAt": at(ends)})).await.unwrap();
    ns.wait_overridden(10, 50).await;
    assert!(Timestamp::now() >= instant(ends), "not before another has ended");
    ns.wait_phase("ovr", "Active").await;

    for index in 1..32 {
        ns.delete(&format!("higher-{index}")).await;
    }
    ns.wait_overridden(2, 50).await;
    ns.delete("ovr").await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}
