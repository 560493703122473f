//! It cannot be found out whether a requester may patch an HPA: the policy server may not ask, the controller may not, the
//! policy server is down, or there is no answer. Nothing starts, and the refusal or the status says why.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use hpa_override_testbed::{World, api_for, parse_yaml, wait_for};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use support::*;
use tokio::sync::MutexGuard;

/// The world, for one test at a time.
async fn world() -> (&'static World, MutexGuard<'static, ()>) {
    static WORLD: LockedWorld = LockedWorld::new();
    WORLD.lock(|| support::world(true, json!({"authorizeRequester": true}))).await
}

fn cluster(ns: &TestNamespace, kind: &str, name: &str) -> Api<DynamicObject> {
    let yaml = format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}}}");
    api_for(&ns.client, &parse_yaml(&yaml).unwrap()[0]).unwrap()
}

const COULD_NOT_ASK: &str = "the cluster could not be asked; try again, and ask the platform team if that lasts";

#[tokio::test]
async fn the_policy_server_may_not_ask() {
    let (world, _guard) = world().await;
    let (ns, _) = with_hpa(world, "guard-cannot-ask").await;
    let bindings = cluster(&ns, "ClusterRoleBinding", "kubewarden-context-watcher");
    let mut binding = bindings.get("kubewarden-context-watcher").await.unwrap();
    bindings.delete("kubewarden-context-watcher", &DeleteParams::default()).await.unwrap();
    let spec = with_fields(for_an_hour(), &json!({"hpa": "web"}));
    let refused = wait_for("the guard to refuse", LIMIT, async || {
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        match ns.overrides().create(&dry_run, &ns.new_override("ovr", &spec)).await {
            Err(kube::Error::Api(status)) => Ok(status.message),
            other => anyhow::bail!("{other:?}"),
        }
    });
    let sentence = format!(
        "spec.hpa: it is not known whether `alice` may patch HorizontalPodAutoscaler guard-cannot-ask/web: {COULD_NOT_ASK}"
    );
    assert!(refused.await.unwrap().ends_with(&sentence));
    binding.metadata.resource_version = None;
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    let accepted = wait_for("the guard to accept", LIMIT, async || Ok(ns.try_create("ovr", spec.clone()).await?));
    accepted.await.unwrap();
    ns.wait_overridden(10, 20).await;
}

#[tokio::test]
async fn the_controller_may_not_ask() {
    let (world, _guard) = world().await;
    let (ns, _) = with_hpa(world, "controller-cannot-ask").await;
    let roles = cluster(&ns, "ClusterRole", "hpa-override-controller");
    let role = serde_json::to_value(roles.get("hpa-override-controller").await.unwrap()).unwrap();
    let without =
        role["rules"].as_array().unwrap().iter().filter(|rule| rule["resources"][0] != "subjectaccessreviews");
    let put = async |rules: Value| {
        let patch = Patch::Merge(json!({"rules": rules}));
        roles.patch("hpa-override-controller", &PatchParams::default(), &patch).await.unwrap();
    };
    put(without.cloned().collect()).await;
    ns.create("ovr", overridden(&json!({"startsAt": at(now() + 3), "duration": "1h"}))).await;
    let ready = ns.wait_phase("ovr", "Blocked").await["conditions"][0].clone();
    let sentence =
        "spec.hpa: it is not known whether `alice` may patch HorizontalPodAutoscaler controller-cannot-ask/web";
    assert_eq!(
        (&ready["reason"], &ready["message"]),
        (&json!("NotAuthorized"), &json!(format!("{sentence}: {COULD_NOT_ASK}")))
    );
    let log = world.controller_log();
    assert!(log.contains("cannot create resource \"subjectaccessreviews\""), "{log}");
    assert_eq!(bounds(&ns.hpa().await), (2, 5));
    put(role["rules"].clone()).await;
    ns.wait_overridden(10, 20).await;
    ns.wait_phase("ovr", "Active").await;
}

#[tokio::test]
async fn the_policy_server_is_down() {
    let (world, _guard) = world().await;
    let (ns, _) = with_hpa(world, "policy-server-down").await;
    let (other, _) = with_hpa(world, "policy-server-down-other").await;
    world.policy_host().unwrap().stop();
    let refused = ns.try_create("ovr", with_fields(for_an_hour(), &json!({"hpa": "web"}))).await.unwrap_err();
    let message = format!("failed calling webhook \"{}\"", world.guard().0);
    assert!(refused.to_string().contains(&message), "{refused}");
    // A forged record changes the HPA that carries it, by its desired bounds, and no other.
    let by = "policy-server-down-other/unknown";
    let record = json!({
        "v": 1, "asOf": at(now()), "desired": {"minReplicas": 3, "maxReplicas": 6},
        "effective": {"minReplicas": 2, "maxReplicas": 5}, "ours": {"minReplicas": [2], "maxReplicas": [5]},
        "layers": [{"by": by, "uid": "u", "mode": "Set", "minReplicas": 2, "maxReplicas": 5, "until": at(now() + 3600)}],
    });
    ns.patch("mallory", &Patch::Merge(with_record(Some(&record.to_string())))).await;
    ns.wait_hpa("the forged layer to end", |hpa| {
        anyhow::ensure!(support::record(hpa).is_none() && bounds(hpa) == (3, 6), "{hpa}");
        Ok(())
    })
    .await;
    let untouched = other.hpa().await;
    assert_eq!((bounds(&untouched), support::record(&untouched)), ((2, 5), None));
    world.policy_host().unwrap().start_again().unwrap();
}

/// An authorizer that hangs delays the start of overrides whose requester has to be checked, and nothing else: ends are on
/// time.
#[tokio::test]
async fn there_is_no_answer() {
    let (world, _guard) = world().await;
    let (ns, _) = with_hpa(world, "hanging").await;
    let proxy = world.controller_through_proxy().unwrap();
    let end = now() + 6;
    ns.create("ends", overridden(&json!({"expiresAt": at(end)}))).await;
    ns.wait_overridden(10, 20).await;
    proxy.mute_access_reviews(true);
    let spec = overridden(&json!({"hpa": "web", "minReplicas": 30, "maxReplicas": 30, "duration": "1h"}));
    let created = ns.try_create("waits", spec).await;
    let ended = wait_for("the end", LIMIT, async || {
        anyhow::ensure!(bounds(&ns.hpa().await) == (2, 5));
        Ok(now())
    });
    let ended = ended.await;
    let status = ns.override_("waits").await["status"].clone();
    proxy.mute_access_reviews(false);
    created.unwrap();
    assert!(ended.unwrap() <= end + 1, "late");
    assert_eq!(status, Value::Null, "no status before there is an answer");
    ns.wait_overridden(30, 30).await;
    ns.wait_phase("waits", "Active").await;
}
