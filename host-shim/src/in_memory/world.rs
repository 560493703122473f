//! The fixture: a cluster in memory, and a controller in it.

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
    leader::LeaseName,
    request::Requests,
    run::{Access, Controller},
    scope::Scope,
};

pub const START: &str = "2026-11-27T06:00:00Z";

pub struct World {
    pub api: Arc<FakeApi>,
    pub client: Client,
    pub clock: Clock,
    pub stop: oneshot::Sender<()>,
    pub running: JoinHandle<anyhow::Result<()>>,
    pub tasks: Vec<(&'static str, AbortHandle)>,
}

impl World {
    /// A controller that has listed the HPA `web` of 2-5.
    pub async fn with_web() -> Self {
        Self::start(|api| {
            api.put(&hpa_path("web"), hpa("web"));
        })
        .await
    }

    /// The same under the override `a` of 10-20, for an hour.
    pub async fn overridden() -> Self {
        Self::start(|api| {
            api.put(&hpa_path("web"), hpa("web"));
            api.put(&override_path("a"), ovr("a", for_an_hour("web")));
        })
        .await
    }

    /// The HPA `web` under the override `a` of a minute, which is deleted an hour after its end.
    pub async fn with_a_minute_and_a_ttl() -> Self {
        Self::start(|api| {
            api.put(&hpa_path("web"), hpa("web"));
            let end = in_an_hour(60);
            let spec =
                json!({"hpa": "web", "minReplicas": 4, "startsAt": START, "expiresAt": end, "ttlAfterFinished": "1h"});
            api.put(&override_path("a"), ovr("a", spec));
        })
        .await
    }

    /// A controller whose write to the HPA `web` is on its way: it is done and answered after 5 s.
    pub async fn writing_late() -> Self {
        let world = Self::with_web().await;
        world.api.rule(|line| if line.starts_with("PATCH") { Answer::Late } else { Answer::Real });
        world.api.put(&override_path("a"), ovr("a", for_an_hour("web")));
        world.pass(Duration::from_millis(50)).await;
        world
    }

    /// A controller that has listed what `prepare` has stored.
    pub async fn start(prepare: impl FnOnce(&FakeApi)) -> Self {
        let (api, client) = FakeApi::start();
        prepare(&api);
        let clock = Clock::simulated(START.parse().unwrap());
        let world = Self::run(api, client, clock);
        world.seconds(2).await;
        world
    }

    pub fn run(api: Arc<FakeApi>, client: Client, clock: Clock) -> Self {
        Self::run_with(api, client, clock, Settings::default())
    }

    pub fn run_with(api: Arc<FakeApi>, client: Client, clock: Clock, settings: Settings) -> Self {
        Self::run_as(api, client, clock, settings, None)
    }

    /// One of several replicas, where there is a Lease.
    pub fn run_as(
        api: Arc<FakeApi>,
        client: Client,
        clock: Clock,
        settings: Settings,
        lease: Option<LeaseName>,
    ) -> Self {
        let requests = Requests::new(client.clone(), clock, 2000);
        let confirming = requests.apart(client.clone(), 2000);
        let lease = lease.map(|lease| (lease, requests.apart(client.clone(), 2000)));
        let controller = Controller::start(
            Access { requests, confirming, lease, dry_run: false },
            settings,
            &Scope::default(),
            clock,
        );
        let tasks = controller.tasks();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(controller.run(async {
            let _ = stopped.await;
        }));
        Self { api, client, clock, stop, running, tasks }
    }

    /// Kills a task; what the process says of it. Then another process starts.
    pub async fn kill(self, task: usize) -> (String, Self) {
        let Self { api, client, clock, running, tasks, .. } = self;
        tasks[task].1.abort();
        let error = running.await.unwrap().unwrap_err().to_string();
        let world = Self::run(api, client, clock);
        world.seconds(2).await;
        (error, world)
    }

    /// Time passes, as far as anything is done in it.
    pub async fn pass(&self, time: Duration) {
        sleep(time).await;
    }

    pub async fn seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds)).await;
    }

    /// The requests since the last call, events aside.
    pub fn requests(&self) -> Vec<String> {
        let is_of_interest = |line: &String| !line.contains("events.k8s.io") && !line.starts_with("WATCH");
        self.api.requests().into_iter().filter(is_of_interest).collect()
    }

    pub fn bounds(&self, name: &str) -> (i64, i64) {
        let hpa = self.api.get(&hpa_path(name)).unwrap();
        (hpa["spec"]["minReplicas"].as_i64().unwrap(), hpa["spec"]["maxReplicas"].as_i64().unwrap())
    }

    pub fn phase(&self, name: &str) -> Value {
        self.api.get(&override_path(name)).unwrap()["status"]["phase"].clone()
    }

    pub fn condition(&self, name: &str, type_: &str) -> Value {
        let ovr = self.api.get(&override_path(name)).unwrap();
        let conditions = ovr["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == type_).unwrap_or_default()
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send(()).unwrap();
        self.running.await.unwrap()
    }
}

pub fn hpa_path(name: &str) -> String {
    format!("/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/{name}")
}

pub fn override_path(name: &str) -> String {
    format!("/apis/hpa-override.dev/v1/namespaces/shop/autoscaleroverrides/{name}")
}

pub fn hpa(name: &str) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
           "metadata": {"namespace": "shop", "name": name, "uid": format!("hpa-{name}"), "labels": {"tier": "front"}},
           "spec": {"minReplicas": 2, "maxReplicas": 5}})
}

#[expect(clippy::needless_pass_by_value, reason = "what is given is a literal")]
pub fn ovr(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride",
           "metadata": {"namespace": "shop", "name": name, "uid": format!("ovr-{name}"), "generation": 1,
                        "creationTimestamp": START},
           "spec": spec})
}

pub fn for_an_hour(hpa: &str) -> Value {
    json!({"hpa": hpa, "minReplicas": 10, "maxReplicas": 20, "duration": "1h"})
}

pub fn in_an_hour(seconds: i64) -> String {
    START.parse::<Instant>().unwrap().saturating_add(seconds).to_string()
}

/// How often each kind of request was made.
pub fn count(requests: &[String], part: &str) -> usize {
    requests.iter().filter(|line| line.contains(part)).count()
}
