//! The webhook configuration that the Kubewarden controller would create for a policy.
//!
//! Followed from `policy_subreconciler_webhook.go` of that controller, but for `clientConfig`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::RuleWithOperations;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde_json::{Value, json};

use super::{ClusterAdmissionPolicy, KUBEWARDEN_NAMESPACE};
use crate::policy_host::PolicyHost;

pub(super) fn kind(policy: &ClusterAdmissionPolicy) -> &'static str {
    if policy.spec.mutating { "MutatingWebhookConfiguration" } else { "ValidatingWebhookConfiguration" }
}

pub(super) fn configuration(policy: &ClusterAdmissionPolicy, host: &PolicyHost) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind(policy),
        "metadata": {
            "name": policy.unique_name(),
            "labels": {"app.kubernetes.io/part-of": "kubewarden"},
            "annotations": {"kubewardenPolicyName": policy.name(), "kubewardenPolicyNamespace": policy.namespace().unwrap_or_default()},
        },
        "webhooks": [without_nulls(webhook(policy, host))],
    })
}

fn webhook(policy: &ClusterAdmissionPolicy, host: &PolicyHost) -> Value {
    let spec = &policy.spec;
    json!({
        "name": format!("{}.kubewarden.admission", policy.unique_name()),
        "clientConfig": {
            "url": format!("{}/validate/{}", host.url(), policy.name()),
            "caBundle": STANDARD.encode(host.ca_pem()),
        },
        "rules": rules(policy),
        "failurePolicy": spec.failure_policy,
        "matchPolicy": spec.match_policy,
        "namespaceSelector": namespace_selector(policy),
        "objectSelector": spec.object_selector,
        "sideEffects": spec.side_effects.as_deref().unwrap_or("None"),
        "timeoutSeconds": spec.timeout_seconds,
        "matchConditions": spec.match_conditions,
        "admissionReviewVersions": ["v1"],
    })
}

fn rules(policy: &ClusterAdmissionPolicy) -> Vec<RuleWithOperations> {
    let scoped =
        |rule: &RuleWithOperations| RuleWithOperations { scope: Some("Namespaced".to_owned()), ..rule.clone() };
    let rules = policy.spec.rules.iter();
    if policy.namespace().is_some() { rules.map(scoped).collect() } else { rules.cloned().collect() }
}

/// The one namespace of an `AdmissionPolicy`. Else without Kubewarden's own, unless asked for; then `matchLabels` are lost,
/// as they are in the controller.
fn namespace_selector(policy: &ClusterAdmissionPolicy) -> Option<LabelSelector> {
    if let Some(namespace) = policy.namespace() {
        let label = ("kubernetes.io/metadata.name".to_owned(), namespace.to_owned());
        return Some(LabelSelector { match_labels: Some([label].into()), match_expressions: None });
    }
    let given = policy.spec.namespace_selector.clone();
    if policy.spec.allow_inside_admission_controller_namespace {
        return given;
    }
    let own = LabelSelectorRequirement {
        key: "kubernetes.io/metadata.name".to_owned(),
        operator: "NotIn".to_owned(),
        values: Some(vec![KUBEWARDEN_NAMESPACE.to_owned()]),
    };
    let given = given.and_then(|selector| selector.match_expressions).unwrap_or_default();
    Some(LabelSelector { match_expressions: Some([vec![own], given].concat()), match_labels: None })
}

/// A server-side apply takes a null for a wish, and refuses some.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}
