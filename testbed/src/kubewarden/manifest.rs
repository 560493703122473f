//! A `ClusterAdmissionPolicy` or an `AdmissionPolicy` as it is written, and the webhook that its controller makes of it.

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::KUBEWARDEN_NAMESPACE;
use crate::policy_host::PolicyConfig;

/// The fields of its spec that a webhook configuration has as well.
const COPIED: [&str; 4] = ["failurePolicy", "matchPolicy", "objectSelector", "matchConditions"];
/// Those that an `AdmissionPolicy` does not have.
const CLUSTER_WIDE: [&str; 3] =
    ["allowInsideAdmissionControllerNamespace", "contextAwareResources", "namespaceSelector"];
/// The others. Some mean nothing here: the module is the host's, and there is one server and no audit scanner.
const OTHERS: [&str; 9] = [
    "backgroundAudit",
    "mode",
    "module",
    "mutating",
    "policyServer",
    "rules",
    "settings",
    "sideEffects",
    "timeoutSeconds",
];

/// A policy (`policies.kubewarden.io/v1`) for the whole cluster, or as an `AdmissionPolicy` for its own namespace.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClusterAdmissionPolicy {
    api_version: String,
    kind: String,
    metadata: ObjectMeta,
    spec: Map<String, Value>,
}

impl ClusterAdmissionPolicy {
    pub(super) fn parse(yaml: &str) -> Result<Vec<Self>> {
        let policies: Vec<Self> =
            serde_saphyr::from_multiple(yaml).context("failed to read a ClusterAdmissionPolicy")?;
        policies.iter().try_for_each(Self::ensure_followed)?;
        Ok(policies)
    }

    fn ensure_followed(&self) -> Result<()> {
        let (version, kind, name) = (self.api_version.as_str(), self.kind.as_str(), self.name());
        let known =
            version == "policies.kubewarden.io/v1" && matches!(kind, "ClusterAdmissionPolicy" | "AdmissionPolicy");
        ensure!(
            known && !name.is_empty(),
            "failed to follow `{version}` `{kind}` `{name}`: not a ClusterAdmissionPolicy"
        );
        let is_known = |key: &str| COPIED.contains(&key) || CLUSTER_WIDE.contains(&key) || OTHERS.contains(&key);
        if let Some(key) = self.spec.keys().find(|key| !is_known(key)) {
            bail!("failed to follow {name}: unknown field `{key}`");
        }
        let mode = self.spec.get("mode").and_then(Value::as_str).unwrap_or("protect");
        ensure!(mode == "protect", "failed to follow mode `{mode}` of {name}");
        if kind == "AdmissionPolicy" {
            let selects = CLUSTER_WIDE.iter().any(|key| self.spec.contains_key(*key));
            ensure!(!selects, "failed to follow {name}: an AdmissionPolicy has fields for the cluster");
            ensure!(self.namespace().is_some(), "failed to follow {name}: an AdmissionPolicy without namespace");
        }
        Ok(())
    }

    /// The one namespace of an `AdmissionPolicy`.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.metadata.namespace.as_deref().filter(|_| self.kind == "AdmissionPolicy")
    }

    pub(super) fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The name that the Kubewarden controller gives its webhook configuration.
    pub(super) fn unique_name(&self) -> String {
        match self.namespace() {
            Some(namespace) => format!("namespaced-{namespace}-{}", self.name()),
            None => format!("clusterwide-{}", self.name()),
        }
    }

    /// Puts these keys over its settings.
    pub(super) fn set(&mut self, settings: &Value) {
        let own = self.spec.entry("settings").or_insert_with(|| json!({}));
        if let (Some(own), Some(settings)) = (own.as_object_mut(), settings.as_object()) {
            own.extend(settings.clone());
        }
    }

    /// What the policy host needs.
    pub(super) fn config(&self) -> PolicyConfig {
        let settings = self.spec.get("settings").cloned().unwrap_or_else(|| json!({}));
        PolicyConfig { name: self.name().to_owned(), settings, mutating: self.is("mutating") }
    }

    fn is(&self, key: &str) -> bool {
        self.spec.get(key) == Some(&Value::Bool(true))
    }

    /// The webhook, but for where it is.
    pub(super) fn webhook(&self) -> Map<String, Value> {
        let given = |key: &str| self.spec.get(key).cloned();
        let mut webhook = Map::new();
        webhook.insert("name".into(), format!("{}.kubewarden.admission", self.unique_name()).into());
        webhook.insert("rules".into(), self.rules());
        webhook.insert("sideEffects".into(), given("sideEffects").unwrap_or_else(|| "None".into()));
        webhook.insert("timeoutSeconds".into(), given("timeoutSeconds").unwrap_or_else(|| 10.into()));
        webhook.insert("namespaceSelector".into(), self.namespace_selector());
        webhook.insert("admissionReviewVersions".into(), json!(["v1"]));
        webhook.extend(COPIED.iter().filter_map(|key| Some(((*key).to_owned(), given(key)?))));
        webhook
    }

    fn rules(&self) -> Value {
        let mut rules = self.spec.get("rules").cloned().unwrap_or_default();
        if self.namespace().is_some() {
            for rule in rules.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                rule.insert("scope".into(), "Namespaced".into());
            }
        }
        rules
    }

    /// The one namespace of an `AdmissionPolicy`. Else without Kubewarden's own, unless asked for; then `matchLabels` are
    /// lost, as they are in the controller.
    fn namespace_selector(&self) -> Value {
        const NAME: &str = "kubernetes.io/metadata.name";
        if let Some(namespace) = self.namespace() {
            return json!({"matchLabels": {NAME: namespace}});
        }
        let given = self.spec.get("namespaceSelector").cloned().unwrap_or_else(|| json!({}));
        if self.is("allowInsideAdmissionControllerNamespace") {
            return given;
        }
        let mut expressions = vec![json!({"key": NAME, "operator": "NotIn", "values": [KUBEWARDEN_NAMESPACE]})];
        expressions.extend(given.get("matchExpressions").and_then(Value::as_array).into_iter().flatten().cloned());
        json!({ "matchExpressions": expressions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: &str, spec: &str) -> Result<Vec<ClusterAdmissionPolicy>, String> {
        let metadata = "metadata: {name: p, namespace: shop}";
        let yaml = format!("apiVersion: policies.kubewarden.io/v1\nkind: {kind}\n{metadata}\nspec: {{{spec}}}");
        ClusterAdmissionPolicy::parse(&yaml).map_err(|error| error.to_string())
    }

    /// As the controller's own code has it.
    #[test]
    fn the_webhook_is_the_one_that_kubewarden_would_make() {
        let selector = "namespaceSelector: {matchLabels: {a: b}, matchExpressions: [{key: shop, operator: Exists}]}";
        let spec = format!("timeoutSeconds: 2, failurePolicy: Ignore, rules: [{{operations: [CREATE]}}], {selector}");
        let own = json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kubewarden"]});
        let expected = json!({
            "name": "clusterwide-p.kubewarden.admission", "rules": [{"operations": ["CREATE"]}], "sideEffects": "None",
            "timeoutSeconds": 2, "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore",
            "namespaceSelector": {"matchExpressions": [own, {"key": "shop", "operator": "Exists"}]},
        });
        assert_eq!(Value::from(parse("ClusterAdmissionPolicy", &spec).unwrap()[0].webhook()), expected);
        let one = parse("AdmissionPolicy", "rules: [{operations: [CREATE]}]").unwrap()[0].webhook();
        assert_eq!(one["name"], "namespaced-shop-p.kubewarden.admission");
        assert_eq!(one["rules"], json!([{"operations": ["CREATE"], "scope": "Namespaced"}]));
        assert_eq!(one["namespaceSelector"], json!({"matchLabels": {"kubernetes.io/metadata.name": "shop"}}));
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        let cluster = |spec: &str| parse("ClusterAdmissionPolicy", spec);
        assert_eq!(cluster("mode: monitor").unwrap_err(), "failed to follow mode `monitor` of p");
        assert_eq!(cluster("message: no").unwrap_err(), "failed to follow p: unknown field `message`");
        let one = |spec: &str| parse("AdmissionPolicy", spec);
        assert_eq!(one("timeoutSeconds: 2").unwrap().len(), 1);
        for spec in CLUSTER_WIDE.map(|key| format!("{key}: {{}}")) {
            let error = "failed to follow p: an AdmissionPolicy has fields for the cluster";
            assert_eq!(one(&spec).unwrap_err(), error, "{spec}");
        }
    }
}
