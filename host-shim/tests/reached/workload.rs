//! Workloads of the name `web`, and who writes their status where no controller or kubelet does.

use hpa_override_testbed::{World, api_for, apply_yaml, parse_yaml, wait_for};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::support::*;

pub struct Workload {
    pub api_version: &'static str,
    pub kind: &'static str,
    spec: Value,
}

const WIDGETS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
    - name: v1
      served: true
      storage: true
      subresources:
        status: {}
        scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

fn pods() -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web"}]}})
}

impl Workload {
    pub fn deployment(replicas: i64) -> Self {
        let selector = json!({"matchLabels": {"app": "web"}});
        let spec = json!({"replicas": replicas, "selector": selector, "template": pods()});
        Self { api_version: "apps/v1", kind: "Deployment", spec }
    }

    pub fn stateful_set() -> Self {
        let selector = json!({"matchLabels": {"app": "web"}});
        let spec = json!({"replicas": 2, "serviceName": "web", "selector": selector, "template": pods()});
        Self { api_version: "apps/v1", kind: "StatefulSet", spec }
    }

    /// A custom resource with the subresource `scale`; its definition is created first.
    pub async fn widget(world: &World) -> Self {
        let client = world.plane().client(&hpa_override_testbed::Identity::Admin).await.unwrap();
        apply_yaml(&client, WIDGETS, "test", true).await.unwrap();
        let widget = Self { api_version: "example.com/v1", kind: "Widget", spec: json!({"replicas": 2}) };
        let api = api_for(&client, &widget.object("default")).unwrap();
        let served = async || Ok(api.list(&ListParams::default()).await.map(drop)?);
        wait_for("widgets to be served", LIMIT, served).await.unwrap();
        widget
    }

    fn object(&self, namespace: &str) -> DynamicObject {
        let metadata = json!({"name": "web", "namespace": namespace});
        let object =
            json!({"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata, "spec": self.spec});
        serde_json::from_value(object).unwrap()
    }

    fn api(&self, ns: &TestNamespace) -> Api<DynamicObject> {
        api_for(&ns.client, &self.object(&ns.name)).unwrap()
    }

    pub async fn create(&self, ns: &TestNamespace) {
        self.api(ns).create(&kube::api::PostParams::default(), &self.object(&ns.name)).await.unwrap();
    }

    /// Writes the status, as the controller of this kind would.
    pub async fn set_status(&self, ns: &TestNamespace, replicas: i64, ready: i64) {
        let patch = Patch::Merge(json!({"status": {"replicas": replicas, "readyReplicas": ready}}));
        self.api(ns).patch_status("web", &PatchParams::default(), &patch).await.unwrap();
    }

    pub async fn scale_to(&self, ns: &TestNamespace, replicas: i64) {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        self.api(ns).patch("web", &PatchParams::default(), &patch).await.unwrap();
    }

    /// Waits until its status counts so many ready replicas.
    pub async fn wait_ready(&self, ns: &TestNamespace, ready: i64) {
        let waited = wait_for("the status of the workload", LIMIT, async || {
            let found = self.api(ns).get("web").await?;
            anyhow::ensure!(found.data["status"]["readyReplicas"] == ready, "{}", found.data["status"]);
            Ok(())
        });
        waited.await.unwrap();
    }
}

/// Makes `count` pods ready, and the others not.
pub async fn play_kubelet(ns: &TestNamespace, count: usize) {
    let pods: Api<Pod> = Api::namespaced(ns.client.clone(), &ns.name);
    let running = |is_ready: bool| {
        let ready = json!({"type": "Ready", "status": if is_ready { "True" } else { "False" }});
        json!({"status": {"phase": "Running", "conditions": [ready]}})
    };
    let started = wait_for("the pods to be made", LIMIT, async || {
        let all = pods.list(&ListParams::default()).await?.items;
        let alive: Vec<_> = all.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
        for (index, pod) in alive.iter().enumerate() {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            pods.patch_status(name, &PatchParams::default(), &Patch::Merge(running(index < count))).await?;
        }
        anyhow::ensure!(alive.len() >= count, "{} of {count}", alive.len());
        Ok(())
    });
    started.await.unwrap();
}

const QUOTA: &str =
    "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: pods, namespace: NAMESPACE}\nspec: {hard: {pods: '3'}}\n";

/// A quota of pods. Its controller does not run, so its status is written here; admission counts in it.
pub async fn quota(ns: &TestNamespace, pods: i64) {
    apply_yaml(&ns.client, &QUOTA.replace("NAMESPACE", &ns.name), "test", true).await.unwrap();
    set_hard(ns, pods, &json!({"pods": "0"})).await;
}

pub async fn raise_quota(ns: &TestNamespace, pods: i64) {
    set_hard(ns, pods, &json!({})).await;
}

async fn set_hard(ns: &TestNamespace, pods: i64, used: &Value) {
    let object = parse_yaml(&QUOTA.replace("NAMESPACE", &ns.name)).unwrap().remove(0);
    let api = api_for(&ns.client, &object).unwrap();
    let hard = json!({"pods": pods.to_string()});
    let spec = Patch::Merge(json!({"spec": {"hard": hard}}));
    api.patch("pods", &PatchParams::default(), &spec).await.unwrap();
    let status = Patch::Merge(json!({"status": {"hard": hard, "used": used}}));
    api.patch_status("pods", &PatchParams::default(), &status).await.unwrap();
}
