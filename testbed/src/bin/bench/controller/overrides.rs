//! The overrides that are measured, and what a watch of them has seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::TryStreamExt as _;
use hpa_override_testbed::hpa::{Bounds, list, text};
use hpa_override_testbed::wait_for;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, WatchEvent, WatchParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::api::{self, Kind};
use super::concurrent::for_each;
use super::fleet;

/// Overrides to be created, and the bounds that they give.
pub(crate) struct Set {
    pub(crate) overrides: Vec<Value>,
    pub(crate) bounds: Bounds,
}

impl Set {
    /// One for every namespace, for all its HPAs.
    pub(crate) fn of_selectors(window: [Timestamp; 2]) -> Self {
        let bounds = Bounds(15, 30);
        let target = json!({"selector": {"matchLabels": {"tier": "front"}}});
        let overrides = (0..fleet::NAMESPACES).map(|number| make("all", number, &target, bounds, window));
        Self { overrides: overrides.collect(), bounds }
    }

    /// One for every HPA.
    pub(crate) fn of_each(count: usize, window: [Timestamp; 2]) -> Self {
        let bounds = Bounds(12, 24);
        let one = |number| make(&fleet::name(number), number, &json!({"hpa": fleet::name(number)}), bounds, window);
        Self { overrides: (0..count).map(one).collect(), bounds }
    }

    /// Creates them all.
    pub(crate) async fn create(&self, client: &Client) -> Result<()> {
        let client = client.clone();
        for_each(self.overrides.clone(), move |ovr| create(client.clone(), ovr)).await.map(drop)
    }

    /// Deletes them all.
    pub(crate) async fn delete(&self, client: &Client) -> Result<()> {
        let client = client.clone();
        for_each(self.overrides.clone(), move |ovr| delete(client.clone(), ovr)).await.map(drop)
    }
}

pub(crate) async fn create(client: Client, ovr: Value) -> Result<()> {
    let path = Kind::Override.within(text(&ovr, "/metadata/namespace"));
    api::create(&client, &path, &ovr).await.map(drop)
}

pub(crate) async fn delete(client: Client, ovr: Value) -> Result<()> {
    api::delete(&client, &Kind::Override.of(&ovr)).await
}

/// An override in the namespace of that number.
pub(crate) fn make(name: &str, number: usize, target: &Value, bounds: Bounds, [start, end]: [Timestamp; 2]) -> Value {
    let mut ovr = json!({
        "apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride",
        "metadata": {"name": name, "namespace": fleet::namespace(number), "labels": {"campaign": "black-friday"}},
        "spec": {
            "minReplicas": bounds.0, "maxReplicas": bounds.1, "reason": "campaign, see CHG-1234",
            "startsAt": start.to_string(), "expiresAt": end.to_string(),
        },
    });
    json_patch::merge(&mut ovr, &json!({ "spec": target }));
    ovr
}

/// What the statuses of overrides say, by a watch. Dropping it ends the watch.
pub(crate) struct Statuses {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

/// By namespace and name.
#[derive(Default)]
struct Seen {
    /// Those with a status.
    any: BTreeSet<String>,
    /// When a status first said that the override is applied to all its targets.
    applied: BTreeMap<String, Timestamp>,
    /// Those that say that their replicas have been reached.
    reached: BTreeSet<String>,
}

impl Statuses {
    pub(crate) fn watch(client: &Client) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let kind = GroupVersionKind::gvk("hpa-override.dev", "v1", "AutoscalerOverride");
        let api = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
        let task = tokio::spawn(watch_on(api, Arc::clone(&seen)));
        Self { seen, task }
    }

    /// How many have a status at all.
    pub(crate) fn count(&self) -> usize {
        lock(&self.seen).any.len()
    }

    /// Waits until so many are applied to all their targets, and says when the last was.
    pub(crate) async fn all_applied(&self, count: usize, limit: Duration) -> Result<Timestamp> {
        wait_for("the statuses to say that all is applied", limit, async || {
            let seen = lock(&self.seen);
            ensure!(seen.applied.len() >= count, "{} of {count}", seen.applied.len());
            seen.applied.values().max().copied().context("there is none")
        })
        .await
    }

    /// Waits until so many have reached their replicas.
    pub(crate) async fn all_reached(&self, count: usize, limit: Duration) -> Result<()> {
        wait_for("the statuses to say that all is reached", limit, async || {
            let reached = lock(&self.seen).reached.len();
            ensure!(reached >= count, "{reached} of {count}");
            Ok(())
        })
        .await
    }
}

impl Drop for Statuses {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A watch that breaks begins again.
async fn watch_on(api: Api<DynamicObject>, seen: Arc<Mutex<Seen>>) {
    while let Err(_ended) = watch(&api, &seen).await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn watch(api: &Api<DynamicObject>, seen: &Mutex<Seen>) -> Result<()> {
    let mut events = std::pin::pin!(api.watch(&WatchParams::default(), "0").await?);
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Added(ovr) | WatchEvent::Modified(ovr) => lock(seen).note(&ovr),
            WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(error) => bail!("{}", error.message),
        }
    }
    bail!("it ended")
}

impl Seen {
    fn note(&mut self, ovr: &DynamicObject) {
        let [namespace, name] = [&ovr.metadata.namespace, &ovr.metadata.name].map(|text| text.as_deref().unwrap_or(""));
        let key = format!("{namespace}/{name}");
        let Some(status) = ovr.data.get("status") else { return };
        self.any.insert(key.clone());
        let [targets, applied] = ["targets", "applied"].map(|field| status.get(field).and_then(Value::as_u64));
        if text(status, "/phase") == "Active" && targets > Some(0) && targets == applied {
            self.applied.entry(key.clone()).or_insert_with(Timestamp::now);
        }
        let is_reached = |it: &Value| text(it, "/type") == "Reached" && text(it, "/status") == "True";
        if list(status, "/conditions").any(is_reached) {
            self.reached.insert(key);
        }
    }
}
