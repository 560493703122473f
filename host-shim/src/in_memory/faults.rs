//! What goes wrong in the cluster, and in what order things come: nothing is lost, and nothing is written again and again.

use std::time::Duration;

use hpa_override_core::RELEASE_ANNOTATION;
use serde_json::json;

use super::world::*;
use crate::{fake_api::Answer, request::mock::Log};

#[tokio::test(start_paused = true)]
async fn an_extension_that_the_watch_has_not_delivered_is_found() {
    let world = World::overridden().await;
    world.api.rule(|line| if line.starts_with("WATCH /apis/hpa-override.dev") { Answer::Never } else { Answer::Real });
    world.seconds(120).await;
    let mut extended = world.api.get(&override_path("a")).unwrap();
    extended["spec"]["duration"] = "2h".into();
    extended["metadata"]["generation"] = 2.into();
    world.api.put(&override_path("a"), extended);
    world.seconds(3600).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((10, 20), json!("Active")));
    world.seconds(3600).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn one_hpa_that_cannot_be_written_does_not_stop_the_others() {
    let world = World::start(|api| {
        for name in ["api", "web"] {
            api.put(&hpa_path(name), hpa(name));
        }
    })
    .await;
    let denied = "admission webhook \"x\" denied the request: no";
    world.api.rule(move |line| {
        let is_refused = line.starts_with("PATCH") && line.ends_with("/api");
        if is_refused { Answer::Refuse(403, "Forbidden", denied.into()) } else { Answer::Real }
    });
    world.requests();
    world.api.put(
        &override_path("a"),
        ovr("a", json!({"selector": {"matchLabels": {"tier": "front"}}, "minReplicas": 4, "duration": "1h"})),
    );
    world.seconds(60).await;
    assert_eq!((world.bounds("api"), world.bounds("web")), ((2, 5), (4, 5)));
    let ready = world.condition("a", "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("PartlyApplied")));
    assert_eq!(ready["message"], json!(format!("applied on 1 of 2 targets; api: {denied}")));
    let attempts = count(&world.requests(), &hpa_path("api"));
    assert_eq!(attempts, 6, "after 1, 2, 4, 8, 16 s");
    world.api.rule(|_| Answer::Real);
    world.seconds(60).await;
    assert_eq!((world.bounds("api"), world.condition("a", "Ready")["status"].clone()), ((4, 5), json!("True")));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_not_answered_does_not_delay_an_end() {
    let world = World::start(|api| {
        for name in ["api", "web"] {
            api.put(&hpa_path(name), hpa(name));
        }
        api.put(&override_path("a"), ovr("a", json!({"hpa": "web", "minReplicas": 4, "duration": "1m"})));
        api.put(&override_path("b"), ovr("b", json!({"hpa": "api", "minReplicas": 4, "duration": "1m"})));
    })
    .await;
    world.api.rule(|line| {
        let hangs = line.starts_with("PATCH") && line.ends_with("/api");
        if hangs { Answer::Never } else { Answer::Real }
    });
    world.seconds(59).await;
    assert_eq!((world.bounds("api"), world.bounds("web")), ((4, 5), (2, 5)));
    world.api.rule(|_| Answer::Real);
    world.seconds(25).await;
    assert_eq!(world.bounds("api"), (2, 5), "10 s for the answer, then again");
}

#[tokio::test(start_paused = true)]
async fn somebody_who_reverts_again_and_again_makes_no_write_storm() {
    let world = World::overridden().await;
    world.requests();
    for _ in 0..600 {
        let mut hpa = world.api.get(&hpa_path("web")).unwrap();
        hpa["spec"] = json!({"minReplicas": 2, "maxReplicas": 5});
        world.api.put(&hpa_path("web"), hpa);
        world.pass(Duration::from_millis(100)).await;
    }
    let patches = count(&world.requests(), &format!("PATCH {}", hpa_path("web")));
    assert!(patches <= 8, "{patches}");
    assert_eq!(world.condition("a", "Ready")["reason"], json!("Contested"));
}

#[tokio::test(start_paused = true)]
async fn without_an_admission_a_release_marker_is_removed_and_one_that_comes_again_makes_no_write_storm() {
    let world = World::overridden().await;
    let mark = || {
        let mut hpa = world.api.get(&hpa_path("web")).unwrap();
        hpa["metadata"]["annotations"][RELEASE_ANNOTATION] = "true".into();
        world.api.put(&hpa_path("web"), hpa);
    };
    let is_marked =
        || world.api.get(&hpa_path("web")).unwrap()["metadata"]["annotations"].get(RELEASE_ANNOTATION).is_some();
    world.requests();
    for _ in 0..3 {
        mark();
        world.seconds(2).await;
        assert!(!is_marked());
    }
    let requests = world.api.requests();
    assert_eq!(count(&requests, &format!("PATCH {}", hpa_path("web"))), 3);
    assert!(count(&requests, "events.k8s.io") > 0, "{requests:?}");
    assert_eq!((world.bounds("web"), world.condition("a", "Ready")["status"].clone()), ((10, 20), json!("True")));
    for _ in 0..600 {
        mark();
        world.pass(Duration::from_millis(100)).await;
    }
    let patches = count(&world.requests(), &format!("PATCH {}", hpa_path("web")));
    assert!(patches <= 8, "{patches}");
    let ready = world.condition("a", "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("Released")));
    // It ends all the same, and a marker that nobody sets again is gone.
    world.seconds(3700).await;
    assert_eq!((world.bounds("web"), world.phase("a"), is_marked()), ((2, 5), json!("Expired"), false));
}

#[tokio::test(start_paused = true)]
async fn what_another_admission_makes_of_a_bound_is_not_the_owners() {
    let world = World::with_web().await;
    world.api.rule(|line| if line.starts_with("PATCH /apis/autoscaling") { Answer::AtMost(15) } else { Answer::Real });
    world.requests();
    world.api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    world.seconds(3500).await;
    let ready = world.condition("a", "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("WriteAltered")));
    let patches = count(&world.requests(), &format!("PATCH {}", hpa_path("web")));
    assert!(patches <= 24, "{patches} in an hour");
    world.seconds(200).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((2, 5), json!("Expired")));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_read_and_written_again_at_once() {
    let world = World::with_web().await;
    world.api.rule(|line| {
        let is_watch = line.starts_with("WATCH /apis/autoscaling");
        if is_watch { Answer::Never } else { Answer::Real }
    });
    world.seconds(60).await;
    let mut other = world.api.get(&hpa_path("web")).unwrap();
    other["spec"]["maxReplicas"] = 7.into();
    world.api.put(&hpa_path("web"), other);
    world.requests();
    world.api.put(&override_path("a"), ovr("a", json!({"hpa": "web", "minReplicas": 3, "duration": "1h"})));
    world.pass(Duration::from_millis(100)).await;
    assert_eq!(world.bounds("web"), (3, 7));
    let verbs: Vec<_> = world.requests().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(verbs[..3], ["PATCH", "GET", "PATCH"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_listed_any_more_is_ended() {
    let world = World::overridden().await;
    assert_eq!(world.bounds("web"), (10, 20));
    let expired = || Answer::Refuse(410, "Expired", "too old resource version".into());
    world.api.rule(move |line| if line.starts_with("WATCH") { expired() } else { Answer::Real });
    world.seconds(60).await;
    world.api.remove(&override_path("a"));
    world.seconds(60).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_meets_a_change_is_made_again() {
    let world = World::with_a_minute_and_a_ttl().await;
    world.seconds(3600).await;
    let conflict = || Answer::Refuse(409, "Conflict", "the object has been modified".into());
    world.api.rule(move |line| if line.starts_with("DELETE") { conflict() } else { Answer::Real });
    world.seconds(120).await;
    assert_eq!(world.phase("a"), json!("Expired"));
    world.api.rule(|_| Answer::Real);
    world.seconds(20).await;
    assert_eq!(world.api.get(&override_path("a")), None);
}

#[tokio::test(start_paused = true)]
async fn a_slow_read_ahead_does_not_make_an_end_late_that_is_confirmed() {
    let world = World::overridden().await;
    world.requests();
    let left = world.clock.now().until(in_an_hour(3600).parse().unwrap());
    world.pass(left.saturating_sub(Duration::from_secs(2))).await;
    assert_eq!(count(&world.requests(), "GET"), 1, "read ahead at T-3");
    world.api.rule(|line| if line.starts_with("GET /apis/hpa-override.dev") { Answer::Late } else { Answer::Real });
    world.pass(Duration::from_millis(2060)).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ended_by_a_read_that_took_five_seconds() {
    let world = World::overridden().await;
    let left = world.clock.now().until(in_an_hour(3600).parse().unwrap());
    world.pass(left.saturating_sub(Duration::from_secs(10))).await;
    world.api.rule(|line| if line.starts_with("GET /apis/hpa-override.dev") { Answer::Late } else { Answer::Real });
    world.seconds(40).await;
    assert_eq!(world.bounds("web"), (10, 20));
    world.api.rule(|_| Answer::Real);
    world.seconds(20).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ended_by_the_404_of_a_proxy() {
    let world = World::overridden().await;
    let left = world.clock.now().until(in_an_hour(3600).parse().unwrap());
    world.pass(left.saturating_sub(Duration::from_secs(10))).await;
    let unknown = || Answer::Refuse(404, "NotFound", "404 page not found".into());
    world.api.rule(move |line| if line.starts_with("GET /apis/hpa-override.dev") { unknown() } else { Answer::Real });
    world.seconds(40).await;
    assert_eq!(world.bounds("web"), (10, 20));
    world.api.rule(|_| Answer::Real);
    world.seconds(20).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_read_that_fails_does_not_wait_for_another() {
    let log = Log::capture();
    let world = World::start(|api| {
        for number in 0..20 {
            let name = format!("web-{number}");
            api.put(&hpa_path(&name), hpa(&name));
        }
        let spec = json!({"selector": {"matchLabels": {"tier": "front"}}, "minReplicas": 4, "duration": "1h"});
        api.put(&override_path("a"), ovr("a", spec));
    })
    .await;
    let left = world.clock.now().until(in_an_hour(3600).parse().unwrap());
    world.pass(left.saturating_sub(Duration::from_secs(10))).await;
    world.api.rule(|line| if line.starts_with("GET /apis/hpa-override.dev") { Answer::Never } else { Answer::Real });
    world.seconds(19).await;
    let failed = log.take().into_iter().filter(|line| line.contains("failed to confirm the overrides")).count();
    assert_eq!(failed, 20, "at T+7, when the read ahead has failed");
}

#[tokio::test(start_paused = true)]
async fn an_override_that_a_slow_read_still_holds_stays_deleted() {
    let world = World::start(|api| {
        for name in ["web", "api"] {
            api.put(&hpa_path(name), hpa(name));
        }
        api.put(&override_path("a"), ovr("a", json!({"hpa": "web", "minReplicas": 4, "duration": "1h"})));
        api.put(&override_path("b"), ovr("b", json!({"hpa": "api", "minReplicas": 4, "duration": "10h"})));
    })
    .await;
    let left = world.clock.now().until(in_an_hour(3600).parse().unwrap());
    world.pass(left.saturating_sub(Duration::from_millis(3500))).await;
    assert_eq!(world.bounds("api"), (4, 5));
    world
        .api
        .rule(|line| if line.starts_with("GET /apis/hpa-override.dev") { Answer::AnsweredLate } else { Answer::Real });
    world.pass(Duration::from_secs(1)).await;
    world.api.rule(|_| Answer::Real);
    world.api.remove(&override_path("b"));
    world.pass(Duration::from_millis(500)).await;
    assert_eq!(world.bounds("api"), (2, 5), "b is deleted");
    world.seconds(600).await;
    assert_eq!((world.bounds("web"), world.bounds("api")), ((2, 5), (2, 5)), "b stays deleted");
}

#[tokio::test(start_paused = true)]
async fn an_hpa_whose_patch_is_answered_late_stays_deleted() {
    let world = World::start(|api| {
        for name in ["web", "api"] {
            api.put(&hpa_path(name), hpa(name));
        }
    })
    .await;
    world.api.rule(|line| {
        if line.starts_with("PATCH") && line.ends_with("/web") { Answer::AnsweredLate } else { Answer::Real }
    });
    let spec = json!({"selector": {"matchLabels": {"tier": "front"}}, "minReplicas": 4, "duration": "10h"});
    world.api.put(&override_path("a"), ovr("a", spec));
    world.seconds(2).await;
    world.api.rule(|_| Answer::Real);
    world.api.remove(&hpa_path("web"));
    world.seconds(600).await;
    let status = &world.api.get(&override_path("a")).unwrap()["status"];
    assert_eq!((&status["targets"], &status["applied"]), (&json!(1), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_a_proxy_answers_with_404_is_tried_again() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
        api.put(&override_path("a"), ovr("a", json!({"hpa": "web", "minReplicas": 4, "duration": "1m"})));
    })
    .await;
    world.seconds(30).await;
    world.api.rule(|line| {
        if line.starts_with("PATCH") {
            Answer::Refuse(404, "NotFound", "the server could not find the requested resource".into())
        } else {
            Answer::Real
        }
    });
    world.seconds(40).await;
    world.api.rule(|_| Answer::Real);
    world.requests();
    world.seconds(600).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((2, 5), json!("Expired")));
}

#[tokio::test(start_paused = true)]
async fn what_began_by_a_clock_that_was_ahead_is_undone_once_it_is_set() {
    let world = World::with_web().await;
    let spec = json!({"hpa": "web", "minReplicas": 4, "startsAt": in_an_hour(3600), "duration": "1h"});
    world.api.put(&override_path("a"), ovr("a", spec));
    world.seconds(3700).await;
    assert_eq!(world.bounds("web"), (4, 5));
    world.clock.set(-3600);
    world.seconds(31).await;
    assert_eq!((world.bounds("web"), world.phase("a")), ((2, 5), json!("Pending")));
}
