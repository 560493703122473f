//! Watches the shop and tells every change of the things that this is about, when it comes.
//!
//! Each task sees what any client with a watch sees. A change of something else (the HPA's status, times) is not told,
//! but every version of the HPA is kept, for promises about all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures::TryStreamExt as _;
use hpa_override_testbed::api_for;
use kube::api::{Api, DynamicObject, WatchEvent, WatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::facts::{describe_deployment, describe_hpa, describe_override};
use crate::timeline::Timeline;

/// API version, kind, what kubectl calls it, and what is told of it.
const WATCHED: [(&str, &str, &str, Describe); 3] = [
    ("apps/v1", "Deployment", "deployment", describe_deployment),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "hpa", describe_hpa),
    ("hpa-override.dev/v1", "AutoscalerOverride", "hpao", describe_override),
];

type Describe = fn(&Value) -> String;

/// Every version of the HPA that a watch has shown.
#[derive(Default)]
pub(crate) struct Sightings(Mutex<Vec<Value>>);

impl Sightings {
    /// Starts to watch that namespace.
    pub(crate) fn start(client: &Client, namespace: &str, timeline: &Arc<Timeline>) -> Result<Arc<Self>> {
        let sightings = Arc::new(Self::default());
        for (version, kind, short, describe) in WATCHED {
            let watcher = Watcher {
                api: api_of(client, version, kind, namespace)?,
                short,
                describe,
                told: BTreeMap::new(),
                timeline: Arc::clone(timeline),
                sightings: Arc::clone(&sightings),
            };
            tokio::spawn(watcher.run());
        }
        Ok(sightings)
    }

    pub(crate) fn hpas(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, hpa: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(hpa);
    }
}

/// Where objects of that kind are.
pub(crate) fn api_of(client: &Client, version: &str, kind: &str, namespace: &str) -> Result<Api<DynamicObject>> {
    let any = json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": namespace}});
    api_for(client, &serde_json::from_value(any)?)
}

struct Watcher {
    api: Api<DynamicObject>,
    short: &'static str,
    describe: Describe,
    /// By name.
    told: BTreeMap<String, String>,
    timeline: Arc<Timeline>,
    sightings: Arc<Sightings>,
}

impl Watcher {
    async fn run(mut self) {
        loop {
            if let Err(error) = self.watch().await {
                self.timeline.saw(&format!("the watch of {} broke and begins again: {error:#}", self.short));
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    async fn watch(&mut self) -> Result<()> {
        let events = self.api.watch(&WatchParams::default(), "0").await?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.try_next().await? {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => self.tell(&object)?,
                WatchEvent::Deleted(object) => {
                    self.told.remove(&object.name_any());
                    self.say(&object.name_any(), "deleted");
                }
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(error) => return Err(anyhow::anyhow!("{}", error.message)),
            }
        }
        Ok(())
    }

    fn tell(&mut self, object: &DynamicObject) -> Result<()> {
        let name = object.name_any();
        let object = serde_json::to_value(object)?;
        let now = (self.describe)(&object);
        if self.told.get(&name) != Some(&now) {
            self.say(&name, &now);
            self.told.insert(name, now);
        }
        if self.short == "hpa" {
            self.sightings.keep(object);
        }
        Ok(())
    }

    fn say(&self, name: &str, what: &str) {
        self.timeline.saw(&format!("{:<15} {what}", format!("{}/{name}", self.short)));
    }
}
