//! mallory's namespace and the bank's, and the rights that mallory is given and loses.

use hpa_override_testbed::{Identity, api_for, apply_yaml, parse_yaml, wait_for};
use kube::{
    Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{MALLORY, support::*, world};

/// mallory's namespace as he sees it, and the bank's as its owner does.
pub struct Scene {
    pub mallory: Shop,
    pub bank: Shop,
}

impl Scene {
    /// In the bank 2–5 stand, as argocd wants it.
    pub async fn of(test: &str) -> Self {
        Self::with_own(test, &format!("{test}-own")).await
    }

    pub async fn with_own(test: &str, own: &str) -> Self {
        let bank = Shop::open(world(), &format!("{test}-bank")).await;
        bank.apply("argocd", 2, 5, false).await.unwrap();
        let own = Shop::open(world(), own).await;
        allow(&bank.client, &own.namespace, "everything", &all_rights()).await;
        Self { mallory: own.seen_by(client_of(MALLORY).await), bank }
    }

    /// An override of the bank's HPA.
    pub fn raid(&self, over: &Value) -> Value {
        let mut spec = overridden(&json!({"namespace": self.bank.namespace, "hpa": "web", "duration": "1h"}));
        for (key, value) in over.as_object().unwrap() {
            spec[key] = value.clone();
        }
        spec.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        spec
    }

    /// mallory's own namespace, as its owner sees it.
    pub fn own(&self) -> Shop {
        self.mallory.seen_by(self.bank.client.clone())
    }

    pub fn refusal(&self) -> String {
        format!(
            "spec.hpa: `{MALLORY}` may not patch HorizontalPodAutoscaler {0}/web, and so may not override it; \
             ask its owner",
            self.bank.namespace
        )
    }

    /// The bank's HPA has not been touched, and nobody's override of it is about.
    pub async fn assert_untouched(&self) {
        let hpa = self.bank.hpa().await;
        assert_eq!((bounds(&hpa), record(&hpa)), ((2, 5), None));
    }
}

pub async fn client_of(user: &str) -> Client {
    world().plane().client(&Identity::user(user)).await.unwrap()
}

pub fn all_rights() -> String {
    "- {apiGroups: [hpa-override.dev], resources: ['*'], verbs: ['*']}\n\
     - {apiGroups: [autoscaling], resources: ['*'], verbs: ['*']}"
        .into()
}

pub fn right_to_patch(names: &str) -> String {
    format!(
        "- {{apiGroups: [autoscaling], resources: [horizontalpodautoscalers], verbs: [patch], resourceNames: {names}}}"
    )
}

/// Gives mallory rights in a namespace.
pub async fn allow(client: &Client, namespace: &str, role: &str, rules: &str) {
    let yaml = format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {role}, namespace: {namespace}}}
rules:
{rules}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {role}, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {role}}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {MALLORY}}}]
"
    );
    apply_yaml(client, &yaml, "test", true).await.unwrap();
}

/// The API server's words. It names the guard's webhook before them.
pub fn words<T: std::fmt::Debug>(refused: kube::Result<T>) -> String {
    let kube::Error::Api(status) = refused.unwrap_err() else { panic!("no answer of the API server") };
    let prefix = "admission webhook \"clusterwide-hpa-override-guard.kubewarden.admission\" denied the request: ";
    status.message.strip_prefix(prefix).map_or_else(|| status.message.clone(), Into::into)
}

pub async fn revoke(scene: &Scene, role: &str) {
    let yaml = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {role}, namespace: {}}}",
        scene.bank.namespace
    );
    let bindings = api_for(&scene.bank.client, &parse(&yaml)).unwrap();
    bindings.delete(role, &DeleteParams::default()).await.unwrap();
    // RBAC hears of it a moment later.
    let gone = wait_for("the right to be gone", LIMIT, async || {
        let patch = Patch::Merge(json!({"metadata": {"labels": {"mine": "yes"}}}));
        let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
        let bank = scene.bank.seen_by(scene.mallory.client.clone());
        anyhow::ensure!(bank.hpas("v2").patch("web", &dry_run, &patch).await.is_err());
        Ok(())
    });
    gone.await.unwrap();
}

/// The one object of a manifest.
pub fn parse(manifest: &str) -> DynamicObject {
    parse_yaml(manifest).unwrap().remove(0)
}
