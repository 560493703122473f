//! How the process ends, and what it finishes first.

use std::{sync::Arc, time::Duration};

use hpa_override_core::Settings;
use kube::Client;
use serde_json::json;

use super::world::*;
use crate::{
    clock::Clock,
    fake_api::{Answer, FakeApi},
    leader::LeaseName,
};

#[tokio::test(start_paused = true)]
async fn the_process_ends_after_five_minutes_without_credentials() {
    let world = World::start(|_| ()).await;
    world.api.rule(|_| Answer::Refuse(401, "Unauthorized", "Unauthorized".into()));
    world.seconds(600).await;
    let error = world.running.await.unwrap().unwrap_err();
    let expected = "the API server has not accepted the credentials for five minutes; it says: Unauthorized";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_process_ends_with_each_of_its_tasks() {
    let mut world = World::with_web().await;
    let names: Vec<_> = world.tasks.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), 10);
    for (number, task) in names.into_iter().enumerate() {
        let name = format!("o{number}");
        world.api.put(
            &override_path(&name),
            ovr(&name, json!({"hpa": "web", "minReplicas": 3 + number, "priority": number, "duration": "1m"})),
        );
        let (error, next) = world.kill(number).await;
        let begins = format!("task `{task}` failed, so the controller cannot go on: task ");
        assert!(error.starts_with(&begins) && error.ends_with("was cancelled"), "{error}");
        world = next;
        assert_eq!((world.bounds("web").0, world.phase(&name)), (3 + i64::try_from(number).unwrap(), json!("Active")));
    }
    world.seconds(120).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_the_writes_in_flight() {
    let world = World::writing_late().await;
    assert_eq!(world.bounds("web"), (2, 5));
    let api = world.api.clone();
    world.stop().await.unwrap();
    assert_eq!(api.get(&hpa_path("web")).unwrap()["spec"]["minReplicas"], json!(10));
}

#[tokio::test(start_paused = true)]
async fn events_of_the_last_writes_are_published() {
    let world = World::writing_late().await;
    let api = world.api.clone();
    api.requests();
    world.stop().await.unwrap();
    let requests = api.requests();
    assert_eq!(count(&requests, "events.k8s.io"), 2, "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn the_process_ends_at_once_where_a_loop_has_failed() {
    let world = World::start(|_| ()).await;
    let index = world.tasks.iter().position(|(name, _)| *name == "HPA loop").unwrap();
    let before = tokio::time::Instant::now();
    world.tasks[index].1.abort();
    let _ = world.running.await.unwrap().unwrap_err();
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
}

/// A replica that is to be elected, and is the only one.
fn elected(api: Arc<FakeApi>, client: Client) -> World {
    let clock = Clock::simulated(START.parse().unwrap());
    let lease = LeaseName { namespace: "hpa-override".into(), name: "hpa-override".into() };
    World::run_as(api, client, clock, Settings::default(), Some(lease))
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_clock_is_set_ahead_and_back_keeps_the_lease_and_ends_an_override_once() {
    let (api, client) = FakeApi::start();
    api.put(&hpa_path("web"), hpa("web"));
    api.put(&override_path("a"), ovr("a", json!({"hpa": "web", "minReplicas": 4, "duration": "1m"})));
    let world = elected(api, client);
    world.seconds(20).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((4, 5), json!("Active")));
    world.requests();
    world.clock.set(30);
    world.seconds(30).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((2, 5), json!("Expired")));
    world.clock.set(-30);
    world.seconds(120).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((2, 5), json!("Expired")));
    let requests = world.requests();
    assert_eq!(count(&requests, &format!("PATCH {}", hpa_path("web"))), 2, "the two of an end: {requests:?}");
    let lease = world.api.get("/apis/coordination.k8s.io/v1/namespaces/hpa-override/leases/hpa-override").unwrap();
    assert_eq!(lease["spec"]["leaseTransitions"], json!(0));
    world.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_loses_the_lease_writes_nothing_and_makes_up_for_it_when_it_leads_again() {
    let (api, client) = FakeApi::start();
    for name in ["web", "api"] {
        api.put(&hpa_path(name), hpa(name));
    }
    api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    let world = elected(api, client);
    world.seconds(5).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((10, 20), json!("Active")));
    let refuse = || Answer::Refuse(503, "ServiceUnavailable", "stopping".into());
    world.api.rule(move |line| if line.contains("/leases") { refuse() } else { Answer::Real });
    world.seconds(15).await;
    world.requests();
    world.api.put(&override_path("b"), ovr("b", for_an_hour("api")));
    world.api.remove(&override_path("a"));
    world.seconds(60).await;
    assert_eq!(count(&world.requests(), "PATCH"), 0, "it does not lead");
    world.api.rule(|_| Answer::Real);
    world.seconds(10).await;
    assert_eq!((world.bounds("web"), world.bounds("api"), world.phase("b")), ((2, 5), (10, 20), json!("Active")));
    world.stop().await.unwrap();
}
