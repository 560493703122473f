//! A `ClusterAdmissionPolicy` or an `AdmissionPolicy` as it is written, with the defaults of its CRD.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::admissionregistration::v1::{MatchCondition, RuleWithOperations};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::policy_host::PolicyConfig;

/// A policy (`policies.kubewarden.io/v1`) for the whole cluster, or as an `AdmissionPolicy` for its own namespace.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterAdmissionPolicy {
    api_version: String,
    kind: String,
    /// Name, labels, annotations.
    pub metadata: ObjectMeta,
    /// What it asks for.
    pub spec: PolicySpec,
}

/// The spec of a [`ClusterAdmissionPolicy`]; fields mean what they mean in a webhook configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// Where the module is published. The policy host runs the module that it was given instead.
    pub module: String,
    /// The `PolicyServer`; there is one here.
    #[serde(default)]
    pub policy_server: Option<String>,
    /// `protect`, the default, and nothing else is followed here.
    #[serde(default)]
    pub mode: Option<String>,
    /// Whether the policy may change objects.
    pub mutating: bool,
    /// For the audit scanner, which is not here.
    #[serde(default)]
    pub background_audit: Option<bool>,
    /// What the module is told with every request.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Which requests.
    pub rules: Vec<RuleWithOperations>,
    /// `Fail` (default) or `Ignore`.
    #[serde(default)]
    pub failure_policy: Option<String>,
    /// `Equivalent` (default) or `Exact`.
    #[serde(default)]
    pub match_policy: Option<String>,
    /// CEL.
    #[serde(default)]
    pub match_conditions: Vec<MatchCondition>,
    /// Which objects, by label.
    #[serde(default)]
    pub object_selector: Option<LabelSelector>,
    /// Which namespaces, by label. The controller drops `matchLabels` unless `allowInsideAdmissionControllerNamespace`.
    #[serde(default)]
    pub namespace_selector: Option<LabelSelector>,
    /// `None` unless named.
    #[serde(default)]
    pub side_effects: Option<String>,
    /// How long the API server waits.
    #[serde(default = "ten")]
    pub timeout_seconds: i32,
    /// What the module may read from the cluster; the policy host offers nothing by itself.
    #[serde(default)]
    pub context_aware_resources: Vec<Value>,
    /// Whether Kubewarden's own namespace is not left out.
    #[serde(default)]
    pub allow_inside_admission_controller_namespace: bool,
}

fn ten() -> i32 {
    10
}

impl ClusterAdmissionPolicy {
    pub(super) fn read(file: &Path) -> Result<Vec<Self>> {
        let text = std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("failed to use {}", file.display()))
    }

    pub(super) fn parse(yaml: &str) -> Result<Vec<Self>> {
        let policies: Vec<Self> =
            serde_saphyr::from_multiple(yaml).context("failed to read a ClusterAdmissionPolicy")?;
        policies.iter().try_for_each(Self::ensure_followed)?;
        Ok(policies)
    }

    fn ensure_followed(&self) -> Result<()> {
        let kind = (self.api_version.as_str(), self.kind.as_str());
        let known =
            kind.0 == "policies.kubewarden.io/v1" && matches!(kind.1, "ClusterAdmissionPolicy" | "AdmissionPolicy");
        ensure!(known, "failed to follow `{}` `{}`: not a ClusterAdmissionPolicy", kind.0, kind.1);
        ensure!(self.metadata.name.is_some(), "failed to follow a ClusterAdmissionPolicy without a name");
        let mode = self.spec.mode.as_deref().unwrap_or("protect");
        ensure!(mode == "protect", "failed to follow mode `{mode}` of {}", self.name());
        if self.kind == "AdmissionPolicy" {
            self.ensure_namespaced()?;
        }
        Ok(())
    }

    /// The fields that its CRD does not have.
    fn ensure_namespaced(&self) -> Result<()> {
        let PolicySpec { namespace_selector, context_aware_resources, .. } = &self.spec;
        let selects = namespace_selector.is_some() || self.spec.allow_inside_admission_controller_namespace;
        let lacking = selects || !context_aware_resources.is_empty();
        ensure!(!lacking, "failed to follow {}: an AdmissionPolicy has fields for the cluster", self.name());
        ensure!(self.namespace().is_some(), "failed to follow {}: an AdmissionPolicy without namespace", self.name());
        Ok(())
    }

    /// The one namespace of an `AdmissionPolicy`.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.metadata.namespace.as_deref().filter(|_| self.kind == "AdmissionPolicy")
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The name that the Kubewarden controller gives its webhook configuration.
    #[must_use]
    pub fn unique_name(&self) -> String {
        match self.namespace() {
            Some(namespace) => format!("namespaced-{namespace}-{}", self.name()),
            None => format!("clusterwide-{}", self.name()),
        }
    }

    /// Puts these keys over its settings.
    pub fn set(&mut self, settings: &Value) {
        let keys = settings.as_object().cloned().unwrap_or_default();
        self.spec.settings.extend(keys);
    }

    /// What the policy host needs.
    #[must_use]
    pub fn config(&self) -> PolicyConfig {
        PolicyConfig {
            name: self.name().to_owned(),
            settings: Value::Object(self.spec.settings.clone()),
            mutating: self.spec.mutating,
        }
    }
}
