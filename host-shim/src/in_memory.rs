//! The controller against an API server in memory, in paused time: what it writes, when, and what it does when something
//! fails. Seconds pass only where nothing is left to do, so an hour of a cluster takes a moment.

use std::{sync::Arc, time::Duration};

use hpa_override_core::{Instant, Settings};
use kube::Client;
use serde_json::{Value, json};
use tokio::{
    sync::oneshot,
    task::{AbortHandle, JoinHandle},
    time::sleep,
};

use crate::{
    clock::Clock,
    fake_api::{Answer, FakeApi},
    request::Requests,
    run::Controller,
};

const START: &str = "2026-11-27T06:00:00Z";

struct World {
    api: Arc<FakeApi>,
    client: Client,
    clock: Clock,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
    tasks: Vec<(&'static str, AbortHandle)>,
}

impl World {
    /// A controller that has listed what `prepare` has stored.
    async fn start(prepare: impl FnOnce(&FakeApi)) -> Self {
        let (api, client) = FakeApi::start();
        prepare(&api);
        let clock = Clock::simulated(START.parse().unwrap());
        let world = Self::run(api, client, clock);
        world.seconds(2).await;
        world
    }

    fn run(api: Arc<FakeApi>, client: Client, clock: Clock) -> Self {
        Self::run_with(api, client, clock, Settings::default())
    }

    fn run_with(api: Arc<FakeApi>, client: Client, clock: Clock, settings: Settings) -> Self {
        let requests = Requests::new(client.clone(), clock, 2000);
        let confirming = requests.apart(client.clone(), 2000);
        let controller = Controller::start(requests, confirming, settings, None, clock);
        let tasks = controller.tasks().handles();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(controller.run(async {
            let _ = stopped.await;
        }));
        Self { api, client, clock, stop, running, tasks }
    }

    /// Kills a task; what the process says of it. Then another process starts.
    async fn kill(self, task: usize) -> (String, Self) {
        let Self { api, client, clock, running, tasks, .. } = self;
        tasks[task].1.abort();
        let error = running.await.unwrap().unwrap_err().to_string();
        let world = Self::run(api, client, clock);
        world.seconds(2).await;
        (error, world)
    }

    /// Time passes, as far as anything is done in it.
    async fn pass(&self, time: Duration) {
        sleep(time).await;
    }

    async fn seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds)).await;
    }

    /// The requests since the last call, events aside.
    fn requests(&self) -> Vec<String> {
        let is_of_interest = |line: &String| !line.contains("events.k8s.io") && !line.starts_with("WATCH");
        self.api.requests().into_iter().filter(is_of_interest).collect()
    }

    fn bounds(&self, name: &str) -> (i64, i64) {
        let hpa = self.api.get(&hpa_path(name)).unwrap();
        (hpa["spec"]["minReplicas"].as_i64().unwrap(), hpa["spec"]["maxReplicas"].as_i64().unwrap())
    }

    fn phase(&self, name: &str) -> Value {
        self.api.get(&override_path(name)).unwrap()["status"]["phase"].clone()
    }

    fn condition(&self, name: &str, type_: &str) -> Value {
        let ovr = self.api.get(&override_path(name)).unwrap();
        let conditions = ovr["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == type_).unwrap_or_default()
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.send(()).unwrap();
        self.running.await.unwrap()
    }
}

fn hpa_path(name: &str) -> String {
    format!("/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/{name}")
}

fn override_path(name: &str) -> String {
    format!("/apis/hpa-override.dev/v1/namespaces/shop/autoscaleroverrides/{name}")
}

fn hpa(name: &str) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
           "metadata": {"namespace": "shop", "name": name, "uid": format!("hpa-{name}"), "labels": {"tier": "front"}},
           "spec": {"minReplicas": 2, "maxReplicas": 5}})
}

#[expect(clippy::needless_pass_by_value, reason = "what is given is a literal")]
fn ovr(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride",
           "metadata": {"namespace": "shop", "name": name, "uid": format!("ovr-{name}"), "generation": 1,
                        "creationTimestamp": START},
           "spec": spec})
}

fn for_an_hour(hpa: &str) -> Value {
    json!({"hpa": hpa, "minReplicas": 10, "maxReplicas": 20, "duration": "1h"})
}

fn in_an_hour(seconds: i64) -> String {
    START.parse::<Instant>().unwrap().saturating_add(seconds).to_string()
}

/// How often each kind of request was made.
fn count(requests: &[String], part: &str) -> usize {
    requests.iter().filter(|line| line.contains(part)).count()
}

#[tokio::test(start_paused = true)]
async fn an_override_is_applied_reported_and_ended() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
    })
    .await;
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
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
        api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    })
    .await;
    let left = world.clock.now().until(in_an_hour(3600).parse().unwrap());
    world.pass(left.saturating_sub(Duration::from_millis(10))).await;
    assert_eq!(world.bounds("web"), (10, 20));
    world.pass(Duration::from_millis(60)).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_the_watch_has_not_delivered_is_found() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
        api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    })
    .await;
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
async fn statuses_of_hpas_cost_no_request_and_no_plan() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
        api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    })
    .await;
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
async fn somebody_who_reverts_again_and_again_makes_no_write_storm() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
        api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    })
    .await;
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
async fn what_another_admission_makes_of_a_bound_is_not_the_owners() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
    })
    .await;
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
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
    })
    .await;
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
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
        api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    })
    .await;
    assert_eq!(world.bounds("web"), (10, 20));
    let expired = || Answer::Refuse(410, "Expired", "too old resource version".into());
    world.api.rule(move |line| if line.starts_with("WATCH") { expired() } else { Answer::Real });
    world.seconds(60).await;
    world.api.remove(&override_path("a"));
    world.seconds(60).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn an_override_is_deleted_after_its_time() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
        let spec = json!({"hpa": "web", "minReplicas": 4, "startsAt": START, "expiresAt": in_an_hour(60), "ttlAfterFinished": "1h"});
        api.put(&override_path("a"), ovr("a", spec));
    })
    .await;
    world.seconds(3600).await;
    assert_eq!(world.phase("a"), json!("Expired"));
    world.seconds(120).await;
    assert_eq!(world.api.get(&override_path("a")), None);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_meets_a_change_is_made_again() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
        let spec = json!({"hpa": "web", "minReplicas": 4, "startsAt": START, "expiresAt": in_an_hour(60), "ttlAfterFinished": "1h"});
        api.put(&override_path("a"), ovr("a", spec));
    })
    .await;
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
    let mut world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
    })
    .await;
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
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
    })
    .await;
    world.api.rule(|line| if line.starts_with("PATCH") { Answer::Late } else { Answer::Real });
    world.api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    world.pass(Duration::from_millis(50)).await;
    assert_eq!(world.bounds("web"), (2, 5));
    let api = world.api.clone();
    world.stop().await.unwrap();
    assert_eq!(api.get(&hpa_path("web")).unwrap()["spec"]["minReplicas"], json!(10));
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
async fn a_slow_read_ahead_does_not_make_an_end_late_that_is_confirmed() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
        api.put(&override_path("a"), ovr("a", for_an_hour("web")));
    })
    .await;
    world.requests();
    let left = world.clock.now().until(in_an_hour(3600).parse().unwrap());
    world.pass(left.saturating_sub(Duration::from_secs(2))).await;
    assert_eq!(count(&world.requests(), "GET"), 1, "read ahead at T-3");
    world.api.rule(|line| if line.starts_with("GET /apis/hpa-override.dev") { Answer::Late } else { Answer::Real });
    world.pass(Duration::from_millis(2060)).await;
    assert_eq!(world.bounds("web"), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn events_of_the_last_writes_are_published() {
    let world = World::start(|api| {
        api.put(&hpa_path("web"), hpa("web"));
    })
    .await;
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
