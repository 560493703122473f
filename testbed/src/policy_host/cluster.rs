//! What a policy may ask of the cluster through its host: `can_i`, answered by the API server's `SubjectAccessReview`.
//!
//! Asked as policy-server's own service account, with the rule that its Helm chart gives it and no other.

use anyhow::{Context as _, Result};
use http::Request;
use kube::config::Kubeconfig;
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, Identity, client_of};
use crate::engine::{HostAnswer, HostCalls, NoHostCalls};
use crate::kubewarden::KUBEWARDEN_NAMESPACE;
use crate::wait::block_on;

/// The rights that its Helm chart gives policy-server, as far as they matter here.
pub(crate) const RBAC: &str = r"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: kubewarden-context-watcher}
rules: [{apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: kubewarden-context-watcher}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: kubewarden-context-watcher}
subjects: [{kind: ServiceAccount, name: policy-server, namespace: kubewarden}]
";

/// The host functions of a policy host beside a control plane.
pub(crate) struct Cluster(Kubeconfig);

impl Cluster {
    /// Host functions that ask this control plane.
    pub(crate) fn new(plane: &ControlPlane) -> Result<Self> {
        let identity = Identity::service_account(KUBEWARDEN_NAMESPACE, "policy-server");
        Ok(Self(plane.kubeconfig(&identity)?))
    }

    fn can_i(&self, payload: &[u8]) -> Result<Vec<u8>> {
        let mut asked: Value = serde_json::from_slice(payload)?;
        let review = asked.get_mut("subject_access_review").context("no review")?;
        let mut part = |key: &str| review.get_mut(key).map(Value::take);
        // The attributes' keys are single words, and so the same in both spellings.
        let spec = json!({
            "user": part("user"), "groups": part("groups"), "resourceAttributes": part("resource_attributes"),
        });
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
        let request = Request::post("/apis/authorization.k8s.io/v1/subjectaccessreviews").body(review.to_string())?;
        let request = request.map(String::into_bytes);
        let mut answer: Value = block_on(async || Ok(client_of(self.0.clone()).await?.request(request).await?))?;
        let status = answer.get_mut("status").map(Value::take);
        Ok(serde_json::to_vec(&status.context("SubjectAccessReview did not return a response")?)?)
    }
}

impl HostCalls for Cluster {
    fn call(&self, binding: &str, namespace: &str, operation: &str, payload: &[u8]) -> HostAnswer {
        match (binding, namespace, operation) {
            ("kubewarden", "kubernetes", "can_i") => {
                self.can_i(payload).map_err(|error| format!("Callback evaluation failure: {error:?}").into())
            }
            _ => NoHostCalls.call(binding, namespace, operation, payload),
        }
    }
}
