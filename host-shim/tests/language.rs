//! What a person can say, on a real API server with both policies: amounts and modes, suspension, other ends,
//! schedules, `ttlAfterFinished`, and more overrides than fit. Selectors and gradual returns have tests of their own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{sync::OnceLock, time::Duration};

use hpa_override_testbed::{CONTROLLER_USER, Clock, World};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::*;

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world(true, json!({})))
}

/// An HPA, and an override of it as given; what it was like before.
async fn with_override(world: &'static World, namespace: &str, (min, max): (i32, i32), spec: Value) -> (Shop, Value) {
    let shop = Shop::open(world, namespace).await;
    shop.apply("argocd", min, max, false).await.unwrap();
    let before = shop.hpa().await;
    shop.create("ovr", spec).await;
    (shop, before)
}

/// The owner applies other numbers; what stands then, in that very write.
async fn owner_wants(shop: &Shop, min: i32, max: i32) -> (i64, i64) {
    let hpa = shop.apply("argocd", min, max, false).await.unwrap();
    assert_eq!(desired(&hpa), Some((min.into(), max.into())));
    bounds(&hpa)
}

#[tokio::test]
async fn a_raise_moves_with_what_the_owner_wants() {
    let spec = json!({"mode": "Raise", "minReplicas": "desired+5", "maxReplicas": "150%", "duration": "1h"});
    let (shop, _) = with_override(world(), "raise", (4, 10), spec).await;
    shop.wait_overridden(9, 15).await;
    assert_eq!(owner_wants(&shop, 6, 21).await, (11, 32), "rounded up");
    assert_eq!(owner_wants(&shop, 1, 3).await, (6, 6), "max follows min");
    shop.wait_phase("ovr", "Active").await;
    shop.delete("ovr").await;
    shop.wait_traceless(1, 3).await;
}

#[tokio::test]
async fn a_cap_moves_with_what_the_owner_wants() {
    let spec = json!({"mode": "Cap", "minReplicas": "desired-2", "maxReplicas": "50%", "duration": "1h"});
    let (shop, _) = with_override(world(), "cap", (4, 10), spec).await;
    shop.wait_overridden(2, 5).await;
    assert_eq!(owner_wants(&shop, 6, 21).await, (4, 11), "rounded up");
    assert_eq!(owner_wants(&shop, 1, 1).await, (1, 1), "never below 1");
    shop.wait_phase("ovr", "Active").await;
    shop.delete("ovr").await;
    shop.wait_traceless(1, 1).await;
}

#[tokio::test]
async fn a_suspended_override_is_off_until_it_is_resumed() {
    let (shop, before) = under_override(world(), "suspend").await;
    shop.edit("ovr", json!({"suspend": true})).await.unwrap();
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
    shop.wait_phase("ovr", "Suspended").await;
    shop.edit("ovr", json!({"suspend": false})).await.unwrap();
    shop.wait_overridden(10, 20).await;
    shop.wait_phase("ovr", "Active").await;
}

#[tokio::test]
async fn an_end_that_is_moved_nearer_comes_then() {
    let (shop, before) = under_override(world(), "shorter").await;
    let ends = now() + 3;
    shop.edit("ovr", json!({"duration": null, "expiresAt": at(ends)})).await.unwrap();
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
    assert!(Timestamp::now() >= instant(ends), "not before its end");
    let status = shop.wait_phase("ovr", "Expired").await;
    assert_eq!(status["endsAt"], at(ends));
}

#[tokio::test]
async fn an_end_that_is_moved_into_the_past_comes_now() {
    let (shop, before) = under_override(world(), "past").await;
    shop.edit("ovr", json!({"duration": null, "expiresAt": at(now() - 60)})).await.unwrap();
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
    shop.wait_phase("ovr", "Expired").await;
}

#[tokio::test]
async fn an_end_that_is_put_off_twice_comes_once() {
    let world = world();
    let ends = now() + 3;
    let (shop, before) = with_override(world, "longer", (2, 5), overridden(&json!({"expiresAt": at(ends)}))).await;
    shop.wait_overridden(10, 20).await;
    shop.edit("ovr", json!({"expiresAt": at(ends + 2)})).await.unwrap();
    shop.edit("ovr", json!({"expiresAt": at(ends + 4)})).await.unwrap();
    let after = shop.wait_traceless(2, 5).await;
    assert!(Timestamp::now() >= instant(ends + 4), "not before its end");
    assert_eq!(shop.bounds_between(&before, &after).await, [(10, 20), (2, 5)]);
}

/// When the controller deleted the override, which it must not do before that second.
async fn deleted_by_the_controller(shop: &Shop, not_before: i64) {
    let audit = shop.world.plane().audit();
    let deletion = audit.wait_for("the deletion", LIMIT, |event| {
        event.verb == "delete" && event.is_about("autoscaleroverrides", &shop.namespace, "ovr")
    });
    let deletion = deletion.await.unwrap();
    println!("{}: deleted {:.0?} after it was due", shop.namespace, late(deletion.received, not_before));
    assert_eq!((deletion.user.as_str(), deletion.code), (CONTROLLER_USER, 200));
    assert!(deletion.received >= instant(not_before), "{deletion:#?}");
    assert!(shop.overrides().get_opt("ovr").await.unwrap().is_none());
}

fn late(received: Timestamp, due: i64) -> Duration {
    received.duration_since(instant(due)).try_into().unwrap_or_default()
}

#[tokio::test]
async fn a_finished_override_is_deleted_after_its_ttl() {
    let world = world();
    let ends = now() + 3;
    let spec = overridden(&json!({"expiresAt": at(ends), "ttlAfterFinished": "3s"}));
    let (shop, before) = with_override(world, "ttl", (2, 5), spec).await;
    shop.wait_overridden(10, 20).await;
    let status = shop.wait_phase("ovr", "Expired").await;
    assert_eq!(status["nextTransition"], at(ends + 3));
    deleted_by_the_controller(&shop, ends + 3).await;
    assert_eq!(traces(&shop.hpa().await), traces(&before));
}

#[tokio::test]
async fn a_landing_is_not_cut_short_by_the_ttl() {
    let world = world();
    let ends = now() + 3;
    let spec = overridden(&json!({"expiresAt": at(ends), "returnOver": "5s", "ttlAfterFinished": "1s"}));
    let (shop, before) = with_override(world, "ttl-landing", (2, 5), spec).await;
    shop.wait_overridden(10, 20).await;
    shop.wait_phase("ovr", "Returning").await;
    deleted_by_the_controller(&shop, ends + 5).await;
    assert_eq!(traces(&shop.hpa().await), traces(&before), "it is given back first");
}

#[tokio::test]
async fn the_thirty_third_waits_until_another_has_ended() {
    let (shop, before) = with_override(world(), "crowd", (2, 5), json!({"maxReplicas": 50, "duration": "1h"})).await;
    shop.wait_overridden(2, 50).await;
    for index in 0..32 {
        let spec = json!({"mode": "Raise", "minReplicas": 10, "priority": 1, "duration": "1h"});
        shop.create(&format!("higher-{index}"), spec).await;
    }
    let status = shop.wait_phase("ovr", "Blocked").await;
    assert_eq!(status["conditions"][0]["reason"], "TooManyOverrides");
    shop.wait_overridden(10, 10).await;

    let ends = now() + 2;
    shop.edit("higher-0", json!({"duration": null, "expiresAt": at(ends)})).await.unwrap();
    shop.wait_overridden(10, 50).await;
    assert!(Timestamp::now() >= instant(ends), "not before another has ended");
    shop.wait_phase("ovr", "Active").await;

    for index in 1..32 {
        shop.delete(&format!("higher-{index}")).await;
    }
    shop.wait_overridden(2, 50).await;
    shop.delete("ovr").await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
}

#[tokio::test]
async fn a_schedule_begins_and_ends_at_its_boundaries() {
    let clock = Clock::default();
    let world = for_ever(support::world_with_clock(&clock));
    // By both clocks a minute begins in ten seconds.
    let begins = now() + 10;
    let ahead = 3600 - begins % 60;
    set_clocks(world, &clock, ahead);
    let starts = begins + ahead;

    let shop = Shop::open(world, "schedule").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    let spec = json!({"startsAt": at(starts - 30), "schedule": {"cron": "* * * * *"}, "duration": "5s"});
    shop.create("ovr", overridden(&spec)).await;
    let status = shop.wait_phase("ovr", "Pending").await;
    assert_eq!((&status["startsAt"], &status["nextTransition"]), (&at(starts).into(), &at(starts).into()));

    shop.wait_overridden(10, 20).await;
    let status = shop.wait_phase("ovr", "Active").await;
    assert_eq!((&status["startsAt"], &status["endsAt"]), (&at(starts).into(), &at(starts + 5).into()));

    let after = shop.wait_traceless(2, 5).await;
    let status = shop.wait_phase("ovr", "Pending").await;
    assert_eq!(status["startsAt"], at(starts + 60), "the next one");
    assert_eq!(traces(&after), traces(&before));
    assert_eq!(shop.bounds_between(&before, &after).await, [(10, 20), (2, 5)]);

    let writes = shop.wait_writes(&world.plane().audit(), 3).await;
    assert_eq!(writes.len(), 3, "one begins, two end");
    for (write, due) in [(&writes[0], begins), (&writes[1], begins + 5)] {
        println!("schedule: written {:.0?} after the boundary", late(write.received, due));
        assert!(write.received >= instant(due) && late(write.received, due) < Duration::from_secs(1), "{write:#?}");
    }
}
