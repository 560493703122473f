//! Applies YAML of the kinds that this project's tests and demo use.
//!
//! Plurals follow from the kinds, so that a test's requests are those that it makes itself: there is no discovery.

use anyhow::{Context as _, Result};
use kube::api::{Api, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;

/// The kinds that live in no namespace.
const CLUSTER_WIDE: [&str; 10] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
];

/// Applies every document of `yaml` on the server's side, in order, and returns what the server answered.
///
/// Documents without a namespace go to `default`, where their kind has one.
pub async fn apply_yaml(client: &kube::Client, yaml: &str, manager: &str, force: bool) -> Result<Vec<DynamicObject>> {
    let params = PatchParams { force, ..PatchParams::apply(manager) };
    let mut applied = Vec::new();
    for object in parse_yaml(yaml)? {
        let name = object.metadata.name.clone().context("failed to apply an object that has no metadata.name")?;
        let answer = api_for(client, &object)?.patch(&name, &params, &Patch::Apply(&object)).await;
        let kind = object.types.as_ref().map_or("", |types| &types.kind);
        applied.push(answer.with_context(|| format!("failed to apply {kind} {name}"))?);
    }
    Ok(applied)
}

/// The objects in `yaml`; empty documents are left out.
pub fn parse_yaml(yaml: &str) -> Result<Vec<DynamicObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).context("failed to read YAML")?;
    let objects = documents.into_iter().filter(|document| !document.is_null());
    objects.map(|object| serde_json::from_value(object).context("failed to read a Kubernetes object")).collect()
}

/// The place where objects like this one live.
pub fn api_for(client: &kube::Client, object: &DynamicObject) -> Result<Api<DynamicObject>> {
    let types = object.types.as_ref().context("an object without a kind")?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(types)?);
    Ok(if CLUSTER_WIDE.contains(&types.kind.as_str()) {
        Api::all_with(client.clone(), &resource)
    } else {
        let namespace = object.metadata.namespace.as_deref().unwrap_or("default");
        Api::namespaced_with(client.clone(), namespace, &resource)
    })
}
