//! Clocks: admission's is set by the tests, and so is the controller's, an hour from now. The API server's own is left
//! alone, so overrides say when they start and end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use hpa_override_testbed::{Clock, World, wait_for};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use support::*;

/// Both clocks are that far ahead of the real time, in seconds.
const AHEAD: i64 = 3600;

/// A world in which both clocks are the tests'. It ends with the process, as a `static` does.
fn world(clock: &Clock) -> &'static World {
    clock.run(AHEAD);
    let world = Box::leak(Box::new(support::world_with_clock(clock)));
    world.kill_controller().unwrap();
    world.set_controller_clock(AHEAD);
    world.start_controller().unwrap();
    world
}

/// The controller's time, in seconds after 1970.
fn now() -> i64 {
    Timestamp::now().as_second() + AHEAD
}

/// An HPA of 2–5 under an override of 10–20 that ends then; what it was like before.
async fn under_override(world: &'static World, namespace: &str, ends: i64) -> (Shop, Value) {
    let shop = Shop::open(world, namespace).await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    let at = |second: i64| Timestamp::from_second(second).unwrap().to_string();
    let spec = json!({"minReplicas": 10, "maxReplicas": 20, "startsAt": at(now()), "expiresAt": at(ends)});
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
        let (shop, before) = under_override(world, namespace, ends).await;
        clock.run(AHEAD + apart);
        let mut writes = 0;
        let through = wait_for("the end to be well over", LIMIT, async || {
            shop.apply("argocd", 2, 5, true).await.unwrap();
            writes += 1;
            anyhow::ensure!(now() >= ends + 2, "{}", now());
            Ok(())
        });
        through.await.unwrap();
        let after = shop.wait_traceless(2, 5).await;
        assert_eq!(traces(&after), traces(&before));
        let mut seen: Vec<_> = shop.versions(&before, &after).await.iter().map(bounds).collect();
        println!("{namespace}: {writes} writes by the owner, {} versions of the HPA", seen.len());
        seen.dedup();
        assert_eq!(seen, [(10, 20), (2, 5)], "{namespace}");
    }
}

#[tokio::test]
async fn with_the_controller_gone_admission_ends_it_a_minute_late() {
    let clock = Clock::default();
    let world = world(&clock);
    let ends = now() + 3600;
    let (shop, before) = under_override(world, "gone", ends).await;
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
