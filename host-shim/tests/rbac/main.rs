//! Every shipped right is needed: without one the log or the status names it and what to do, nothing is half done, and the
//! controller goes on by itself once it has the right.
//!
//! One world; each test locks it, removes one verb, restarts the controller, and grants the verb again.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod exclusive;
#[path = "../support/mod.rs"]
mod support;

use exclusive::{Exclusive, Right, in_namespace, refusal, role};
use hpa_override_testbed::{apply_yaml, wait_for};
use k8s_openapi::api::events::v1::Event;
use kube::{
    Api,
    api::{ListParams, Patch},
};
use serde_json::{Value, json};
use support::*;

const GET_OVERRIDES: Right = ("hpa-override.dev", "autoscaleroverrides", "get");
const LIST_OVERRIDES: Right = ("hpa-override.dev", "autoscaleroverrides", "list");
const WATCH_OVERRIDES: Right = ("hpa-override.dev", "autoscaleroverrides", "watch");
const DELETE_OVERRIDES: Right = ("hpa-override.dev", "autoscaleroverrides", "delete");
const PATCH_STATUSES: Right = ("hpa-override.dev", "autoscaleroverrides/status", "patch");
const GET_HPAS: Right = ("autoscaling", "horizontalpodautoscalers", "get");
const LIST_HPAS: Right = ("autoscaling", "horizontalpodautoscalers", "list");
const WATCH_HPAS: Right = ("autoscaling", "horizontalpodautoscalers", "watch");
const PATCH_HPAS: Right = ("autoscaling", "horizontalpodautoscalers", "patch");
/// Removed in `unanswered`, where the settings need it.
const CREATE_ACCESS_REVIEWS: Right = ("authorization.k8s.io", "subjectaccessreviews", "create");
const GET_DEPLOYMENTS: Right = ("apps", "deployments", "get");
const GET_STATEFUL_SETS: Right = ("apps", "statefulsets", "get");
const GET_REPLICA_SETS: Right = ("apps", "replicasets", "get");
const GET_SCALES: Right = ("*", "*/scale", "get");
const GET_CONFIGURATIONS: Right = ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "get");
const CREATE_EVENTS: Right = ("events.k8s.io", "events", "create");
const PATCH_EVENTS: Right = ("events.k8s.io", "events", "patch");

/// In the order of the shipped file.
const ALL: [Right; 17] = [
    GET_OVERRIDES,
    LIST_OVERRIDES,
    WATCH_OVERRIDES,
    DELETE_OVERRIDES,
    PATCH_STATUSES,
    GET_HPAS,
    LIST_HPAS,
    WATCH_HPAS,
    PATCH_HPAS,
    CREATE_ACCESS_REVIEWS,
    GET_DEPLOYMENTS,
    GET_STATEFUL_SETS,
    GET_REPLICA_SETS,
    GET_SCALES,
    GET_CONFIGURATIONS,
    CREATE_EVENTS,
    PATCH_EVENTS,
];

#[test]
fn every_right_that_is_shipped_has_a_test() {
    let mut shipped = Vec::new();
    for rule in role().data["rules"].as_array().unwrap() {
        let texts = |key: &str| rule[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned());
        for resource in texts("resources") {
            shipped.extend(texts("verbs").map(|verb| (texts("apiGroups").next().unwrap(), resource.clone(), verb)));
        }
    }
    let ours = ALL.map(|(group, resource, verb)| (group.to_owned(), resource.to_owned(), verb.to_owned()));
    assert_eq!(shipped, ours);
}

#[tokio::test]
async fn to_list_overrides() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("list-overrides").await;
    exclusive.without(LIST_OVERRIDES).await;
    let before = ns.hpa().await;
    ns.create("ovr", for_an_hour()).await;
    exclusive.wait_logged("failed to watch autoscaleroverrides", &refusal(LIST_OVERRIDES, None)).await;
    assert_eq!(ns.hpa().await, before);
    exclusive.grant(LIST_OVERRIDES).await;
    ns.wait_overridden(10, 20).await;
    exclusive.end(ns).await;
}

#[tokio::test]
async fn to_read_overrides_at_a_timed_end() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("confirm").await;
    ns.create("ovr", overridden(&json!({"duration": "6s"}))).await;
    ns.wait_phase("ovr", "Active").await;
    exclusive.set(&[GET_OVERRIDES, LIST_OVERRIDES]).await;
    let refused = refusal(LIST_OVERRIDES, Some(("ovr", &ns)));
    wait_forbidden(&ns, &refused).await;
    exclusive.wait_logged("failed to confirm the overrides before a timed end", &refused).await;
    ns.wait_overridden(10, 20).await;
    exclusive.grant(LIST_OVERRIDES).await;
    ns.wait_traceless(2, 5).await;
    ns.wait_status("ovr", "it to be over", |status| status["conditions"][0]["reason"] == "Ended").await;
}

/// By rights of an earlier version, which had not this one: the override is listed.
#[tokio::test]
async fn to_get_overrides() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("get-overrides").await;
    exclusive.without(GET_OVERRIDES).await;
    ns.create("ovr", overridden(&json!({"duration": "3s"}))).await;
    ns.wait_overridden(10, 20).await;
    ns.wait_traceless(2, 5).await;
    exclusive.grant(GET_OVERRIDES).await;
}

#[tokio::test]
async fn to_watch_overrides() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("watch-overrides").await;
    exclusive.without(WATCH_OVERRIDES).await;
    exclusive.wait_logged("failed to watch autoscaleroverrides", &refusal(WATCH_OVERRIDES, None)).await;
    let before = ns.hpa().await;
    ns.create("ovr", for_an_hour()).await;
    exclusive.wait_logged_again("failed to watch autoscaleroverrides").await;
    assert_eq!(ns.hpa().await, before);
    exclusive.grant(WATCH_OVERRIDES).await;
    ns.wait_overridden(10, 20).await;
    exclusive.end(ns).await;
}

#[tokio::test]
async fn to_delete_overrides() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("delete-overrides").await;
    exclusive.without(DELETE_OVERRIDES).await;
    let end = at(now() + 3);
    ns.create("ovr", overridden(&json!({"expiresAt": end, "ttlAfterFinished": "1s"}))).await;
    let step = format!("failed to delete AutoscalerOverride {}/ovr after its ttlAfterFinished", ns.name);
    exclusive.wait_logged(&step, &refusal(DELETE_OVERRIDES, Some(("ovr", &ns)))).await;
    assert_eq!(ns.override_("ovr").await["status"]["phase"], "Expired");
    ns.wait_traceless(2, 5).await;
    exclusive.grant(DELETE_OVERRIDES).await;
    let gone = wait_for("it to be deleted", LIMIT, async || {
        let found = ns.overrides().get_opt("ovr").await?;
        anyhow::ensure!(found.is_none(), "{found:?}");
        Ok(())
    });
    gone.await.unwrap();
}

#[tokio::test]
async fn to_patch_statuses() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("patch-statuses").await;
    exclusive.without(PATCH_STATUSES).await;
    ns.create("ovr", for_an_hour()).await;
    let step = format!("failed to write the status of AutoscalerOverride {}/ovr", ns.name);
    exclusive.wait_logged(&step, &refusal(PATCH_STATUSES, Some(("ovr", &ns)))).await;
    ns.wait_overridden(10, 20).await;
    assert_eq!(ns.override_("ovr").await.get("status"), None);
    exclusive.grant(PATCH_STATUSES).await;
    ns.wait_phase("ovr", "Active").await;
    exclusive.end(ns).await;
}

/// The controller reads an HPA after a conflict; while watches are stalled it learns of a change only by that.
#[tokio::test]
async fn to_get_hpas() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("get-hpas").await;
    exclusive.without(GET_HPAS).await;
    ns.create("ovr", overridden(&json!({"duration": "6s"}))).await;
    ns.wait_overridden(10, 20).await;
    ns.wait_phase("ovr", "Active").await;
    exclusive.world.controller_through_proxy().unwrap().stall_watches();
    ns.patch("labeller", &Patch::Merge(json!({"metadata": {"labels": {"seen": "no"}}}))).await;
    let refused = refusal(GET_HPAS, Some(("web", &ns)));
    wait_forbidden(&ns, &refused).await;
    exclusive.wait_logged(&format!("failed to write HorizontalPodAutoscaler {}/web", ns.name), &refused).await;
    ns.wait_overridden(10, 20).await;
    exclusive.grant(GET_HPAS).await;
    ns.wait_traceless(2, 5).await;
}

#[tokio::test]
async fn to_list_hpas() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("list-hpas").await;
    exclusive.without(LIST_HPAS).await;
    let before = ns.hpa().await;
    ns.create("ovr", for_an_hour()).await;
    exclusive.wait_logged("failed to watch horizontalpodautoscalers", &refusal(LIST_HPAS, None)).await;
    assert_eq!((ns.hpa().await, ns.override_("ovr").await.get("status")), (before, None));
    exclusive.grant(LIST_HPAS).await;
    ns.wait_overridden(10, 20).await;
    exclusive.end(ns).await;
}

#[tokio::test]
async fn to_watch_hpas() {
    let exclusive = Exclusive::lock().await;
    let ns = TestNamespace::new(exclusive.world, "watch-hpas").await;
    exclusive.without(WATCH_HPAS).await;
    exclusive.wait_logged("failed to watch horizontalpodautoscalers", &refusal(WATCH_HPAS, None)).await;
    ns.apply("argocd", 2, 5, false).await.unwrap();
    ns.create("ovr", for_an_hour()).await;
    ns.wait_status("ovr", "no HPA to be found", |status| status["conditions"][0]["reason"] == "TargetNotFound").await;
    exclusive.grant(WATCH_HPAS).await;
    ns.wait_overridden(10, 20).await;
    exclusive.end(ns).await;
}

#[tokio::test]
async fn to_patch_hpas() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("patch-hpas").await;
    exclusive.without(PATCH_HPAS).await;
    let before = ns.hpa().await;
    ns.create("ovr", for_an_hour()).await;
    let refused = refusal(PATCH_HPAS, Some(("web", &ns)));
    wait_forbidden(&ns, &refused).await;
    exclusive.wait_logged(&format!("failed to write HorizontalPodAutoscaler {}/web", ns.name), &refused).await;
    assert_eq!(ns.hpa().await, before);
    exclusive.grant(PATCH_HPAS).await;
    ns.wait_overridden(10, 20).await;
    ns.wait_status("ovr", "it to be applied", |status| status["conditions"][0]["reason"] == "Applied").await;
    exclusive.end(ns).await;
}

/// Without the right the override is active, and whether it has reached its bounds is unknown.
async fn to_read(name: &str, right: Right, kind: (&'static str, &'static str, &'static str)) {
    let exclusive = Exclusive::lock().await;
    let ns = TestNamespace::new(exclusive.world, name).await;
    exclusive.without(right).await;
    let (version, kind, resource) = kind;
    let target = format!("apiVersion: {version}, kind: {kind}, name: web");
    let manifest = ns.manifest(2, 5).replace("apiVersion: apps/v1, kind: Deployment, name: web", &target);
    apply_yaml(&ns.client, &manifest, "argocd", false).await.unwrap();
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let refused = refusal((group, resource, "get"), Some(("web", &ns)));
    let message = format!("the replicas of {kind} {name}/web cannot be read: {refused}");
    let status = wait_reached(&ns, &message).await;
    assert_eq!((&status["phase"], &status["conditions"][0]["status"]), (&"Active".into(), &"True".into()));
    exclusive.grant(right).await;
    wait_reached(&ns, &format!("there is no {kind} {name}/web")).await;
    exclusive.end(ns).await;
}

async fn wait_reached(ns: &TestNamespace, begin: &str) -> Value {
    let is_so = |status: &Value| {
        let reached = &status["conditions"][3];
        let says = reached["message"].as_str().is_some_and(|message| message.starts_with(begin));
        reached["status"] == "Unknown" && reached["reason"] == "TargetUnreadable" && says
    };
    ns.wait_status("ovr", begin, is_so).await
}

#[tokio::test]
async fn to_get_deployments() {
    to_read("get-deployments", GET_DEPLOYMENTS, ("apps/v1", "Deployment", "deployments")).await;
}

#[tokio::test]
async fn to_get_stateful_sets() {
    to_read("get-statefulsets", GET_STATEFUL_SETS, ("apps/v1", "StatefulSet", "statefulsets")).await;
}

#[tokio::test]
async fn to_get_replica_sets() {
    to_read("get-replicasets", GET_REPLICA_SETS, ("apps/v1", "ReplicaSet", "replicasets")).await;
}

#[tokio::test]
async fn to_get_scales() {
    to_read("get-scales", GET_SCALES, ("v1", "ReplicationController", "replicationcontrollers/scale")).await;
}

#[tokio::test]
async fn to_get_configurations() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("get-configurations").await;
    exclusive.without(GET_CONFIGURATIONS).await;
    let missing = "get mutatingwebhookconfigurations.admissionregistration.k8s.io `hpa-override-merge`";
    exclusive.wait_logged("the controller lacks rights", missing).await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    exclusive.grant(GET_CONFIGURATIONS).await;
    exclusive.wait_logged("the controller has all rights that it needs", "").await;
}

#[tokio::test]
async fn to_create_events() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("create-events").await;
    exclusive.without(CREATE_EVENTS).await;
    ns.create("ovr", for_an_hour()).await;
    let refused = refusal(CREATE_EVENTS, None).replace(" at the cluster scope", &in_namespace(&ns));
    exclusive.wait_logged("failed to publish an event", &refused).await;
    ns.wait_overridden(10, 20).await;
    exclusive.grant(CREATE_EVENTS).await;
    ns.delete("ovr").await;
    ns.wait_traceless(2, 5).await;
    wait_event(&ns, "Restored", |_| true).await;
}

/// A repeated event is counted on the first one.
#[tokio::test]
async fn to_patch_events() {
    let exclusive = Exclusive::lock().await;
    let ns = exclusive.namespace("patch-events").await;
    exclusive.without(PATCH_EVENTS).await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    let revert = async || {
        ns.apply("argocd", 2, 5, true).await.unwrap();
        ns.wait_overridden(10, 20).await;
    };
    revert().await;
    let name = wait_event(&ns, "Reverted", |_| true).await.metadata.name.unwrap();
    revert().await;
    exclusive.wait_logged("failed to publish an event", &refusal(PATCH_EVENTS, Some((&name, &ns)))).await;
    exclusive.grant(PATCH_EVENTS).await;
    revert().await;
    wait_event(&ns, "Reverted", |event| event.series.is_some()).await;
    exclusive.end(ns).await;
}

async fn wait_forbidden(ns: &TestNamespace, message: &str) {
    let forbidden = |status: &Value| status["conditions"][0]["reason"] == "Forbidden";
    let status = ns.wait_status("ovr", "it to be Forbidden", forbidden).await;
    assert_eq!(
        (&status["conditions"][0]["type"], &status["conditions"][0]["status"]),
        (&"Ready".into(), &"False".into())
    );
    assert_eq!(status["conditions"][0]["message"], message);
}

async fn events(ns: &TestNamespace, reason: &str) -> Vec<Event> {
    let events: Api<Event> = Api::namespaced(ns.client.clone(), &ns.name);
    let mut all = events.list(&ListParams::default()).await.unwrap().items;
    all.retain(|event| event.reason.as_deref() == Some(reason));
    all
}

async fn wait_event(ns: &TestNamespace, reason: &str, check: impl Fn(&Event) -> bool) -> Event {
    let what = format!("the event {reason}");
    let waited = wait_for(&what, LIMIT, async || {
        let found = events(ns, reason).await;
        let wanted = found.iter().find(|event| check(event)).cloned();
        wanted.ok_or_else(|| anyhow::anyhow!("{found:?}\n{}", ns.world.controller_log()))
    });
    waited.await.unwrap()
}
