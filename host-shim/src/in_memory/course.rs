//! The ordinary course of an override: what is written, and when.

use std::time::Duration;

use hpa_override_core::Settings;
use serde_json::json;

use super::world::*;
use crate::{clock::Clock, fake_api::FakeApi};

#[tokio::test(start_paused = true)]
async fn an_override_is_applied_reported_and_ended() {
    let world = World::with_web().await;
    assert_eq!(count(&world.requests(), "PATCH"), 0);
    world.api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    world.seconds(5).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((10, 20), json!("Active")));
    let patch = |path: String| format!("PATCH {path}");
    assert_eq!(world.requests(), [patch(hpa_path("web")), patch(override_path("a") + "/status")]);
    world.seconds(3500).await;
    assert_eq!(world.requests(), Vec::<String>::new(), "a steady hour costs nothing");
    world.seconds(100).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((2, 5), json!("Expired")));
    let requests = world.requests();
    assert_eq!(count(&requests, &patch(hpa_path("web"))), 2, "bounds, then record: {requests:?}");
    assert_eq!(count(&requests, "/status"), 1, "{requests:?}");
    assert!(count(&requests, "GET") >= 1, "the end is confirmed: {requests:?}");
    assert_eq!(world.api.get(&hpa_path("web")).unwrap()["metadata"]["annotations"], json!({}));
    world.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_end_comes_at_its_instant() {
    let world = World::overridden().await;
    let left = world.clock.now().until(in_an_hour(3600).parse().unwrap());
    world.pass(left.saturating_sub(Duration::from_millis(10))).await;
    assert_eq!(world.bounds("web"), (10, 20));
    world.pass(Duration::from_millis(60)).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn statuses_of_hpas_cost_no_request_and_no_plan() {
    let world = World::overridden().await;
    world.requests();
    for replicas in 0..600 {
        let mut hpa = world.api.get(&hpa_path("web")).unwrap();
        hpa["status"] = json!({"currentReplicas": replicas, "desiredReplicas": replicas});
        world.api.put(&hpa_path("web"), hpa);
        world.seconds(1).await;
    }
    assert_eq!(world.requests(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_status_with_targets_that_come_one_by_one_is_written_now_and_then() {
    let world = World::start(|api| {
        let spec = json!({"selector": {"matchLabels": {"tier": "front"}}, "minReplicas": 4, "duration": "1h"});
        api.put(&override_path("a"), ovr("a", spec));
    })
    .await;
    world.requests();
    for number in 0..600 {
        let name = format!("web-{number}");
        world.api.put(&hpa_path(&name), hpa(&name));
        world.pass(Duration::from_millis(100)).await;
    }
    world.seconds(20).await;
    let requests = world.requests();
    assert_eq!(count(&requests, "horizontalpodautoscalers"), 600);
    let statuses = count(&requests, "/status");
    assert!(statuses <= 12, "{statuses} in a minute");
    let status = &world.api.get(&override_path("a")).unwrap()["status"];
    assert_eq!((&status["targets"], &status["applied"]), (&json!(600), &json!(600)));
}

#[tokio::test(start_paused = true)]
async fn an_override_is_deleted_after_its_time() {
    let world = World::with_a_minute_and_a_ttl().await;
    world.seconds(3600).await;
    assert_eq!(world.phase("a"), json!("Expired"));
    world.seconds(120).await;
    assert_eq!(world.api.get(&override_path("a")), None);
}

#[tokio::test(start_paused = true)]
async fn a_requester_is_asked_about_again_after_a_no() {
    let (api, client) = FakeApi::start();
    api.put(&hpa_path("web"), hpa("web"));
    let mut o = ovr("a", for_an_hour("web"));
    o["metadata"]["annotations"] =
        json!({"hpa-override.dev/requested-by": "{\"user\":\"alice\",\"groups\":[\"devs\"]}"});
    api.put(&override_path("a"), o);
    let clock = Clock::simulated(START.parse().unwrap());
    let settings = Settings { authorize_requester: true, ..Settings::default() };
    let world = World::run_with(api, client, clock, settings);
    world.seconds(3000).await;
    let asked = count(&world.api.requests(), "subjectaccessreviews");
    assert!(asked >= 10, "asked {asked} times in 50 min");
}

#[tokio::test(start_paused = true)]
async fn another_phase_is_reported_at_once() {
    let world = World::overridden().await;
    for (generation, suspend, phase) in [(2, true, "Suspended"), (3, false, "Active"), (4, true, "Suspended")] {
        let mut edited = world.api.get(&override_path("a")).unwrap();
        edited["spec"]["suspend"] = suspend.into();
        edited["metadata"]["generation"] = generation.into();
        world.api.put(&override_path("a"), edited);
        world.pass(Duration::from_millis(100)).await;
        assert_eq!(world.phase("a"), json!(phase), "although statuses follow each other");
    }
}
