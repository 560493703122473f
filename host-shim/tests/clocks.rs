//! Clocks: the tests set admission's and the controller's, an hour from the real time. The API server's own is not set, so
//! the overrides say when they start and end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::LazyLock;

use hpa_override_testbed::{Clock, World, wait_for};
use jiff::SignedDuration;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use support::*;
use tokio::sync::MutexGuard;

/// Both clocks are that far ahead of the real time, in seconds.
const AHEAD: i64 = 3600;

/// Admission's clock.
static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::default);

/// The world for one test, with both clocks [`AHEAD`].
async fn world() -> (&'static World, MutexGuard<'static, ()>) {
    static WORLD: LockedWorld = LockedWorld::new();
    let (world, guard) = WORLD.lock(|| support::world_with_clock(&CLOCK)).await;
    set_clocks(world, &CLOCK, AHEAD);
    (world, guard)
}

/// The controller's time, in seconds after 1970.
fn now() -> i64 {
    support::now() + AHEAD
}

/// An HPA of 2-5 under an override of 10-20 that ends then, with other fields; the HPA before the override.
async fn under_override(world: &'static World, name: &str, ends: i64, over: Value) -> (TestNamespace, Value) {
    let (ns, before) = with_hpa(world, name).await;
    let times = json!({"startsAt": at(now()), "expiresAt": at(ends)});
    ns.create("ovr", with_fields(overridden(&times), &over)).await;
    ns.wait_overridden(10, 20).await;
    (ns, before)
}

#[tokio::test]
async fn bounds_do_not_flap_with_the_clocks_thirty_seconds_apart() {
    let (world, _guard) = world().await;
    let ends = now() + 8;
    let (end, before_end) = under_override(world, "end", ends, json!({})).await;
    let (gradual, before_return) = under_override(world, "gradual", ends, json!({"returnOver": "20s"})).await;
    let mut writes = 0;
    let over = wait_for("the gradual return to be over", LIMIT, async || {
        // Admission is alternately ahead of the controller and behind it, as two policy servers are.
        CLOCK.run(if writes % 2 == 0 { AHEAD + 30 } else { AHEAD - 30 });
        writes += 1;
        let hpa = end.apply("argocd", 2, 5, true).await.unwrap();
        assert!(bounds(&hpa) == (10, 20) || now() >= ends, "the end is too early");
        let hpa = gradual.apply("argocd", 2, 5, true).await.unwrap();
        assert!(bounds(&hpa) == (10, 20) || now() >= ends + 15, "the first step is too early");
        anyhow::ensure!(now() >= ends + 22, "{}", now());
        Ok(())
    });
    over.await.unwrap();
    println!("{writes} writes by each owner");
    let expected: [(_, _, &[(i64, i64)]); 2] =
        [(end, before_end, &[(10, 20), (2, 5)]), (gradual, before_return, &[(10, 20), (4, 9), (2, 5)])];
    for (ns, before, expected) in expected {
        let after = ns.wait_traceless(2, 5).await;
        assert_eq!(traces(&after), traces(&before), "{}", ns.name);
        assert_eq!(ns.bounds_between(&before, &after).await, expected, "{}", ns.name);
        // The next test may set the clocks back.
        ns.delete("ovr").await;
    }
}

/// Applies the owner's manifest as a dry run; the answered bounds.
async fn dry_run(ns: &TestNamespace) -> (i64, i64) {
    let manifest = hpa_override_testbed::parse_yaml(&ns.manifest(2, 5)).unwrap().remove(0);
    let dry_run = PatchParams::apply("argocd").force().dry_run();
    let answered = ns.hpas("v2").patch("web", &dry_run, &Patch::Apply(manifest)).await.unwrap();
    bounds(&serde_json::to_value(answered).unwrap())
}

#[tokio::test]
async fn with_the_controller_gone_admission_ends_an_override_a_minute_late() {
    let (world, _guard) = world().await;
    let ends = now() + 3600;
    let (ns, before) = under_override(world, "gone", ends, json!({})).await;
    let (gradual, before_return) = under_override(world, "gone-gradual", ends, json!({"returnOver": "10m"})).await;
    world.kill_controller().unwrap();

    CLOCK.freeze(ends + 59);
    for ns in [&ns, &gradual] {
        let hpa = ns.apply("argocd", 2, 5, true).await.unwrap();
        assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, 5))), "{}", ns.name);
    }

    CLOCK.freeze(ends + 60);
    assert_eq!(dry_run(&ns).await, (2, 5), "the dry run shows the end");
    assert_eq!(bounds(&ns.hpa().await), (10, 20), "it changes nothing");
    // A write of anybody, which changes nothing else.
    let hpa = ns.patch("somebody", &Patch::Merge(json!({"metadata": {"labels": {"app": "web"}}}))).await;
    assert_eq!(bounds(&hpa), (2, 5));

    for (since, expected) in [(60, (10, 20)), (60 + 300, (6, 13)), (60 + 600, (2, 5))] {
        CLOCK.freeze(ends + since);
        let hpa = gradual.apply("argocd", 2, 5, true).await.unwrap();
        assert_eq!((bounds(&hpa), desired(&hpa)), (expected, Some((2, 5))), "{since} s after the end");
    }

    world.set_controller_clock(AHEAD + 3600 + 700);
    world.start_controller().unwrap();
    for (ns, before) in [(ns, before), (gradual, before_return)] {
        ns.wait_phase("ovr", "Expired").await;
        assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before), "{}", ns.name);
        ns.delete("ovr").await;
    }
}

#[tokio::test]
async fn a_schedule_begins_and_ends_at_its_boundaries() {
    let (world, _guard) = world().await;
    // By both clocks a minute begins in ten seconds.
    let begins = support::now() + 10;
    let ahead = AHEAD - begins % 60;
    set_clocks(world, &CLOCK, ahead);
    let starts = begins + ahead;

    let (ns, before) = with_hpa(world, "schedule").await;
    let spec = json!({"startsAt": at(starts - 30), "schedule": {"cron": "* * * * *"}, "duration": "5s"});
    ns.create("ovr", overridden(&spec)).await;
    let status = ns.wait_phase("ovr", "Pending").await;
    assert_eq!((&status["startsAt"], &status["nextTransition"]), (&at(starts).into(), &at(starts).into()));

    ns.wait_overridden(10, 20).await;
    let status = ns.wait_phase("ovr", "Active").await;
    assert_eq!((&status["startsAt"], &status["endsAt"]), (&at(starts).into(), &at(starts + 5).into()));

    let after = ns.wait_traceless(2, 5).await;
    let status = ns.wait_phase("ovr", "Pending").await;
    assert_eq!(status["startsAt"], at(starts + 60), "the next one");
    assert_eq!(traces(&after), traces(&before));
    assert_eq!(ns.bounds_between(&before, &after).await, [(10, 20), (2, 5)]);
    ns.delete("ovr").await;

    let writes = ns.wait_writes(&world.plane().audit(), 3).await;
    assert_eq!(writes.len(), 3, "one begins, two end");
    for (write, due) in [(&writes[0], begins), (&writes[1], begins + 5)] {
        let late = write.received.duration_since(instant(due));
        println!("schedule: written {late:#} after the boundary");
        assert!((SignedDuration::ZERO..SignedDuration::from_secs(1)).contains(&late), "{write:#?}");
    }
}
