//! Latencies on a real API server with the real HPA controller: figures are printed, only the order is asserted.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{Options, World, apply_yaml, wait_for};
use jiff::SignedDuration;
use serde_json::json;
use support::*;

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world_on(Options::with_controllers(), true, json!({})))
}

const ROUNDS: i64 = 5;

fn report(what: &str, mut times: Vec<SignedDuration>) {
    times.sort();
    let millis = |time: SignedDuration| time.as_secs_f64() * 1000.0;
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what}: median {:.1} ms, worst {:.1} ms of {}", millis(median), millis(worst), times.len());
}

#[tokio::test]
async fn create_to_patched_and_end_to_restored() {
    let (mut to_patched, mut to_restored) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (ns, _) = with_hpa(world(), &format!("latency-{round}")).await;
        let ends = instant(now() + 2);
        ns.create("ovr", overridden(&json!({"expiresAt": ends.to_string()}))).await;
        ns.wait_traceless(2, 5).await;
        let created = ns
            .world
            .plane()
            .audit()
            .select(|event| event.verb == "create" && event.is_about("autoscaleroverrides", &ns.name, "ovr"));
        let created = created.unwrap()[0].completed;
        let writes = ns.wait_writes(&ns.world.plane().audit(), 3).await;
        assert_eq!(writes.len(), 3, "one to apply, two to end");
        assert!(writes[1].received >= ends, "never before its end {ends}: {writes:#?}");
        to_patched.push(writes[0].completed.duration_since(created));
        to_restored.push(writes[1].received.duration_since(ends));
    }
    report("override created to HPA patched", to_patched);
    report("end to restore request", to_restored);
}

#[tokio::test]
async fn the_deployment_follows() {
    let (ns, _) = with_hpa(world(), "deployment").await;
    let deployment = format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: web, resources: {{requests: {{cpu: 100m}}}}}}]}}
",
        ns.name
    );
    apply_yaml(&ns.client, &deployment, "argocd", false).await.unwrap();
    ns.create("ovr", for_an_hour()).await;
    let scaled = wait_for("the real HPA controller to scale the Deployment to 10", LIMIT, async || {
        let objects = hpa_override_testbed::parse_yaml(&deployment)?;
        let found = hpa_override_testbed::api_for(&ns.client, &objects[0])?.get("web").await?;
        anyhow::ensure!(found.data["spec"]["replicas"] == 10, "{}", found.data["spec"]["replicas"]);
        Ok(())
    });
    scaled.await.unwrap();
}
