//! Whether somebody may patch an HPA cannot be found out: the policy server may not ask, the controller may not, or the
//! policy server is down. Nothing starts, and everybody is told why.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{World, api_for, parse_yaml, wait_for};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use support::*;
use tokio::sync::{Mutex, MutexGuard};

/// The world, and the right to break it: one test at a time.
async fn world() -> (&'static World, MutexGuard<'static, ()>) {
    static WORLD: OnceLock<World> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    (WORLD.get_or_init(|| support::world(true, json!({"authorizeRequester": true}))), turn)
}

async fn shop(world: &'static World, namespace: &str) -> Shop {
    let shop = Shop::open(world, namespace).await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop
}

fn cluster(shop: &Shop, kind: &str, name: &str) -> Api<DynamicObject> {
    let yaml = format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}}}");
    api_for(&shop.client, &parse_yaml(&yaml).unwrap()[0]).unwrap()
}

const COULD_NOT_ASK: &str = "the cluster could not be asked; try again, and tell the platform team if that lasts";

#[tokio::test]
async fn the_policy_server_may_not_ask() {
    let (world, _turn) = world().await;
    let shop = shop(world, "guard-cannot-ask").await;
    let bindings = cluster(&shop, "ClusterRoleBinding", "kubewarden-context-watcher");
    let mut binding = bindings.get("kubewarden-context-watcher").await.unwrap();
    bindings.delete("kubewarden-context-watcher", &DeleteParams::default()).await.unwrap();
    let spec = overridden(&json!({"hpa": "web", "duration": "1h"}));
    let refused = wait_for("the guard to refuse", LIMIT, async || {
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        match shop.overrides().create(&dry_run, &shop.new_override("ovr", &spec)).await {
            Err(kube::Error::Api(status)) => Ok(status.message),
            other => anyhow::bail!("{other:?}"),
        }
    });
    let sentence = format!(
        "spec.hpa: whether `alice` may patch HorizontalPodAutoscaler guard-cannot-ask/web cannot be told: {COULD_NOT_ASK}"
    );
    assert!(refused.await.unwrap().ends_with(&sentence));
    binding.metadata.resource_version = None;
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    let accepted = wait_for("the guard to accept", LIMIT, async || Ok(shop.try_create("ovr", spec.clone()).await?));
    accepted.await.unwrap();
    shop.wait_overridden(10, 20).await;
}

#[tokio::test]
async fn the_controller_may_not_ask() {
    let (world, _turn) = world().await;
    let shop = shop(world, "controller-cannot-ask").await;
    let roles = cluster(&shop, "ClusterRole", "hpa-override-controller");
    let role = serde_json::to_value(roles.get("hpa-override-controller").await.unwrap()).unwrap();
    let without =
        role["rules"].as_array().unwrap().iter().filter(|rule| rule["resources"][0] != "subjectaccessreviews");
    let put = async |rules: Value| {
        let patch = Patch::Merge(json!({"rules": rules}));
        roles.patch("hpa-override-controller", &PatchParams::default(), &patch).await.unwrap();
    };
    put(without.cloned().collect()).await;
    shop.create("ovr", overridden(&json!({"startsAt": at(now() + 3), "duration": "1h"}))).await;
    let ready = shop.wait_phase("ovr", "Blocked").await["conditions"][0].clone();
    let sentence =
        "spec.hpa: whether `alice` may patch HorizontalPodAutoscaler controller-cannot-ask/web cannot be told";
    assert_eq!(
        (&ready["reason"], &ready["message"]),
        (&json!("NotAuthorized"), &json!(format!("{sentence}: {COULD_NOT_ASK}")))
    );
    let log = world.controller_log();
    assert!(log.contains("cannot create resource \"subjectaccessreviews\""), "{log}");
    assert_eq!(bounds(&shop.hpa().await), (2, 5));
    put(role["rules"].clone()).await;
    shop.wait_overridden(10, 20).await;
    shop.wait_phase("ovr", "Active").await;
}

#[tokio::test]
async fn the_policy_server_is_down() {
    let (world, _turn) = world().await;
    let shop = shop(world, "policy-server-down").await;
    let victim = Shop::open(world, "policy-server-down-bank").await;
    victim.apply("argocd", 2, 5, false).await.unwrap();
    world.policy_host().unwrap().stop();
    let refused = shop.try_create("ovr", overridden(&json!({"hpa": "web", "duration": "1h"}))).await.unwrap_err();
    let words = "failed calling webhook \"clusterwide-hpa-override-guard.kubewarden.admission\"";
    assert!(refused.to_string().contains(words), "{refused}");
    // His own HPA is what a forger of records can move, by what he says that he wants.
    let by = "policy-server-down-bank/ghost";
    let record = json!({
        "v": 1, "asOf": at(now()), "desired": {"minReplicas": 3, "maxReplicas": 6},
        "effective": {"minReplicas": 2, "maxReplicas": 5}, "ours": {"minReplicas": [2], "maxReplicas": [5]},
        "layers": [{"by": by, "uid": "u", "mode": "Set", "minReplicas": 2, "maxReplicas": 5, "until": at(now() + 3600)}],
    });
    shop.patch("mallory", &Patch::Merge(with_record(Some(&record.to_string())))).await;
    shop.wait_hpa("the ghost to be taken off", |hpa| {
        anyhow::ensure!(support::record(hpa).is_none() && bounds(hpa) == (3, 6), "{hpa}");
        Ok(())
    })
    .await;
    let untouched = victim.hpa().await;
    assert_eq!((bounds(&untouched), support::record(&untouched)), ((2, 5), None));
    world.policy_host().unwrap().start_again().unwrap();
}

/// An authorizer that hangs keeps from starting what has to be asked about, and nothing else: ends come on time.
#[tokio::test]
async fn no_answer_comes() {
    let (world, _turn) = world().await;
    let shop = shop(world, "hanging").await;
    let proxy = world.controller_through_proxy().unwrap();
    let end = now() + 6;
    shop.create("ends", overridden(&json!({"expiresAt": at(end)}))).await;
    shop.wait_overridden(10, 20).await;
    proxy.mute_access_reviews(true);
    let spec = overridden(&json!({"hpa": "web", "minReplicas": 30, "maxReplicas": 30, "duration": "1h"}));
    let created = shop.try_create("waits", spec).await;
    let ended = wait_for("the end", LIMIT, async || {
        anyhow::ensure!(bounds(&shop.hpa().await) == (2, 5));
        Ok(now())
    });
    let ended = ended.await;
    let told = shop.override_("waits").await["status"].clone();
    proxy.mute_access_reviews(false);
    created.unwrap();
    assert!(ended.unwrap() <= end + 1, "late");
    assert_eq!(told, Value::Null, "nothing is told before there is an answer, that there is none included");
    shop.wait_overridden(30, 30).await;
    shop.wait_phase("waits", "Active").await;
}
