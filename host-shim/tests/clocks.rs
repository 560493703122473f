//! Clocks: admission's is set by the tests, and so is the controller's, an hour from now. The API server's own is left
//! alone, so overrides say when they start and end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use hpa_override_testbed::{Clock, World, wait_for};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use support::*;

/// Both clocks are that far ahead of the real time, in seconds.
const AHEAD: i64 = 3600;

/// A world in which both clocks are the tests'.
fn world(clock: &Clock) -> &'static World {
    let world = for_ever(support::world_with_clock(clock));
    set_clocks(world, clock, AHEAD);
    world
}

/// The controller's time, in seconds after 1970.
fn now() -> i64 {
    support::now() + AHEAD
}

/// An HPA of 2–5 under an override of 10–20 that ends then, with more in its spec; what it was like before.
async fn under_override(world: &'static World, namespace: &str, ends: i64, more: Value) -> (Shop, Value) {
    let shop = Shop::open(world, namespace).await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    let mut spec = overridden(&more);
    spec["startsAt"] = at(now()).into();
    spec["expiresAt"] = at(ends).into();
    shop.create("ovr", spec).await;
    shop.wait_overridden(10, 20).await;
    (shop, before)
}

#[tokio::test]
async fn an_end_does_not_flap_with_the_clocks_thirty_seconds_apart() {
    let clock = Clock::default();
    let world = world(&clock);
    for (namespace, apart) in [("admission-ahead", 30), ("admission-behind", -30)] {
        clock.run(AHEAD);
        let ends = now() + 5;
        let (shop, before) = under_override(world, namespace, ends, json!({})).await;
        clock.run(AHEAD + apart);
        let mut writes = 0;
        let through = wait_for("the end to be well over", LIMIT, async || {
            let hpa = shop.apply("argocd", 2, 5, true).await.unwrap();
            writes += 1;
            assert!(bounds(&hpa) == (10, 20) || now() >= ends, "{namespace}: too early");
            anyhow::ensure!(now() >= ends + 2, "{}", now());
            Ok(())
        });
        through.await.unwrap();
        let after = shop.wait_traceless(2, 5).await;
        assert_eq!(traces(&after), traces(&before));
        println!("{namespace}: {writes} writes by the owner");
        assert_eq!(shop.bounds_between(&before, &after).await, [(10, 20), (2, 5)], "{namespace}");
    }
}

#[tokio::test]
async fn a_landing_does_not_flap_with_the_clocks_thirty_seconds_apart() {
    let clock = Clock::default();
    let world = world(&clock);
    let ends = now() + 5;
    let (shop, before) = under_override(world, "landing", ends, json!({"returnOver": "20s"})).await;
    let mut writes = 0;
    let through = wait_for("the landing to be well over", LIMIT, async || {
        // Now it is ahead of the controller, now behind it, as two policy servers are.
        clock.run(if writes % 2 == 0 { AHEAD + 30 } else { AHEAD - 30 });
        let hpa = shop.apply("argocd", 2, 5, true).await.unwrap();
        writes += 1;
        assert!(bounds(&hpa) == (10, 20) || now() >= ends + 15, "the first step is too early");
        anyhow::ensure!(now() >= ends + 22, "{}", now());
        Ok(())
    });
    through.await.unwrap();
    let after = shop.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before));
    println!("landing: {writes} writes by the owner");
    assert_eq!(shop.bounds_between(&before, &after).await, [(10, 20), (4, 9), (2, 5)]);
}

#[tokio::test]
async fn with_the_controller_gone_admission_ends_it_a_minute_late() {
    let clock = Clock::default();
    let world = world(&clock);
    let ends = now() + 3600;
    let (shop, before) = under_override(world, "gone", ends, json!({})).await;
    world.kill_controller().unwrap();

    clock.freeze(ends + 59);
    let hpa = shop.apply("argocd", 2, 5, true).await.unwrap();
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, 5))));

    clock.freeze(ends + 60);
    let manifest: Value =
        serde_json::to_value(&hpa_override_testbed::parse_yaml(&shop.manifest(2, 5)).unwrap()[0]).unwrap();
    let dry_run = PatchParams::apply("argocd").force().dry_run();
    let shown = shop.hpas("v2").patch("web", &dry_run, &Patch::Apply(manifest)).await.unwrap();
    assert_eq!(bounds(&serde_json::to_value(shown).unwrap()), (2, 5), "the dry run shows the end");
    assert_eq!(bounds(&shop.hpa().await), (10, 20), "it was one");
    // A write of anybody, that itself changes nothing.
    let hpa = shop.patch("somebody", &Patch::Merge(json!({"metadata": {"labels": {"app": "web"}}}))).await;
    assert_eq!(bounds(&hpa), (2, 5));

    world.set_controller_clock(AHEAD + 3600 + 60);
    world.start_controller().unwrap();
    shop.wait_phase("ovr", "Expired").await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
}

#[tokio::test]
async fn with_the_controller_gone_admission_lands_it_a_minute_late() {
    let clock = Clock::default();
    let world = world(&clock);
    let ends = now() + 3600;
    let (shop, before) = under_override(world, "gone-landing", ends, json!({"returnOver": "10m"})).await;
    world.kill_controller().unwrap();
    for (since, expected) in [(59, (10, 20)), (60, (10, 20)), (60 + 300, (6, 13)), (60 + 600, (2, 5))] {
        clock.freeze(ends + since);
        let hpa = shop.apply("argocd", 2, 5, true).await.unwrap();
        assert_eq!((bounds(&hpa), desired(&hpa)), (expected, Some((2, 5))), "{since} s after the end");
    }
    world.set_controller_clock(AHEAD + 3600 + 700);
    world.start_controller().unwrap();
    shop.wait_phase("ovr", "Expired").await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
}
