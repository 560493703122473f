//! mallory's namespace and the target's, and the rights that mallory gets and loses.

use hpa_override_testbed::{Identity, api_for, apply_yaml, parse_yaml, wait_for};
use kube::{
    Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{MALLORY, support::*, world};

/// mallory's namespace with mallory's client, and the target's namespace with its owner's.
pub struct Setup {
    pub mallory: TestNamespace,
    pub target: TestNamespace,
}

impl Setup {
    pub async fn new(test: &str) -> Self {
        Self::with_namespace(test, &format!("{test}-own")).await
    }

    /// With another name for mallory's namespace.
    pub async fn with_namespace(test: &str, own: &str) -> Self {
        let (target, _) = with_hpa(world(), &format!("{test}-target")).await;
        let own = TestNamespace::new(world(), own).await;
        allow(&target.client, &own.name, "everything", &all_rights()).await;
        Self { mallory: own.with_client(client_of(MALLORY).await), target }
    }

    /// The spec of an override of the target, with other fields; null removes one.
    pub fn override_of_target(&self, over: &Value) -> Value {
        let spec = overridden(&json!({"namespace": self.target.name, "hpa": "web", "duration": "1h"}));
        with_fields(spec, over)
    }

    /// mallory's namespace with the client of its owner.
    pub fn own(&self) -> TestNamespace {
        self.mallory.with_client(self.target.client.clone())
    }

    pub fn refusal(&self) -> String {
        format!(
            "spec.hpa: `{MALLORY}` may not patch HorizontalPodAutoscaler {0}/web, and so may not override it; \
             ask its owner",
            self.target.name
        )
    }

    /// The target has its owner's bounds and no record.
    pub async fn assert_untouched(&self) {
        let hpa = self.target.hpa().await;
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

/// The guard's message, without the API server's words before it.
pub fn message<T: std::fmt::Debug>(refused: kube::Result<T>) -> String {
    let kube::Error::Api(status) = refused.unwrap_err() else { panic!("not an answer of the API server") };
    let prefix = format!("admission webhook \"{}\" denied the request: ", world().guard().0);
    status.message.strip_prefix(&prefix).map_or_else(|| status.message.clone(), Into::into)
}

pub async fn revoke(setup: &Setup, role: &str) {
    let yaml = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {role}, namespace: {}}}",
        setup.target.name
    );
    let bindings = api_for(&setup.target.client, &parse(&yaml)).unwrap();
    bindings.delete(role, &DeleteParams::default()).await.unwrap();
    // RBAC applies it a moment later.
    let gone = wait_for("the right to be gone", LIMIT, async || {
        let patch = Patch::Merge(json!({"metadata": {"labels": {"mine": "yes"}}}));
        let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
        let target = setup.target.with_client(setup.mallory.client.clone());
        anyhow::ensure!(target.hpas("v2").patch("web", &dry_run, &patch).await.is_err());
        Ok(())
    });
    gone.await.unwrap();
}

/// The one object of a manifest.
pub fn parse(manifest: &str) -> DynamicObject {
    parse_yaml(manifest).unwrap().remove(0)
}
