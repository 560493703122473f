//! Amounts that count from what runs, with the real HPA controller scaling a Deployment while they are active.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{Options, World, api_for, apply_yaml, parse_yaml, wait_for};
use serde_json::{Value, json};
use support::*;

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world_on(Options::with_controllers(), true, json!({})))
}

/// A Deployment `web`. Without `replicas` it leaves them to the HPA.
fn deployment(ns: &TestNamespace, replicas: i32) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: example.com/web}}]}}
",
        ns.name
    )
}

/// Creates it.
async fn deploy(ns: &TestNamespace, replicas: i32) {
    apply_yaml(&ns.client, &deployment(ns, replicas), "alice", false).await.unwrap();
}

/// Waits until the HPA controller has scaled the Deployment to that many replicas, and says so in the HPA's status. Without
/// metrics it names no desired replicas until it has scaled once.
async fn wait_scaled(ns: &TestNamespace, replicas: i64) {
    let api = api_for(&ns.client, &parse_yaml(&deployment(ns, 0)).unwrap()[0]).unwrap();
    let what = format!("{replicas} replicas");
    let scaled = wait_for(&what, LIMIT, async || {
        let deployment = api.get("web").await?;
        anyhow::ensure!(deployment.data["spec"]["replicas"] == replicas, "{}", deployment.data["spec"]);
        let status = ns.hpa().await["status"].clone();
        let asked = ["currentReplicas", "desiredReplicas"].map(|key| status[key].as_i64()).into_iter().max();
        anyhow::ensure!(asked == Some(Some(replicas)), "{status}");
        Ok(())
    });
    scaled.await.unwrap();
}

/// The layer of `ovr` in the record.
fn layer(hpa: &Value) -> Value {
    record(hpa).unwrap()["layers"][0].clone()
}

#[tokio::test]
async fn it_counts_from_what_runs_when_it_becomes_active() {
    let ns = TestNamespace::new(world(), "doubled").await;
    deploy(&ns, 4).await;
    ns.apply("argocd", 2, 8, false).await.unwrap();
    wait_scaled(&ns, 4).await;

    let spec = json!({"minReplicas": "current+100%", "maxReplicas": "current+150%", "duration": "1h"});
    ns.create("ovr", spec).await;
    let hpa = ns.wait_overridden(8, 10).await;
    assert_eq!((&layer(&hpa)["current"], &layer(&hpa)["generation"]), (&json!(4), &json!(1)));
    wait_scaled(&ns, 8).await;

    ns.edit("ovr", json!({"minReplicas": "current+125%"})).await.unwrap();
    let hpa = ns.wait_overridden(9, 10).await;
    assert_eq!(layer(&hpa)["current"], 4, "an edit counts from the same number");
    wait_scaled(&ns, 9).await;

    let hpa = ns.apply("argocd", 3, 9, false).await.unwrap();
    assert_eq!((bounds(&hpa), desired(&hpa)), ((9, 10), Some((3, 9))), "an owner change does not move it");

    let before = ns.hpa().await["metadata"]["annotations"].clone();
    ns.world.kill_controller().unwrap();
    ns.world.start_controller().unwrap();
    ns.create("below", json!({"minReplicas": 5, "priority": -1, "duration": "1h"})).await;
    ns.wait_phase("below", "Superseded").await;
    let hpa = ns.hpa().await;
    assert_ne!(hpa["metadata"]["annotations"], before, "a restarted controller has written");
    assert_eq!((bounds(&hpa), layer(&hpa)["current"].clone()), ((9, 10), json!(4)), "and kept the number");

    ns.edit("ovr", json!({"suspend": true})).await.unwrap();
    ns.wait_overridden(5, 9).await;
    ns.edit("ovr", json!({"suspend": false})).await.unwrap();
    let hpa = ns.wait_overridden(21, 23).await;
    assert_eq!(layer(&hpa)["current"], 9, "resumed, it counts anew");
    wait_scaled(&ns, 21).await;

    ns.delete("ovr").await;
    ns.delete("below").await;
    ns.wait_traceless(3, 9).await;
}

#[tokio::test]
async fn it_waits_until_the_hpa_says_what_runs() {
    let ns = TestNamespace::new(world(), "waits").await;
    ns.apply("argocd", 2, 8, false).await.unwrap();
    ns.create("ovr", json!({"minReplicas": "current+3", "duration": "1h"})).await;
    let status = ns.wait_phase("ovr", "Pending").await;
    let ready = &status["conditions"][0];
    assert_eq!((&ready["type"], &ready["reason"]), (&json!("Ready"), &json!("NoHpaStatus")), "{status}");
    ns.wait_hpa("the HPA without its target", |hpa| {
        anyhow::ensure!(hpa["status"]["conditions"].to_string().contains("FailedGetScale"), "{hpa}");
        anyhow::ensure!(record(hpa).is_none() && bounds(hpa) == (2, 8), "{hpa}");
        Ok(())
    })
    .await;
    deploy(&ns, 5).await;
    let hpa = ns.wait_overridden(8, 8).await;
    assert_eq!(layer(&hpa)["current"], 5);
    ns.wait_phase("ovr", "Active").await;
    wait_scaled(&ns, 8).await;
}

#[tokio::test]
async fn a_workload_at_zero_is_not_woken() {
    let ns = TestNamespace::new(world(), "asleep").await;
    deploy(&ns, 0).await;
    ns.apply("argocd", 2, 8, false).await.unwrap();
    ns.wait_hpa("the scale of a workload at zero", |hpa| {
        let conditions = hpa["status"]["conditions"].to_string();
        anyhow::ensure!(conditions.contains("SucceededGetScale") && conditions.contains("ScalingDisabled"), "{hpa}");
        Ok(())
    })
    .await;
    ns.create("ovr", json!({"minReplicas": "current+3", "duration": "1h"})).await;
    let hpa = ns.wait_overridden(2, 8).await;
    assert_eq!(layer(&hpa)["current"], 0);
    ns.wait_phase("ovr", "Active").await;
}
