//! Watches the shop and prints every change of what the demonstration is about, when it comes.
//!
//! Each task sees what any client with a watch sees. A change of something else (the HPA's status, times) is not printed,
//! but every version of the HPA is kept, for promises about all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use futures::TryStreamExt as _;
use hpa_override_testbed::api_for;
use hpa_override_testbed::hpa::{bounds, desired, list, record, text};
use kube::api::{Api, DynamicObject, WatchEvent, WatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::timeline::Timeline;

/// API version, kind, and what kubectl calls it.
pub(crate) type Type = (&'static str, &'static str, &'static str);
pub(crate) const DEPLOYMENT: Type = ("apps/v1", "Deployment", "deployment");
pub(crate) const HPA: Type = ("autoscaling/v2", "HorizontalPodAutoscaler", "hpa");
pub(crate) const OVERRIDE: Type = ("hpa-override.dev/v1", "AutoscalerOverride", "hpao");

/// Every version of the HPA that a watch has shown.
#[derive(Clone, Default)]
pub(crate) struct WatchLog(Arc<Mutex<Vec<Value>>>);

impl WatchLog {
    /// Starts to watch the namespace.
    pub(crate) fn start(client: &Client, timeline: &Arc<Timeline>) -> Result<Self> {
        let log = Self::default();
        for kind in [DEPLOYMENT, HPA, OVERRIDE] {
            let (api, printed) = (api_of(client, kind)?, BTreeMap::new());
            let watcher = Watcher { api, kind, printed, timeline: Arc::clone(timeline), log: log.clone() };
            tokio::spawn(watcher.run());
        }
        Ok(log)
    }

    pub(crate) fn hpas(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where objects of that kind are.
pub(crate) fn api_of(client: &Client, (version, kind, _): Type) -> Result<Api<DynamicObject>> {
    let any = json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": "shop"}});
    api_for(client, &serde_json::from_value(any)?)
}

struct Watcher {
    api: Api<DynamicObject>,
    kind: Type,
    /// By name.
    printed: BTreeMap<String, String>,
    timeline: Arc<Timeline>,
    log: WatchLog,
}

impl Watcher {
    async fn run(mut self) {
        while let Err(error) = self.watch().await {
            self.timeline.saw(&format!("the watch of {} broke and begins again: {error:#}", self.kind.2));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn watch(&mut self) -> Result<()> {
        let events = self.api.watch(&WatchParams::default(), "0").await?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.try_next().await? {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => self.see(&object)?,
                WatchEvent::Deleted(object) => self.print(object.name_any(), "deleted".to_owned()),
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(error) => bail!("{}", error.message),
            }
        }
        bail!("it ended")
    }

    fn see(&mut self, object: &DynamicObject) -> Result<()> {
        let (name, object) = (object.name_any(), serde_json::to_value(object)?);
        self.print(name, describe(&object));
        if self.kind == HPA {
            self.log.0.lock().unwrap_or_else(PoisonError::into_inner).push(object);
        }
        Ok(())
    }

    /// Unless it is what was printed last.
    fn print(&mut self, name: String, what: String) {
        if self.printed.get(&name) != Some(&what) {
            self.timeline.saw(&format!("{}/{name} {what}", self.kind.2));
            self.printed.insert(name, what);
        }
    }
}

/// An object in a line.
fn describe(object: &Value) -> String {
    match text(object, "/kind") {
        "HorizontalPodAutoscaler" => describe_hpa(object),
        "Deployment" => format!("replicas {}", object.pointer("/spec/replicas").unwrap_or(&Value::Null)),
        _ => {
            let ready = list(object, "/status/conditions").find(|condition| text(condition, "/type") == "Ready");
            let (phase, message) = (text(object, "/status/phase"), ready.map(|ready| text(ready, "/message")));
            format!("{phase}: {}", message.unwrap_or("no status yet"))
        }
    }
}

/// An HPA in a line: bounds and, where there is a record, what it holds.
pub(crate) fn describe_hpa(hpa: &Value) -> String {
    let bounds = bounds(hpa).map_or_else(|| "no bounds".to_owned(), |bounds| format!("bounds {bounds}"));
    let Some(record) = record(hpa) else { return format!("{bounds}, no record") };
    let layers =
        list(&record, "/layers").map(|layer| format!("{} until {}", text(layer, "/by"), text(layer, "/until")));
    let layers = layers.collect::<Vec<_>>().join(", ");
    let layers = if layers.is_empty() { "no override" } else { &layers };
    let desired = desired(hpa).map_or_else(|| "unreadable".to_owned(), |desired| desired.to_string());
    format!("{bounds}, recorded: desired {desired}; {layers}")
}
