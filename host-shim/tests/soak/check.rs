//! What must hold: of every version of an HPA by itself, and of what is due, by the plan for it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use futures::StreamExt as _;
use hpa_override_core::{MayPatch, ParsedOverride, Settings};
use hpa_override_plan::{HpaView, plan_hpa, targets};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams, WatchEvent, WatchParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{at, bounds, desired, now, record};

/// The bounds that each owner wanted, the last of them last.
#[derive(Default)]
pub struct Owners {
    wanted: Mutex<HashMap<String, Vec<(i64, i64)>>>,
    checked: AtomicUsize,
}

impl Owners {
    pub fn wants(&self, hpa: &str, bounds: (i64, i64)) {
        self.wanted().entry(hpa.to_owned()).or_default().push(bounds);
    }

    /// How many versions were checked.
    pub fn checked(&self) -> usize {
        self.checked.load(Ordering::Relaxed)
    }

    fn wanted(&self) -> MutexGuard<'_, HashMap<String, Vec<(i64, i64)>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One version of an HPA by itself.
    fn check(&self, hpa: &Value) -> anyhow::Result<()> {
        let (min, max) = bounds(hpa);
        ensure!(1 <= min && min <= max, "bounds that no HPA may have: {hpa}");
        ensure!(hpa["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80, "another change: {hpa}");
        let wanted = self.wanted().get(&id(hpa)).cloned().unwrap_or_default();
        if record(hpa).is_some() {
            let desired = desired(hpa).context("a record without desired bounds")?;
            ensure!(wanted.contains(&desired), "a record of bounds that the owner never wanted: {hpa}");
        } else {
            ensure!(wanted.contains(&(min, max)), "bounds that nobody wants, and no record: {hpa}");
            ensure!(!hpa.to_string().contains("hpa-override"), "a trace without a record: {hpa}");
        }
        self.checked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Checks every version of every HPA, until one is wrong.
pub async fn watch_hpas(client: Client, owners: Arc<Owners>) -> anyhow::Result<()> {
    let hpas = hpas_of(&client);
    let list = hpas.list(&ListParams::default()).await?;
    let mut version = list.metadata.resource_version.context("a list without a version")?;
    loop {
        let mut events = hpas.watch(&WatchParams::default(), &version).await?.boxed();
        while let Some(event) = events.next().await {
            if let WatchEvent::Added(hpa) | WatchEvent::Modified(hpa) = event? {
                let hpa = serde_json::to_value(hpa)?;
                owners.check(&hpa)?;
                hpa["metadata"]["resourceVersion"].as_str().context("no version")?.clone_into(&mut version);
            }
        }
    }
}

/// Every HPA is as its owner wants it, and nobody else has anything on it.
pub fn as_owned(hpas: &[Value], owners: &Owners) -> anyhow::Result<()> {
    for hpa in hpas {
        let wanted = owners.wanted().get(&id(hpa)).and_then(|all| all.last().copied());
        ensure!(wanted == Some(bounds(hpa)), "{wanted:?}: {hpa}");
        let entries = hpa["metadata"]["managedFields"].as_array().context("no managedFields")?;
        let entries = entries.iter().filter(|entry| entry["subresource"] != "status");
        let managers: Vec<_> = entries.map(|entry| entry["manager"].as_str().unwrap_or_default()).collect();
        ensure!(managers == ["argocd"], "{managers:?}: {hpa}");
        ensure!(hpa["metadata"].get("annotations").is_none_or(|annotations| *annotations == json!({})), "{hpa}");
    }
    Ok(())
}

/// What is due, by plans of our own from what the API server has.
pub struct Plans {
    hpas: Api<DynamicObject>,
    overrides: Api<DynamicObject>,
    /// Those in force.
    pub settings: Settings,
    /// Since when an HPA is behind its plan, and whether an end is due.
    behind: HashMap<String, (Instant, bool)>,
    pub latest_begin: Duration,
    pub latest_end: Duration,
}

impl Plans {
    pub fn new(client: &Client) -> Self {
        let overrides = all(client, "hpa-override.dev", "v1", "AutoscalerOverride");
        let (latest_begin, latest_end) = (Duration::ZERO, Duration::ZERO);
        let settings = Settings::default();
        Self { hpas: hpas_of(client), overrides, settings, behind: HashMap::new(), latest_begin, latest_end }
    }

    pub async fn hpas(&self) -> Vec<Value> {
        values(&self.hpas).await
    }

    /// Which HPAs are not as planned.
    pub async fn look(&mut self) -> Vec<String> {
        let now = at(now()).parse().unwrap();
        // What is created between the two lists is not yet due.
        let (overrides, hpas) = (values(&self.overrides).await, self.hpas().await);
        let overrides: Vec<_> = overrides.iter().map(|ovr| ParsedOverride::parse(ovr, now)).collect();
        let mut behind = HashMap::new();
        for hpa in &hpas {
            let view = HpaView::parse(hpa);
            let ours: Vec<_> = overrides.iter().filter(|ovr| targets(ovr, &view)).collect();
            let plan = plan_hpa(&view, &ours, &self.settings, &|_| MayPatch::NotAsked, now, None);
            if plan.patch.is_some() {
                behind.insert(id(hpa), plan.ends_since.is_some());
            }
        }
        self.note(&behind);
        behind.into_keys().collect()
    }

    fn note(&mut self, behind: &HashMap<String, bool>) {
        let before = std::mem::take(&mut self.behind);
        for (hpa, is_end) in behind {
            let since =
                before.get(hpa).filter(|(_, was_end)| was_end == is_end).map_or_else(Instant::now, |(since, _)| *since);
            let latest = if *is_end { &mut self.latest_end } else { &mut self.latest_begin };
            *latest = since.elapsed().max(*latest);
            self.behind.insert(hpa.clone(), (since, *is_end));
        }
    }
}

async fn values(api: &Api<DynamicObject>) -> Vec<Value> {
    let list = api.list(&ListParams::default()).await.unwrap();
    list.items.into_iter().map(|object| serde_json::to_value(object).unwrap()).collect()
}

fn hpas_of(client: &Client) -> Api<DynamicObject> {
    all(client, "autoscaling", "v2", "HorizontalPodAutoscaler")
}

fn all(client: &Client, group: &str, version: &str, kind: &str) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)))
}

fn id(hpa: &Value) -> String {
    let text = |key: &str| hpa["metadata"][key].as_str().unwrap_or_default();
    format!("{}/{}", text("namespace"), text("name"))
}
