//! The shipped rights are the least that do: without any one of them something is missing, it is told which and what to
//! do, nothing is half done, and it goes on by itself once the right is there.
//!
//! One world; a test takes its turn, takes one verb away, starts the controller anew, and gives the verb back.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;
mod turn;

use hpa_override_testbed::wait_for;
use k8s_openapi::api::events::v1::Event;
use kube::{
    Api,
    api::{ListParams, Patch},
};
use serde_json::{Value, json};
use support::*;
use turn::{Right, Turn, in_namespace, refusal, role};

const LIST_OVERRIDES: Right = ("hpa-override.dev", "autoscaleroverrides", "list");
const WATCH_OVERRIDES: Right = ("hpa-override.dev", "autoscaleroverrides", "watch");
const DELETE_OVERRIDES: Right = ("hpa-override.dev", "autoscaleroverrides", "delete");
const PATCH_STATUSES: Right = ("hpa-override.dev", "autoscaleroverrides/status", "patch");
const GET_HPAS: Right = ("autoscaling", "horizontalpodautoscalers", "get");
const LIST_HPAS: Right = ("autoscaling", "horizontalpodautoscalers", "list");
const WATCH_HPAS: Right = ("autoscaling", "horizontalpodautoscalers", "watch");
const PATCH_HPAS: Right = ("autoscaling", "horizontalpodautoscalers", "patch");
/// Taken away in `unanswered`, whose world asks.
const ASK_WHO_MAY: Right = ("authorization.k8s.io", "subjectaccessreviews", "create");
const CREATE_EVENTS: Right = ("events.k8s.io", "events", "create");
const PATCH_EVENTS: Right = ("events.k8s.io", "events", "patch");

/// In the order of the shipped file.
const ALL: [Right; 11] = [
    LIST_OVERRIDES,
    WATCH_OVERRIDES,
    DELETE_OVERRIDES,
    PATCH_STATUSES,
    GET_HPAS,
    LIST_HPAS,
    WATCH_HPAS,
    PATCH_HPAS,
    ASK_WHO_MAY,
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
    let turn = Turn::take().await;
    let shop = turn.shop("list-overrides").await;
    turn.without(LIST_OVERRIDES).await;
    let before = shop.hpa().await;
    shop.create("ovr", overridden(&json!({"duration": "1h"}))).await;
    turn.wait_told("failed to watch autoscaleroverrides", &refusal(LIST_OVERRIDES, None)).await;
    assert_eq!(shop.hpa().await, before);
    turn.give_back(LIST_OVERRIDES).await;
    shop.wait_overridden(10, 20).await;
    turn.end(shop).await;
}

#[tokio::test]
async fn to_list_overrides_at_a_timed_end() {
    let turn = Turn::take().await;
    let shop = turn.shop("confirm").await;
    shop.create("ovr", overridden(&json!({"duration": "6s"}))).await;
    shop.wait_phase("ovr", "Active").await;
    turn.set(Some(LIST_OVERRIDES)).await;
    let refused = refusal(LIST_OVERRIDES, None);
    wait_forbidden(&shop, &refused).await;
    turn.wait_told("failed to confirm the overrides before a timed end", &refused).await;
    shop.wait_overridden(10, 20).await;
    turn.give_back(LIST_OVERRIDES).await;
    shop.wait_traceless(2, 5).await;
    shop.wait_status("ovr", "it to be over", |status| status["conditions"][0]["reason"] == "Ended").await;
}

#[tokio::test]
async fn to_watch_overrides() {
    let turn = Turn::take().await;
    let shop = turn.shop("watch-overrides").await;
    turn.without(WATCH_OVERRIDES).await;
    turn.wait_told("failed to watch autoscaleroverrides", &refusal(WATCH_OVERRIDES, None)).await;
    let before = shop.hpa().await;
    shop.create("ovr", overridden(&json!({"duration": "1h"}))).await;
    turn.wait_told_again("failed to watch autoscaleroverrides").await;
    assert_eq!(shop.hpa().await, before);
    turn.give_back(WATCH_OVERRIDES).await;
    shop.wait_overridden(10, 20).await;
    turn.end(shop).await;
}

#[tokio::test]
async fn to_delete_overrides() {
    let turn = Turn::take().await;
    let shop = turn.shop("delete-overrides").await;
    turn.without(DELETE_OVERRIDES).await;
    let end = at(now() + 3);
    shop.create("ovr", overridden(&json!({"expiresAt": end, "ttlAfterFinished": "1s"}))).await;
    let step = format!("failed to delete AutoscalerOverride {}/ovr after its ttlAfterFinished", shop.namespace);
    turn.wait_told(&step, &refusal(DELETE_OVERRIDES, Some(("ovr", &shop)))).await;
    assert_eq!(shop.override_("ovr").await["status"]["phase"], "Expired");
    shop.wait_traceless(2, 5).await;
    turn.give_back(DELETE_OVERRIDES).await;
    let gone = wait_for("it to be deleted", LIMIT, async || {
        let found = shop.overrides().get_opt("ovr").await?;
        anyhow::ensure!(found.is_none(), "{found:?}");
        Ok(())
    });
    gone.await.unwrap();
}

#[tokio::test]
async fn to_patch_statuses() {
    let turn = Turn::take().await;
    let shop = turn.shop("patch-statuses").await;
    turn.without(PATCH_STATUSES).await;
    shop.create("ovr", overridden(&json!({"duration": "1h"}))).await;
    let step = format!("failed to write the status of AutoscalerOverride {}/ovr", shop.namespace);
    turn.wait_told(&step, &refusal(PATCH_STATUSES, Some(("ovr", &shop)))).await;
    shop.wait_overridden(10, 20).await;
    assert_eq!(shop.override_("ovr").await.get("status"), None);
    turn.give_back(PATCH_STATUSES).await;
    shop.wait_phase("ovr", "Active").await;
    turn.end(shop).await;
}

/// An HPA is read where somebody has written it under a write of ours; stalled watches leave that to the read.
#[tokio::test]
async fn to_get_hpas() {
    let turn = Turn::take().await;
    let shop = turn.shop("get-hpas").await;
    turn.without(GET_HPAS).await;
    shop.create("ovr", overridden(&json!({"duration": "6s"}))).await;
    shop.wait_overridden(10, 20).await;
    shop.wait_phase("ovr", "Active").await;
    turn.world.controller_through_proxy().unwrap().stall_watches();
    shop.patch("labeller", &Patch::Merge(json!({"metadata": {"labels": {"seen": "no"}}}))).await;
    let refused = refusal(GET_HPAS, Some(("web", &shop)));
    wait_forbidden(&shop, &refused).await;
    turn.wait_told(&format!("failed to write HorizontalPodAutoscaler {}/web", shop.namespace), &refused).await;
    shop.wait_overridden(10, 20).await;
    turn.give_back(GET_HPAS).await;
    shop.wait_traceless(2, 5).await;
}

#[tokio::test]
async fn to_list_hpas() {
    let turn = Turn::take().await;
    let shop = turn.shop("list-hpas").await;
    turn.without(LIST_HPAS).await;
    let before = shop.hpa().await;
    shop.create("ovr", overridden(&json!({"duration": "1h"}))).await;
    turn.wait_told("failed to watch horizontalpodautoscalers", &refusal(LIST_HPAS, None)).await;
    assert_eq!((shop.hpa().await, shop.override_("ovr").await.get("status")), (before, None));
    turn.give_back(LIST_HPAS).await;
    shop.wait_overridden(10, 20).await;
    turn.end(shop).await;
}

#[tokio::test]
async fn to_watch_hpas() {
    let turn = Turn::take().await;
    let shop = Shop::open(turn.world, "watch-hpas").await;
    turn.without(WATCH_HPAS).await;
    turn.wait_told("failed to watch horizontalpodautoscalers", &refusal(WATCH_HPAS, None)).await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.create("ovr", overridden(&json!({"duration": "1h"}))).await;
    shop.wait_status("ovr", "no HPA to be found", |status| status["conditions"][0]["reason"] == "TargetNotFound").await;
    turn.give_back(WATCH_HPAS).await;
    shop.wait_overridden(10, 20).await;
    turn.end(shop).await;
}

#[tokio::test]
async fn to_patch_hpas() {
    let turn = Turn::take().await;
    let shop = turn.shop("patch-hpas").await;
    turn.without(PATCH_HPAS).await;
    let before = shop.hpa().await;
    shop.create("ovr", overridden(&json!({"duration": "1h"}))).await;
    let refused = refusal(PATCH_HPAS, Some(("web", &shop)));
    wait_forbidden(&shop, &refused).await;
    turn.wait_told(&format!("failed to write HorizontalPodAutoscaler {}/web", shop.namespace), &refused).await;
    assert_eq!(shop.hpa().await, before);
    turn.give_back(PATCH_HPAS).await;
    shop.wait_overridden(10, 20).await;
    shop.wait_status("ovr", "it to act", |status| status["conditions"][0]["reason"] == "Applied").await;
    turn.end(shop).await;
}

#[tokio::test]
async fn to_create_events() {
    let turn = Turn::take().await;
    let shop = turn.shop("create-events").await;
    turn.without(CREATE_EVENTS).await;
    shop.create("ovr", overridden(&json!({"duration": "1h"}))).await;
    let refused = refusal(CREATE_EVENTS, None).replace(" at the cluster scope", &in_namespace(&shop));
    turn.wait_told("failed to publish an event", &refused).await;
    shop.wait_overridden(10, 20).await;
    turn.give_back(CREATE_EVENTS).await;
    shop.delete("ovr").await;
    shop.wait_traceless(2, 5).await;
    wait_event(&shop, "GivenBack", |_| true).await;
}

/// What happens again is counted on its first event.
#[tokio::test]
async fn to_patch_events() {
    let turn = Turn::take().await;
    let shop = turn.shop("patch-events").await;
    turn.without(PATCH_EVENTS).await;
    shop.create("ovr", overridden(&json!({"duration": "1h"}))).await;
    shop.wait_overridden(10, 20).await;
    let revert = async || {
        shop.apply("argocd", 2, 5, true).await.unwrap();
        shop.wait_overridden(10, 20).await;
    };
    revert().await;
    let name = wait_event(&shop, "Reverted", |_| true).await.metadata.name.unwrap();
    revert().await;
    turn.wait_told("failed to publish an event", &refusal(PATCH_EVENTS, Some((&name, &shop)))).await;
    turn.give_back(PATCH_EVENTS).await;
    revert().await;
    wait_event(&shop, "Reverted", |event| event.series.is_some()).await;
    turn.end(shop).await;
}

async fn wait_forbidden(shop: &Shop, message: &str) {
    let forbidden = |status: &Value| status["conditions"][0]["reason"] == "Forbidden";
    let status = shop.wait_status("ovr", "it to be Forbidden", forbidden).await;
    assert_eq!(
        (&status["conditions"][0]["type"], &status["conditions"][0]["status"]),
        (&"Ready".into(), &"False".into())
    );
    assert_eq!(status["conditions"][0]["message"], message);
}

async fn events(shop: &Shop, reason: &str) -> Vec<Event> {
    let events: Api<Event> = Api::namespaced(shop.client.clone(), &shop.namespace);
    let mut all = events.list(&ListParams::default()).await.unwrap().items;
    all.retain(|event| event.reason.as_deref() == Some(reason));
    all
}

async fn wait_event(shop: &Shop, reason: &str, check: impl Fn(&Event) -> bool) -> Event {
    let what = format!("the event {reason}");
    let waited = wait_for(&what, LIMIT, async || {
        let found = events(shop, reason).await;
        let wanted = found.iter().find(|event| check(event)).cloned();
        wanted.ok_or_else(|| anyhow::anyhow!("{found:?}\n{}", shop.world.controller_log()))
    });
    waited.await.unwrap()
}
