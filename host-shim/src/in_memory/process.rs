//! How the process ends, and what it finishes first.

use std::time::Duration;

use serde_json::json;

use super::world::*;
use crate::fake_api::Answer;

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
    let world = World::with_web().await;
    world.api.rule(|line| if line.starts_with("PATCH") { Answer::Late } else { Answer::Real });
    world.api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    world.pass(Duration::from_millis(50)).await;
    assert_eq!(world.bounds("web"), (2, 5));
    let api = world.api.clone();
    world.stop().await.unwrap();
    assert_eq!(api.get(&hpa_path("web")).unwrap()["spec"]["minReplicas"], json!(10));
}

#[tokio::test(start_paused = true)]
async fn events_of_the_last_writes_are_published() {
    let world = World::with_web().await;
    world.api.rule(|line| if line.starts_with("PATCH") { Answer::Late } else { Answer::Real });
    world.api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    world.pass(Duration::from_millis(50)).await;
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
