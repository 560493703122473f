//! What a client of a real API server waits for, with one admission after another, each on a control plane of its own.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::{
    Admission, Identity, Options, PolicyHost, World, WorldOptions, api_for, apply_yaml, wait_for,
};
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{Args, times::Times};

/// Generous for a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// What is asked of the API server.
pub(super) const SORTS: [&str; 3] = ["HPA write, no override", "HPA write under override", "override create, dry run"];

/// The same HPA twice, one of them under an override that admission has accepted.
const OBJECTS: &str = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: plain, namespace: default}
spec: {minReplicas: 2, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: plain}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: overridden, namespace: default}
spec: {minReplicas: 2, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: overridden}}
---
apiVersion: hpa-override.dev/v1
kind: AutoscalerOverride
metadata: {name: held, namespace: default}
spec: {hpa: overridden, minReplicas: 10, maxReplicas: 20, duration: 1h, reason: bench}
";

/// The times of each of [`SORTS`], one after another in turn.
pub(super) fn measure(args: &Args, admission: Admission) -> Result<[Times; 3]> {
    let (plane, controller, settings) = (Options::default(), args.controller.clone(), json!({}));
    let world = World::start(WorldOptions { plane, controller, admission, settings })?;
    let runtime = Runtime::new().context("failed to start a runtime")?;
    let mut site = runtime.block_on(async {
        let client = world.plane().client(&Identity::Admin).await?;
        Site::start(client).await
    })?;
    let before = merged(world.policy_host());
    let times = Times::in_turn(args.count, |which| runtime.block_on(site.once(which)))?;
    let asked = merged(world.policy_host()).zip(before).map(|(after, before)| after - before);
    // Of the two writes of a round it is asked about one.
    ensure!(asked.is_none_or(|asked| asked == site.writes / 2), "the merge policy was asked {asked:?} times");
    Ok(times)
}

/// How often the merge policy was asked.
fn merged(host: Option<&PolicyHost>) -> Option<u64> {
    host.map(|host| host.calls("hpa-override-merge"))
}

struct Site {
    hpas: Api<DynamicObject>,
    overrides: Api<DynamicObject>,
    new: DynamicObject,
    /// Written so far; the number makes each write differ, so that it is stored.
    writes: u64,
}

impl Site {
    async fn start(client: Client) -> Result<Self> {
        let made = apply_yaml(&client, OBJECTS, "bench", false).await?;
        let [hpa, .., held] = made.as_slice() else { anyhow::bail!("three objects were applied") };
        let (hpas, overrides) = (api_for(&client, hpa)?, api_for(&client, held)?);
        wait_for("the override to be active", LIMIT, async || {
            let held = overrides.get("held").await?;
            ensure!(held.data.pointer("/status/phase") == Some(&json!("Active")), "{}", held.data);
            Ok(())
        })
        .await?;
        let mut new = held.clone();
        new.metadata = serde_json::from_value(json!({"name": "new", "namespace": "default"}))?;
        Ok(Self { hpas, overrides, new, writes: 0 })
    }

    async fn once(&mut self, which: usize) -> Result<Duration> {
        self.writes += u64::from(which < 2);
        let patch = Patch::Merge(json!({"metadata": {"labels": {"write": self.writes.to_string()}}}));
        let start = Instant::now();
        match which {
            0 => self.hpas.patch("plain", &PatchParams::default(), &patch).await,
            1 => self.hpas.patch("overridden", &PatchParams::default(), &patch).await,
            _ => self.overrides.create(&PostParams { dry_run: true, ..PostParams::default() }, &self.new).await,
        }
        .with_context(|| format!("failed: {}", SORTS.get(which).copied().unwrap_or_default()))?;
        Ok(start.elapsed())
    }
}
