//! Stands in for the Kubewarden controller: from the policies that are shipped to the webhooks that the API server knows.
//!
//! ```text
//!   deploy/kubewarden/*.yaml ──load──► `ClusterAdmissionPolicy` ──config──► PolicyHost
//!                                              └──install──► Mutating/ValidatingWebhookConfiguration ──► PolicyHost
//! ```
//!
//! Names, selectors and defaults are the controller's (its `policy_subreconciler_webhook.go`); only the address is the
//! policy host's instead of a Service's. What it does not follow (monitor mode, an unknown field) is an error and not
//! silently dropped.

mod manifest;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use self::manifest::ClusterAdmissionPolicy;
use crate::objects::api_for;
use crate::policy_host::{PolicyConfig, PolicyHost};
use crate::wait::wait_for;

/// Where Kubewarden is usually installed; policies leave it alone unless their spec says otherwise.
pub(crate) const KUBEWARDEN_NAMESPACE: &str = "kubewarden";

/// Answers of the webhook that must agree before it counts as switched on.
const STREAK: usize = 3;

/// A set of policies.
#[derive(Clone, Debug)]
pub struct Policies {
    policies: Vec<ClusterAdmissionPolicy>,
}

impl Policies {
    /// Reads all `*.yaml` files of a folder, in the order of their names.
    pub fn load(folder: &Path) -> Result<Self> {
        let entries = std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
        files.sort();
        let mut policies = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(&file).with_context(|| format!("failed to read {}", file.display()))?;
            policies.extend(Self::parse(&text).with_context(|| format!("failed to use {}", file.display()))?.policies);
        }
        ensure!(!policies.is_empty(), "failed to find a policy in {}", folder.display());
        Ok(Self { policies })
    }

    /// The policies in YAML text.
    pub fn parse(yaml: &str) -> Result<Self> {
        Ok(Self { policies: ClusterAdmissionPolicy::parse(yaml)? })
    }

    /// Puts these keys over the settings of the policy of that name.
    pub fn set(&mut self, policy: &str, settings: &Value) {
        for it in self.policies.iter_mut().filter(|it| it.name() == policy) {
            it.set(settings);
        }
    }

    /// What the policy host needs.
    #[must_use]
    pub fn configs(&self) -> Vec<PolicyConfig> {
        self.policies.iter().map(ClusterAdmissionPolicy::config).collect()
    }

    /// Creates or updates the webhook configuration of every policy. The API server calls them a moment later: see
    /// [`wait_until_active`].
    pub async fn install(&self, client: &kube::Client, host: &PolicyHost) -> Result<()> {
        let params = PatchParams::apply("kubewarden-controller").force();
        for policy in &self.policies {
            let configuration: DynamicObject = serde_json::from_value(configuration(policy, host))?;
            let api = api_for(client, &configuration)?;
            let done = api.patch(&policy.unique_name(), &params, &Patch::Apply(&configuration)).await;
            done.with_context(|| format!("failed to install the webhook of {}", policy.name()))?;
        }
        Ok(())
    }
}

/// The configuration that the Kubewarden controller would create for a policy.
fn configuration(policy: &ClusterAdmissionPolicy, host: &PolicyHost) -> Value {
    let mut webhook = policy.webhook();
    let (url, ca) = (format!("{}/validate/{}", host.url(), policy.name()), STANDARD.encode(host.ca_pem()));
    webhook.insert("clientConfig".into(), json!({"url": url, "caBundle": ca}));
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": if policy.config().mutating { "MutatingWebhookConfiguration" } else { "ValidatingWebhookConfiguration" },
        "metadata": {
            "name": policy.unique_name(),
            "labels": {"app.kubernetes.io/part-of": "kubewarden"},
            "annotations": {
                "kubewardenPolicyName": policy.name(),
                "kubewardenPolicyNamespace": policy.namespace().unwrap_or_default(),
            },
        },
        "webhooks": [webhook],
    })
}

/// Waits until the API server asks `policy` about every `probe`, a request that matches its rules and changes nothing
/// (a dry run). What the probe is answered does not matter.
pub async fn wait_until_active(
    host: &PolicyHost,
    policy: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut(),
) -> Result<()> {
    let mut streak = 0;
    wait_for(&format!("the API server to ask {policy}"), limit, async || {
        let before = host.calls(policy);
        probe().await;
        streak = if host.calls(policy) > before { streak + 1 } else { 0 };
        ensure!(streak >= STREAK, "{} calls so far", host.calls(policy));
        Ok(())
    })
    .await
}
