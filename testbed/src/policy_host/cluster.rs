//! What a policy may ask of the cluster through its host: `can_i`, answered by the API server's `SubjectAccessReview`.
//!
//! Asked as policy-server's own service account, with the rule that its Helm chart gives it and no other.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::{Api, PostParams};
use serde::Deserialize;
use tokio::runtime::Runtime;

use crate::control_plane::{ControlPlane, Identity};
use crate::engine::{HostAnswer, HostCalls, NoHostCalls};
use crate::kubewarden::KUBEWARDEN_NAMESPACE;

/// Who policy-server is.
const SERVICE_ACCOUNT: &str = "policy-server";

/// What its Helm chart lets it do that matters here.
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
pub(crate) struct Cluster {
    client: kube::Client,
    // Taken only when this is dropped.
    runtime: Option<Runtime>,
}

/// As the SDK sends it.
#[derive(Deserialize)]
struct CanI {
    subject_access_review: Review,
}

#[derive(Deserialize)]
struct Review {
    user: String,
    groups: Option<Vec<String>>,
    /// Its keys are single words, and so the same in both spellings.
    resource_attributes: ResourceAttributes,
}

impl Cluster {
    /// Host functions that ask this control plane.
    pub(crate) fn of(plane: &ControlPlane) -> Result<Arc<dyn HostCalls>> {
        let runtime = Runtime::new().context("failed to start a runtime")?;
        let identity = Identity::service_account(KUBEWARDEN_NAMESPACE, SERVICE_ACCOUNT);
        let client = runtime.block_on(plane.client(&identity))?;
        Ok(Arc::new(Self { client, runtime: Some(runtime) }))
    }

    fn can_i(&self, payload: &[u8]) -> Result<Vec<u8>> {
        let CanI { subject_access_review } = serde_json::from_slice(payload)?;
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let review = SubjectAccessReview { spec: spec(subject_access_review), ..SubjectAccessReview::default() };
        let runtime = self.runtime.as_ref().context("the policy host is stopping")?;
        let review = runtime.block_on(reviews.create(&PostParams::default(), &review))?;
        let status = review.status.context("SubjectAccessReview did not return a response")?;
        Ok(serde_json::to_vec(&status)?)
    }
}

fn spec(review: Review) -> SubjectAccessReviewSpec {
    let (user, resource_attributes) = (Some(review.user), Some(review.resource_attributes));
    SubjectAccessReviewSpec { user, groups: review.groups, resource_attributes, ..SubjectAccessReviewSpec::default() }
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

impl Drop for Cluster {
    fn drop(&mut self) {
        // The last holder may be async code, in which a runtime must not be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
