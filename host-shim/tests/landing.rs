//! `returnOver`: the bounds come down in steps of 15 s, seen at the API server version by version.

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

/// An HPA of 2–5 under an override of its max, 65, with more in its spec; what it was like before.
async fn raised(world: &'static World, namespace: &str, more: Value) -> (Shop, Value) {
    let shop = Shop::open(world, namespace).await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    let mut spec = more;
    spec["maxReplicas"] = 65.into();
    shop.create("ovr", spec).await;
    shop.wait_overridden(2, 65).await;
    (shop, before)
}

/// The landing under way.
async fn landing(shop: &Shop) -> Value {
    let hpa = shop.wait_hpa("a landing", |hpa| {
        let landing = record(hpa).map(|record| record["landing"].clone());
        anyhow::ensure!(landing.is_some_and(|landing| landing.is_object()), "{hpa}");
        Ok(())
    });
    record(&hpa.await).unwrap()["landing"].clone()
}

async fn wait_step(shop: &Shop, max: i64) {
    shop.wait_hpa(&format!("the step to {max}"), |hpa| {
        anyhow::ensure!(bounds(hpa).1 == max, "{hpa}");
        Ok(())
    })
    .await;
}

async fn wait_returning(shop: &Shop, next: i64) -> Value {
    let returning = |status: &Value| status["phase"] == "Returning" && status["nextTransition"] == at(next);
    shop.wait_status("ovr", &format!("Returning, the next step at {}", at(next)), returning).await
}

/// The controller writes so often before `ends`, and at each step, 15 s apart, of the landing from then on; no write
/// comes more than a second after its step.
async fn expect_writes<const STEPS: usize>(shop: &Shop, ends: i64, before: usize, expected: [usize; STEPS]) {
    let total = before + expected.iter().sum::<usize>();
    let writes = shop.wait_writes(&shop.world.plane().audit(), total).await;
    assert_eq!(writes.len(), total, "{writes:#?}");
    let mut count = [0; STEPS];
    for write in &writes[before..] {
        let since = u128::try_from(write.received.duration_since(instant(ends)).as_millis()).unwrap();
        let (step, late) = (since / 15_000, since % 15_000);
        println!("{}: written {late} ms after step {step}", shop.namespace);
        assert!(late < 1000, "{write:#?}");
        count[usize::try_from(step).unwrap()] += 1;
    }
    assert_eq!(count, expected);
}

#[tokio::test]
async fn a_max_comes_down_in_steps() {
    let (with, without) = (world(), for_ever(support::world(false, json!({}))));
    tokio::join!(with_the_policy_a_step_is_one_write(with), without_it_two(without));
}

async fn with_the_policy_a_step_is_one_write(world: &'static World) {
    let ends = now() + 5;
    let (shop, before) = raised(world, "steps", json!({"expiresAt": at(ends), "returnOver": "45s"})).await;
    let status = wait_returning(&shop, ends + 15).await;
    assert_eq!((&status["endsAt"], &status["conditions"][0]["reason"]), (&at(ends).into(), &"Returning".into()));
    assert_eq!(bounds(&shop.hpa().await), (2, 65), "nothing is cut at the end itself");

    wait_step(&shop, 45).await;
    let hpa = shop.apply("argocd", 3, 4, false).await.unwrap();
    assert_eq!((bounds(&hpa), desired(&hpa)), ((3, 45), Some((3, 4))), "the owner is heard, and the landing goes on");
    wait_returning(&shop, ends + 30).await;

    let after = shop.wait_traceless(3, 4).await;
    assert_eq!(ownership(&after), ownership(&before));
    shop.wait_phase("ovr", "Expired").await;
    let seen = shop.bounds_between(&before, &after).await;
    assert_eq!(seen, [(2, 65), (2, 45), (3, 45), (3, 25), (3, 4)]);
    expect_writes(&shop, ends, 1, [1, 1, 1, 2]).await;
}

async fn without_it_two(world: &'static World) {
    let ends = now() + 5;
    let (shop, before) = raised(world, "steps-alone", json!({"expiresAt": at(ends), "returnOver": "30s"})).await;
    wait_returning(&shop, ends + 15).await;
    let after = shop.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before));
    assert_eq!(shop.bounds_between(&before, &after).await, [(2, 65), (2, 35), (2, 5)]);
    // The first writes only the record, and takes nothing over; the last is the end of it.
    expect_writes(&shop, ends, 2, [1, 2, 2]).await;
}

#[tokio::test]
async fn an_end_while_the_controller_is_down_lands_when_it_is_back() {
    let world = for_ever(support::world(true, json!({})));
    let ends = now() + 6;
    let (deleted, as_deleted) = raised(world, "deleted", json!({"duration": "1h", "returnOver": "20s"})).await;
    let (over, as_over) = raised(world, "over", json!({"expiresAt": at(ends), "returnOver": "20s"})).await;
    world.kill_controller().unwrap();
    for shop in [&deleted, &over] {
        shop.delete("ovr").await;
    }
    until(instant(ends + 3)).await;
    for shop in [&deleted, &over] {
        assert_eq!(bounds(&shop.hpa().await), (2, 65), "there is nobody to take it off");
    }
    let back = Timestamp::now();
    world.start_controller().unwrap();

    let began: Timestamp = landing(&deleted).await["at"].as_str().unwrap().parse().unwrap();
    assert!((back.as_second()..=now()).contains(&began.as_second()), "{began}: when the deletion was seen");
    assert_eq!(landing(&over).await["at"], at(ends), "its own end came before that");
    for (shop, before) in [(&over, as_over), (&deleted, as_deleted)] {
        let after = shop.wait_traceless(2, 5).await;
        assert_eq!(traces(&after), traces(&before));
        assert_eq!(shop.bounds_between(&before, &after).await, [(2, 65), (2, 20), (2, 5)], "{}", shop.namespace);
    }
}

#[tokio::test]
async fn a_hand_over_lands_on_the_other_override() {
    let (shop, before) = raised(world(), "hand-over", json!({"priority": 1, "returnOver": "15s"})).await;
    shop.create("low", json!({"minReplicas": 10, "maxReplicas": 20})).await;
    let both = shop.wait_overridden(10, 65).await;
    shop.delete("ovr").await;
    assert_eq!(landing(&shop).await["from"], json!({"maxReplicas": 65}));
    let after = shop.wait_overridden(10, 20).await;
    shop.wait_phase("low", "Active").await;
    assert_eq!(shop.bounds_between(&both, &after).await, [(10, 65), (10, 20)]);
    shop.delete("low").await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
}

#[tokio::test]
async fn a_suspension_lands_and_its_end_ends_the_landing() {
    let (shop, _) = raised(world(), "suspension", json!({"duration": "1h", "returnOver": "1h"})).await;
    shop.edit("ovr", json!({"suspend": true})).await.unwrap();
    shop.wait_phase("ovr", "Returning").await;
    assert_eq!(bounds(&shop.hpa().await), (2, 65));
    shop.edit("ovr", json!({"suspend": false})).await.unwrap();
    shop.wait_phase("ovr", "Active").await;
    let hpa = shop.wait_overridden(2, 65).await;
    assert_eq!(record(&hpa).unwrap().get("landing"), None);
}

#[tokio::test]
async fn the_release_marker_ends_a_landing() {
    let (shop, before) = raised(world(), "release", json!({"duration": "1h", "returnOver": "1h"})).await;
    shop.delete("ovr").await;
    landing(&shop).await;
    shop.kubectl_ok(&["annotate", "hpa", "web", "hpa-override.dev/release=true"], "");
    let released = shop.hpa().await;
    assert_eq!(traces(&released), traces(&before), "in that very write");
    // An override that comes and goes shows that the controller has looked at the HPA since.
    shop.create("next", overridden(&json!({"duration": "1h"}))).await;
    shop.wait_overridden(10, 20).await;
    shop.delete("next").await;
    let after = shop.wait_traceless(2, 5).await;
    assert_eq!(shop.bounds_between(&released, &after).await, [(10, 20), (2, 5)]);
}
