//! `returnOver`: the bounds return in steps of 15 s, seen in every version of the HPA.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::World;
use jiff::Timestamp;
use serde_json::{Value, json};
use support::*;

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world(true, json!({})))
}

/// An HPA of 2-5 under an override with maxReplicas 65 and other fields, and the HPA before the override.
async fn raised(world: &'static World, name: &str, over: Value) -> (TestNamespace, Value) {
    let (ns, before) = with_hpa(world, name).await;
    ns.create("ovr", with_fields(json!({"maxReplicas": 65}), &over)).await;
    ns.wait_overridden(2, 65).await;
    (ns, before)
}

/// The gradual return in the record, once there is one.
async fn gradual_return(ns: &TestNamespace) -> Value {
    let hpa = ns.wait_hpa("a gradual return", |hpa| {
        let found = record(hpa).map(|record| record["gradualReturn"].clone());
        anyhow::ensure!(found.is_some_and(|found| found.is_object()), "{hpa}");
        Ok(())
    });
    record(&hpa.await).unwrap()["gradualReturn"].clone()
}

async fn wait_returning(ns: &TestNamespace, next: i64) -> Value {
    let returning = |status: &Value| status["phase"] == "Returning" && status["nextTransition"] == at(next);
    ns.wait_status("ovr", &format!("Returning, the next step at {}", at(next)), returning).await
}

/// The controller writes `before` times before `ends`, then `expected[n]` times at step n of the gradual return, which is
/// 15 s long; no write is more than a second late.
async fn expect_writes<const STEPS: usize>(ns: &TestNamespace, ends: i64, before: usize, expected: [usize; STEPS]) {
    let total = before + expected.iter().sum::<usize>();
    let writes = ns.wait_writes(&ns.world.plane().audit(), total).await;
    assert_eq!(writes.len(), total, "{writes:#?}");
    let mut count = [0; STEPS];
    for write in &writes[before..] {
        let since = u128::try_from(write.received.duration_since(instant(ends)).as_millis()).unwrap();
        let (step, late) = (since / 15_000, since % 15_000);
        println!("{}: written {late} ms after step {step}", ns.name);
        assert!(late < 1000, "{write:#?}");
        count[usize::try_from(step).unwrap()] += 1;
    }
    assert_eq!(count, expected);
}

#[tokio::test]
async fn a_max_returns_in_steps() {
    let (with, without) = (world(), for_ever(support::world(false, json!({}))));
    tokio::join!(with_the_policy_a_step_is_one_write(with), without_it_two(without));
}

async fn with_the_policy_a_step_is_one_write(world: &'static World) {
    let ends = now() + 5;
    let (ns, before) = raised(world, "steps", json!({"expiresAt": at(ends), "returnOver": "30s"})).await;
    let status = wait_returning(&ns, ends + 15).await;
    assert_eq!((&status["endsAt"], &status["conditions"][0]["reason"]), (&at(ends).into(), &"Returning".into()));
    assert_eq!(bounds(&ns.hpa().await), (2, 65), "nothing is cut at the end itself");

    let hpa = ns.apply("argocd", 3, 15, false).await.unwrap();
    assert_eq!((bounds(&hpa), desired(&hpa)), ((3, 65), Some((3, 15))), "the gradual return goes on");
    wait_returning(&ns, ends + 30).await;

    let after = ns.wait_traceless(3, 15).await;
    assert_eq!(ownership(&after), ownership(&before));
    ns.wait_phase("ovr", "Expired").await;
    let seen = ns.bounds_between(&before, &after).await;
    assert_eq!(seen, [(2, 65), (3, 65), (3, 40), (3, 15)], "to the owner's new number");
    expect_writes(&ns, ends, 1, [1, 1, 2]).await;
}

async fn without_it_two(world: &'static World) {
    let ends = now() + 5;
    let (ns, before) = raised(world, "steps-alone", json!({"expiresAt": at(ends), "returnOver": "30s"})).await;
    wait_returning(&ns, ends + 15).await;
    let after = ns.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before));
    assert_eq!(ns.bounds_between(&before, &after).await, [(2, 65), (2, 35), (2, 5)]);
    // The first write changes only the record, so that there is no ownership to return.
    expect_writes(&ns, ends, 2, [1, 2, 2]).await;
}

#[tokio::test]
async fn after_an_end_without_a_controller_it_returns_gradually() {
    let world = for_ever(support::world(true, json!({})));
    let ends = now() + 6;
    let (deleted, as_deleted) = raised(world, "deleted", json!({"duration": "1h", "returnOver": "20s"})).await;
    let (over, as_over) = raised(world, "over", json!({"expiresAt": at(ends), "returnOver": "20s"})).await;
    world.kill_controller().unwrap();
    for ns in [&deleted, &over] {
        ns.delete("ovr").await;
    }
    until(instant(ends + 3)).await;
    for ns in [&deleted, &over] {
        assert_eq!(bounds(&ns.hpa().await), (2, 65), "no controller");
    }
    let back = Timestamp::now();
    world.start_controller().unwrap();

    let began: Timestamp = gradual_return(&deleted).await["at"].as_str().unwrap().parse().unwrap();
    assert!((back.as_second()..=now()).contains(&began.as_second()), "{began}: when the deletion was seen");
    assert_eq!(gradual_return(&over).await["at"], at(ends), "its own end came before that");
    for (ns, before) in [(&over, as_over), (&deleted, as_deleted)] {
        let after = ns.wait_traceless(2, 5).await;
        assert_eq!(traces(&after), traces(&before));
        assert_eq!(ns.bounds_between(&before, &after).await, [(2, 65), (2, 20), (2, 5)], "{}", ns.name);
    }
}

#[tokio::test]
async fn the_bounds_return_to_another_active_override() {
    let (ns, before) = raised(world(), "hand-over", json!({"priority": 1, "returnOver": "15s"})).await;
    ns.create("low", json!({"minReplicas": 10, "maxReplicas": 20})).await;
    let both = ns.wait_overridden(10, 65).await;
    ns.delete("ovr").await;
    assert_eq!(gradual_return(&ns).await["from"], json!({"maxReplicas": 65}));
    let after = ns.wait_overridden(10, 20).await;
    ns.wait_phase("low", "Active").await;
    assert_eq!(ns.bounds_between(&both, &after).await, [(10, 65), (10, 20)]);
    ns.delete("low").await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}

#[tokio::test]
async fn a_suspension_starts_a_gradual_return_and_resuming_ends_it() {
    let (ns, _) = raised(world(), "suspension", json!({"duration": "1h", "returnOver": "1h"})).await;
    ns.edit("ovr", json!({"suspend": true})).await.unwrap();
    ns.wait_phase("ovr", "Returning").await;
    assert_eq!(bounds(&ns.hpa().await), (2, 65));
    ns.edit("ovr", json!({"suspend": false})).await.unwrap();
    ns.wait_phase("ovr", "Active").await;
    let hpa = ns.wait_overridden(2, 65).await;
    assert_eq!(record(&hpa).unwrap().get("gradualReturn"), None);
}

#[tokio::test]
async fn the_release_marker_ends_a_gradual_return() {
    let (ns, before) = raised(world(), "release", json!({"duration": "1h", "returnOver": "1h"})).await;
    ns.delete("ovr").await;
    gradual_return(&ns).await;
    ns.kubectl_ok(&["annotate", "hpa", "web", "hpa-override.dev/release=true"], "");
    let released = ns.hpa().await;
    assert_eq!(traces(&released), traces(&before), "in the same write");
    // Another override, and its end, show that the controller has planned for the HPA since.
    ns.create("next", overridden(&json!({"duration": "1h"}))).await;
    ns.wait_overridden(10, 20).await;
    ns.delete("next").await;
    let after = ns.wait_traceless(2, 5).await;
    assert_eq!(ns.bounds_between(&released, &after).await, [(10, 20), (2, 5)]);
}
