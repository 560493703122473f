//! A client that writes as KEDA's operator does: a full Update of the HPA with its own bounds and annotations, then an
//! Update that echoes the answer, on every change of the HPA. The HPA has a controller owner, as KEDA's have.
//!
//! (Followed from the requests that KEDA's operator of August 2026 makes to an API server.)

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::SeqCst},
};

use futures::StreamExt as _;
use hpa_override_testbed::{AuditEvent, Identity, World, wait_for};
use kube::{
    Api,
    api::{DynamicObject, PostParams, WatchEvent, WatchParams},
};
use serde_json::{Value, json};
use support::*;
use tokio::task::JoinHandle;

/// Half a second without a write is silence: the operator answers a change within milliseconds.
const SILENCE: jiff::SignedDuration = jiff::SignedDuration::from_millis(500);

/// An operator at work on the HPA `web` until it is dropped.
struct Operator {
    bounds: Arc<(AtomicI64, AtomicI64)>,
    user: String,
    work: JoinHandle<()>,
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Operator {
    /// Creates the HPA and keeps it.
    async fn start(shop: &Shop, min: i64, max: i64) -> Self {
        let identity = Identity::service_account("keda", "keda-operator");
        let rights = format!(
            "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: keda, namespace: {0}}}
rules: [{{apiGroups: [autoscaling], resources: [horizontalpodautoscalers], verbs: ['*']}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: keda, namespace: {0}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: keda}}
subjects: [{{kind: ServiceAccount, name: keda-operator, namespace: keda}}]
",
            shop.namespace
        );
        hpa_override_testbed::apply_yaml(&shop.client, &rights, "test", true).await.unwrap();
        let client = shop.world.plane().client(&identity).await.unwrap();
        let hpas = shop.seen_by(client).hpas("v2");
        let bounds = Arc::new((AtomicI64::new(min), AtomicI64::new(max)));
        let mut hpa = hpa_override_testbed::parse_yaml(&shop.manifest(1, 1)).unwrap().remove(0);
        own(&mut hpa, &bounds);
        let created = wait_for("the rights of the operator", LIMIT, async || {
            Ok(hpas.create(&PostParams::default(), &hpa).await?)
        });
        let created = created.await.unwrap();
        let work = tokio::spawn(keep(hpas, created, bounds.clone()));
        Self { bounds, user: identity.username(), work }
    }

    /// Another `ScaledObject`: what the operator wants from its next look on.
    fn want(&self, min: i64, max: i64) {
        self.bounds.0.store(min, SeqCst);
        self.bounds.1.store(max, SeqCst);
    }

    /// Its writes since an instant, once there are no more.
    async fn writes_until_silence(&self, shop: &Shop, since: jiff::Timestamp) -> Vec<AuditEvent> {
        let silent = wait_for("silence", LIMIT, async || {
            let writes = shop.world.plane().audit().writes_by(&self.user).unwrap();
            let here = |event: &AuditEvent| event.is_about("horizontalpodautoscalers", &shop.namespace, "web");
            let writes: Vec<_> = writes.into_iter().filter(|event| here(event) && event.received >= since).collect();
            let last = writes.last().map_or(since, |event| event.completed);
            anyhow::ensure!(writes.len() >= 2, "{} writes", writes.len());
            anyhow::ensure!(jiff::Timestamp::now().duration_since(last) > SILENCE, "{} writes", writes.len());
            Ok(writes)
        });
        silent.await.unwrap()
    }
}

/// What the operator knows of an HPA: the rest of the object is lost with its Update.
fn own(hpa: &mut DynamicObject, bounds: &(AtomicI64, AtomicI64)) {
    hpa.data["spec"]["minReplicas"] = bounds.0.load(SeqCst).into();
    hpa.data["spec"]["maxReplicas"] = bounds.1.load(SeqCst).into();
    hpa.metadata.annotations = Some([("autoscaling.keda.sh/generation".into(), "1".into())].into());
    let owner = json!([{
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web", "uid": "scaled-object-1",
        "controller": true, "blockOwnerDeletion": true,
    }]);
    hpa.metadata.owner_references = serde_json::from_value(owner).unwrap();
}

/// On every change: where the HPA is not as wanted, an Update of all of it, and an Update that echoes the answer.
async fn keep(hpas: Api<DynamicObject>, created: DynamicObject, bounds: Arc<(AtomicI64, AtomicI64)>) {
    let version = created.metadata.resource_version.unwrap();
    let mut changes = hpas.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    while let Some(Ok(WatchEvent::Modified(_))) = changes.next().await {
        let Ok(live) = hpas.get("web").await else { continue };
        let mut wanted = live.clone();
        own(&mut wanted, &bounds);
        if wanted.data["spec"] == live.data["spec"] && wanted.metadata.annotations == live.metadata.annotations {
            continue;
        }
        // A conflict is another change, which the watch delivers.
        let Ok(answer) = hpas.replace("web", &PostParams::default(), &wanted).await else { continue };
        drop(hpas.replace("web", &PostParams::default(), &answer).await);
    }
}

async fn shop(world: &'static World, namespace: &str) -> (Shop, Operator) {
    let shop = Shop::open(world, namespace).await;
    let operator = Operator::start(&shop, 2, 5).await;
    (shop, operator)
}

#[tokio::test]
async fn with_the_merge_policy_the_operator_falls_silent_and_the_override_holds() {
    let world = for_ever(world(true, json!({"overrideOwnedHpas": true})));
    let (shop, operator) = shop(world, "keda").await;
    let before = shop.hpa().await;
    let start = jiff::Timestamp::now();
    shop.create("ovr", overridden(&json!({"duration": "1h"}))).await;
    shop.wait_overridden(10, 20).await;
    let writes = operator.writes_until_silence(&shop, start).await;
    println!("{} writes of the operator until silence", writes.len());
    assert!(writes.len() <= 4, "{writes:#?}");
    // The ScaledObject changes: the next look of the operator tells its numbers, and nothing moves.
    operator.want(3, 8);
    let poke = kube::api::Patch::Merge(json!({"metadata": {"labels": {"poke": "1"}}}));
    shop.patch("somebody", &poke).await;
    let hpa = shop.wait_hpa("3–8 to be recorded", |hpa| {
        anyhow::ensure!(desired(hpa) == Some((3, 8)), "{hpa}");
        Ok(())
    });
    let last = hpa.await;
    assert_eq!(shop.bounds_between(&before, &last).await, [(10, 20)], "never observed off");
    shop.delete("ovr").await;
    shop.wait_hpa("3–8 without a record", |hpa| {
        anyhow::ensure!(bounds(hpa) == (3, 8) && record(hpa).is_none(), "{hpa}");
        Ok(())
    })
    .await;
    let last = shop.hpa().await;
    assert_eq!(shop.bounds_between(&before, &last).await, [(10, 20), (3, 8)]);
}

#[tokio::test]
async fn an_owned_hpa_is_refused_unless_it_is_allowed() {
    let world = for_ever(world(true, json!({"crossNamespace": "Allow"})));
    let (shop, _operator) = shop(world, "owned").await;
    let elsewhere = Shop::open(world, "elsewhere").await;
    // Across namespaces too, where that is allowed: nobody is asked.
    let spec = overridden(&json!({"namespace": "owned", "hpa": "web", "duration": "1h"}));
    elsewhere.try_create("ovr", spec).await.unwrap();
    let ready: Value = elsewhere.wait_phase("ovr", "Blocked").await["conditions"][0].clone();
    assert_eq!(ready["reason"], "OwnedByController");
    assert_eq!((bounds(&shop.hpa().await), record(&shop.hpa().await)), ((2, 5), None));
}
