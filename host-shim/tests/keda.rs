//! A client that writes as KEDA's operator does: on every change of the HPA a full Update with its own bounds and
//! annotations, then an Update that echoes the response. The HPA has a controller owner, as KEDA's have.
//!
//! (After the requests that KEDA's operator of August 2026 makes to an API server.)

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::SeqCst},
};

use futures::StreamExt as _;
use hpa_override_testbed::{AuditEvent, Identity, wait_for};
use kube::{
    Api,
    api::{DynamicObject, PostParams, WatchEvent, WatchParams},
};
use serde_json::{Value, json};
use support::*;
use tokio::task::JoinHandle;

/// The operator answers a change within milliseconds: after half a second without a write it has stopped.
const IDLE: jiff::SignedDuration = jiff::SignedDuration::from_millis(500);

/// An operator of the HPA `web`, until it is dropped.
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
    async fn start(ns: &TestNamespace, min: i64, max: i64) -> Self {
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
            ns.name
        );
        hpa_override_testbed::apply_yaml(&ns.client, &rights, "test", true).await.unwrap();
        let client = ns.world.plane().client(&identity).await.unwrap();
        let hpas = ns.with_client(client).hpas("v2");
        let bounds = Arc::new((AtomicI64::new(min), AtomicI64::new(max)));
        let mut hpa = hpa_override_testbed::parse_yaml(&ns.manifest(1, 1)).unwrap().remove(0);
        own(&mut hpa, &bounds);
        let created = wait_for("the rights of the operator", LIMIT, async || {
            Ok(hpas.create(&PostParams::default(), &hpa).await?)
        });
        let created = created.await.unwrap();
        let work = tokio::spawn(keep(hpas, created, bounds.clone()));
        Self { bounds, user: identity.username(), work }
    }

    /// Changes the `ScaledObject`: the operator's bounds from its next write on.
    fn want(&self, min: i64, max: i64) {
        self.bounds.0.store(min, SeqCst);
        self.bounds.1.store(max, SeqCst);
    }

    /// Its writes since an instant, once it has stopped.
    async fn writes_until_idle(&self, ns: &TestNamespace, since: jiff::Timestamp) -> Vec<AuditEvent> {
        let idle = wait_for("the operator to stop writing", LIMIT, async || {
            let writes = ns.world.plane().audit().writes_by(&self.user).unwrap();
            let here = |event: &AuditEvent| event.is_about("horizontalpodautoscalers", &ns.name, "web");
            let writes: Vec<_> = writes.into_iter().filter(|event| here(event) && event.received >= since).collect();
            let last = writes.last().map_or(since, |event| event.completed);
            anyhow::ensure!(writes.len() >= 2, "{} writes", writes.len());
            anyhow::ensure!(jiff::Timestamp::now().duration_since(last) > IDLE, "{} writes", writes.len());
            Ok(writes)
        });
        idle.await.unwrap()
    }
}

/// Sets what the operator knows of an HPA; its Update drops the other annotations.
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

/// On every change where the HPA is not as wanted: a full Update, and an Update that echoes the response.
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

#[tokio::test]
async fn an_owned_hpa_is_overridden_only_where_permitted_and_the_operator_stops_writing() {
    // Across namespaces too: under `Allow` the cluster is not asked about the requester.
    let settings = json!({"crossNamespace": "Allow"});
    let world = for_ever(world(true, settings.clone()));
    let ns = TestNamespace::new(world, "keda").await;
    let operator = Operator::start(&ns, 2, 5).await;
    let elsewhere = TestNamespace::new(world, "elsewhere").await;
    let spec = overridden(&json!({"namespace": "keda", "hpa": "web", "duration": "1h"}));
    elsewhere.try_create("ovr", spec).await.unwrap();
    let ready: Value = elsewhere.wait_phase("ovr", "Blocked").await["conditions"][0].clone();
    assert_eq!(ready["reason"], "OwnedByController");
    let before = ns.hpa().await;
    assert_eq!((bounds(&before), record(&before)), ((2, 5), None));

    let start = jiff::Timestamp::now();
    let permitted = with_fields(settings, &json!({"overrideOwnedHpas": true}));
    world.change_controller_settings(&permitted).unwrap();
    ns.wait_overridden(10, 20).await;
    let writes = operator.writes_until_idle(&ns, start).await;
    println!("{} writes of the operator until it stops", writes.len());
    assert!(writes.len() <= 4, "{writes:#?}");

    // The operator's next write names its new numbers, and the bounds do not move.
    operator.want(3, 8);
    let label = kube::api::Patch::Merge(json!({"metadata": {"labels": {"seen": "1"}}}));
    ns.patch("somebody", &label).await;
    let recorded = ns.wait_hpa("3-8 to be recorded", |hpa| {
        anyhow::ensure!(desired(hpa) == Some((3, 8)), "{hpa}");
        Ok(())
    });
    let recorded = recorded.await;
    assert_eq!(ns.bounds_between(&before, &recorded).await, [(10, 20)], "never off");
    elsewhere.delete("ovr").await;
    let restored = ns.wait_hpa("3-8 without a record", |hpa| {
        anyhow::ensure!(bounds(hpa) == (3, 8) && record(hpa).is_none(), "{hpa}");
        Ok(())
    });
    let restored = restored.await;
    assert_eq!(ns.bounds_between(&before, &restored).await, [(10, 20), (3, 8)]);
}
