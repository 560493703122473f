//! Applies YAML of the kinds that this project's tests and demo use.
//!
//! A fixed table stands in for discovery, so that a test's requests are those that it makes itself. Other kinds are
//! refused, with a pointer to the table.

use anyhow::{Context as _, Result, bail};
use kube::api::{Api, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject};
use serde_json::Value;

/// API version, kind, plural, whether the kind lives in a namespace.
const KINDS: [(&str, &str, &str, bool); 22] = [
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Namespace", "namespaces", false),
    ("v1", "Pod", "pods", true),
    ("v1", "Secret", "secrets", true),
    ("v1", "Service", "services", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", false),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", false),
    ("apps/v1", "Deployment", "deployments", true),
    ("apps/v1", "StatefulSet", "statefulsets", true),
    ("autoscaling/v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("coordination.k8s.io/v1", "Lease", "leases", true),
    ("hpa-override.dev/v1", "AutoscalerOverride", "autoscaleroverrides", true),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", false),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", false),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", true),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", true),
];

/// Applies every document of `yaml` on the server's side, in order, and returns what the server answered.
///
/// Documents without a namespace go to `default`, where their kind has one.
///
/// # Errors
/// When the text is no YAML, a kind is unknown here, or the server refuses; then earlier documents are applied already.
/// A `kube::Error` stays reachable by `downcast_ref`.
pub async fn apply_yaml(client: &kube::Client, yaml: &str, manager: &str, force: bool) -> Result<Vec<DynamicObject>> {
    let params = PatchParams { force, ..PatchParams::apply(manager) };
    let mut applied = Vec::new();
    for object in parse_yaml(yaml)? {
        let name = object.metadata.name.clone().context("failed to apply an object that has no metadata.name")?;
        let api = api_for(client, &object)?;
        let answer = api.patch(&name, &params, &Patch::Apply(&object)).await;
        applied.push(answer.with_context(|| format!("failed to apply {} {name}", kind(&object)))?);
    }
    Ok(applied)
}

/// The objects in `yaml`; empty documents are left out.
///
/// # Errors
/// When the text is no YAML or a document no Kubernetes object.
pub fn parse_yaml(yaml: &str) -> Result<Vec<DynamicObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).context("failed to read YAML")?;
    let objects = documents.into_iter().filter(|document| !document.is_null());
    objects.map(|object| serde_json::from_value(object).context("failed to read a Kubernetes object")).collect()
}

/// The place where objects like this one live.
///
/// # Errors
/// When the kind is not in the table of this file.
pub fn api_for(client: &kube::Client, object: &DynamicObject) -> Result<Api<DynamicObject>> {
    let version = object.types.as_ref().map_or("", |types| types.api_version.as_str());
    let (resource, namespaced) = resource_of(version, kind(object))?;
    let namespace = object.metadata.namespace.as_deref().unwrap_or("default");
    Ok(if namespaced {
        Api::namespaced_with(client.clone(), namespace, &resource)
    } else {
        Api::all_with(client.clone(), &resource)
    })
}

fn kind(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| types.kind.as_str())
}

fn resource_of(api_version: &str, kind: &str) -> Result<(ApiResource, bool)> {
    let row = KINDS.iter().find(|row| row.0 == api_version && row.1 == kind);
    let Some((_, _, plural, namespaced)) = row else {
        bail!("failed to find `{api_version}` `{kind}` in the table of kinds in testbed/src/objects.rs")
    };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: (*plural).to_owned(),
    };
    Ok((resource, *namespaced))
}
