//! The condition Reached on a real API server, with the real HPA, Deployment and `ReplicaSet` controllers. There is no
//! kubelet: the test plays it, and the controllers that do not run, by writing the status of pods and workloads.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod many;
#[path = "../support/mod.rs"]
mod support;
mod workload;

use std::sync::OnceLock;

use hpa_override_testbed::{AuditEvent, AuditLog, CONTROLLER_USER, Options, World, wait_for};
use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};
use serde_json::{Value, json};
use support::*;
use workload::{Workload, play_kubelet, quota, raise_quota};

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world_on(Options::with_controllers(), false, json!({})))
}

/// A namespace with an HPA of 2-5 for this workload.
async fn scaling(name: &str, workload: &Workload) -> TestNamespace {
    let ns = TestNamespace::new(world(), name).await;
    let target = format!("apiVersion: {}, kind: {}, name: web", workload.api_version, workload.kind);
    let manifest = ns.manifest(2, 5).replace("apiVersion: apps/v1, kind: Deployment, name: web", &target);
    hpa_override_testbed::apply_yaml(&ns.client, &manifest, "argocd", false).await.unwrap();
    ns
}

fn condition(status: &Value, type_: &str) -> Value {
    let found = status["conditions"].as_array().and_then(|all| all.iter().find(|one| one["type"] == type_));
    found.cloned().unwrap_or_default()
}

/// Waits for Reached of the override `ovr`: its status, its reason, and a part of its message.
async fn wait_reached(ns: &TestNamespace, status: &str, reason: &str, part: &str) -> Value {
    let is_so = |all: &Value| {
        let reached = condition(all, "Reached");
        let said = reached["message"].as_str().is_some_and(|message| message.contains(part));
        reached["status"] == status && reached["reason"] == reason && said
    };
    condition(&ns.wait_status("ovr", &format!("Reached {status}, {reason}"), is_so).await, "Reached")
}

/// The reads of a workload by the controller.
fn reads(ns: &TestNamespace, resource: &str, audit: &AuditLog) -> Vec<AuditEvent> {
    let is_read = |event: &AuditEvent| {
        event.user == CONTROLLER_USER && event.verb == "get" && event.is_about(resource, &ns.name, "web")
    };
    audit.select(is_read).unwrap()
}

async fn events(ns: &TestNamespace) -> Vec<String> {
    let events: Api<Event> = Api::namespaced(ns.client.clone(), &ns.name);
    let all = events.list(&ListParams::default()).await.unwrap().items;
    let reached = all.into_iter().filter(|event| event.reason.as_deref() == Some("Reached"));
    reached.filter_map(|event| event.note).collect()
}

async fn wait_event(ns: &TestNamespace, begin: &str) {
    let waited = wait_for("the event Reached", LIMIT, async || {
        let found = events(ns).await;
        anyhow::ensure!(found.len() == 1 && found[0].starts_with(begin), "{found:?}");
        Ok(())
    });
    waited.await.unwrap();
}

fn kubectl_wait(ns: &TestNamespace) {
    let (passed, printed) = ns.kubectl(&["wait", "--for=condition=Reached", "hpao/ovr", "--timeout=60s"], "");
    assert!(passed && printed.contains("condition met"), "{printed}");
}

#[tokio::test]
async fn one_that_gets_there() {
    let deployment = Workload::deployment(2);
    let ns = scaling("gets-there", &deployment).await;
    deployment.create(&ns).await;
    play_kubelet(&ns, 2).await;
    let audit = world().plane().audit().from_now().unwrap();
    ns.create("ovr", for_an_hour()).await;
    let missing = wait_reached(&ns, "False", "ReplicasMissing", "of at least 10 replicas were ready at 20").await;
    let (passed, _) = ns.kubectl(&["wait", "--for=condition=Reached", "hpao/ovr", "--timeout=1s"], "");
    assert!(!passed, "{missing}");
    play_kubelet(&ns, 10).await;
    kubectl_wait(&ns);
    let within = format!("the replicas of Deployment {}/web are within the effective bounds 10-20", ns.name);
    wait_reached(&ns, "True", "ReplicasReached", &within).await;
    wait_event(&ns, &format!("{within}, ")).await;
    let (read, written) = (reads(&ns, "deployments", &audit).len(), ns.override_writes("ovr", &audit).len());
    println!("one target that gets there: {read} reads, {written} status writes");
    assert!(written <= 4, "one for the start, one for each flip: {written}");

    // Fewer pods later are no reason to flip, nor to read.
    play_kubelet(&ns, 3).await;
    deployment.wait_ready(&ns, 3).await;
    ns.edit("ovr", json!({"reason": "another generation"})).await.unwrap();
    let told = ns.wait_status("ovr", "generation 2", |status| status["observedGeneration"] == 2).await;
    assert_eq!(condition(&told, "Reached")["status"], "True");
    assert_eq!(reads(&ns, "deployments", &audit).len(), read);

    // Other bounds are.
    ns.edit("ovr", json!({"minReplicas": 12})).await.unwrap();
    wait_reached(&ns, "False", "ReplicasMissing", "of at least 12 replicas were ready").await;
    play_kubelet(&ns, 12).await;
    wait_reached(&ns, "True", "ReplicasReached", "within the effective bounds 12-20").await;
    assert_eq!(events(&ns).await.len(), 1, "once for each start");
}

#[tokio::test]
async fn one_that_cannot() {
    let deployment = Workload::deployment(2);
    let ns = scaling("cannot", &deployment).await;
    quota(&ns, 3).await;
    deployment.create(&ns).await;
    play_kubelet(&ns, 2).await;
    ns.create("ovr", for_an_hour()).await;
    wait_reached(&ns, "False", "ReplicasMissing", "of at least 10 replicas were ready").await;
    play_kubelet(&ns, 3).await;
    // The counts in the status are those of its last write: another generation makes one.
    ns.wait_hpa("the HPA to ask for 10", |hpa| {
        anyhow::ensure!(hpa["status"]["currentReplicas"] == 10, "{hpa}");
        Ok(())
    })
    .await;
    deployment.wait_ready(&ns, 3).await;
    let mut generation = 1;
    let told = wait_for("the quota to show", LIMIT, async || {
        generation += 1;
        ns.edit("ovr", json!({"reason": format!("generation {generation}")})).await?;
        let told = ns.wait_status("ovr", "it", |status| status["observedGeneration"] == generation).await;
        let message = condition(&told, "Reached")["message"].as_str().unwrap().to_owned();
        anyhow::ensure!(message.starts_with("3 of at least 10"), "{message}");
        Ok(message)
    });
    let told = told.await.unwrap();
    println!("one that cannot: {told}");
    assert!(
        told.contains("7 were missing; there were 3; the HorizontalPodAutoscaler asks for 10; its condition "),
        "{told}"
    );
    assert!(told.contains("ScalingActive is False, FailedGetResourceMetric: "), "there is no metrics server: {told}");
    let look = format!("look at the events of Deployment {}/web, of what it owns, and at quotas", ns.name);
    assert!(told.ends_with(&look), "{told}");
    raise_quota(&ns, 20).await;
    deployment.scale_to(&ns, 11).await;
    play_kubelet(&ns, 10).await;
    kubectl_wait(&ns);
}

#[tokio::test]
async fn one_at_zero() {
    let deployment = Workload::deployment(0);
    let ns = scaling("at-zero", &deployment).await;
    deployment.create(&ns).await;
    ns.wait_hpa("the HPA to be disabled", |hpa| {
        anyhow::ensure!(hpa.to_string().contains("ScalingDisabled"), "{hpa}");
        Ok(())
    })
    .await;
    ns.create("ovr", for_an_hour()).await;
    let said = format!("Deployment {}/web is scaled to 0, which disables the HorizontalPodAutoscaler", ns.name);
    let told = wait_reached(&ns, "False", "ScalingDisabled", &said).await;
    println!("one at zero: {}", told["message"]);
    deployment.scale_to(&ns, 1).await;
    play_kubelet(&ns, 10).await;
    kubectl_wait(&ns);
}

#[tokio::test]
async fn one_whose_target_is_gone() {
    let deployment = Workload::deployment(2);
    let ns = scaling("gone", &deployment).await;
    ns.create("ovr", for_an_hour()).await;
    let said = format!("there is no Deployment {}/web; look at spec.scaleTargetRef", ns.name);
    wait_reached(&ns, "Unknown", "TargetUnreadable", &said).await;
    deployment.create(&ns).await;
    play_kubelet(&ns, 10).await;
    kubectl_wait(&ns);
    ns.delete("ovr").await;
    ns.wait_traceless(2, 5).await;
}

#[tokio::test]
async fn a_stateful_set() {
    let stateful = Workload::stateful_set();
    let ns = scaling("stateful", &stateful).await;
    stateful.create(&ns).await;
    stateful.set_status(&ns, 10, 9).await;
    ns.create("ovr", for_an_hour()).await;
    wait_reached(&ns, "False", "ReplicasMissing", "9 of at least 10 replicas were ready").await;
    stateful.set_status(&ns, 10, 10).await;
    kubectl_wait(&ns);
    stateful.set_status(&ns, 21, 21).await;
    ns.edit("ovr", json!({"maxReplicas": 19})).await.unwrap();
    wait_reached(&ns, "False", "ReplicasAbove", "there were 21 replicas at 20").await;
}

#[tokio::test]
async fn a_custom_resource_with_scale() {
    let widget = Workload::widget(world()).await;
    let ns = scaling("widget", &widget).await;
    widget.create(&ns).await;
    widget.set_status(&ns, 9, 0).await;
    ns.create("ovr", for_an_hour()).await;
    let said = "there were 9 of at least 10 replicas at 20";
    let told = wait_reached(&ns, "False", "ReplicasMissing", said).await;
    assert!(told["message"].as_str().unwrap().contains("how many of them were ready is not known"), "{told}");
    widget.set_status(&ns, 10, 0).await;
    kubectl_wait(&ns);
    wait_reached(&ns, "True", "ReplicasReached", "(how many of them are ready is not known)").await;
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let stateful = Workload::stateful_set();
    let world = support::for_ever(support::world(false, json!({})));
    let ns = TestNamespace::new(world, "restarted").await;
    let manifest = ns.manifest(2, 5).replace("kind: Deployment", "kind: StatefulSet");
    hpa_override_testbed::apply_yaml(&ns.client, &manifest, "argocd", false).await.unwrap();
    stateful.create(&ns).await;
    stateful.set_status(&ns, 2, 2).await;
    ns.create("ovr", for_an_hour()).await;
    wait_reached(&ns, "False", "ReplicasMissing", "2 of at least 10 replicas were ready").await;
    stateful.set_status(&ns, 10, 10).await;
    let told = wait_reached(&ns, "True", "ReplicasReached", "within the effective bounds 10-20").await;
    wait_event(&ns, "the replicas of StatefulSet restarted/web").await;
    stateful.set_status(&ns, 3, 3).await;
    let audit = world.plane().audit().from_now().unwrap();
    world.kill_controller().unwrap();
    world.start_controller().unwrap();
    let edited = json!({"metadata": {"labels": {"seen": "yes"}}});
    ns.overrides().patch("ovr", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(edited)).await.unwrap();
    // A second override of another HPA shows that the new controller has planned.
    ns.create("other", with_fields(for_an_hour(), &json!({"hpa": "none"}))).await;
    ns.wait_phase("other", "Active").await;
    assert_eq!(condition(&ns.override_("ovr").await["status"], "Reached"), told);
    assert_eq!(ns.override_writes("ovr", &audit).len(), 0);
    assert_eq!(reads(&ns, "statefulsets", &audit).len(), 0);
    assert_eq!(events(&ns).await.len(), 1);
}
