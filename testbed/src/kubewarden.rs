//! Stands in for the Kubewarden controller: from the `ClusterAdmissionPolicies` that are shipped to the webhooks that the
//! API server knows.
//!
//! ```text
//!   deploy/kubewarden/*.yaml ──load──► `ClusterAdmissionPolicy` ──config──► PolicyHost
//!                                              └──install──► Mutating/ValidatingWebhookConfiguration ──► PolicyHost
//! ```
//!
//! Names, selectors and defaults are the controller's; only the address is the policy host's instead of a Service's. A
//! field that it does not follow (monitor mode, say) is an error and not silently dropped.

mod manifest;
mod webhook;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::Value;

pub use self::manifest::{ClusterAdmissionPolicy, PolicySpec};
use crate::policy_host::{PolicyConfig, PolicyHost};
use crate::wait::wait_for;

/// Where Kubewarden is usually installed; policies leave it alone unless told otherwise.
pub const KUBEWARDEN_NAMESPACE: &str = "kubewarden";

/// Answers of the webhook that must agree before it counts as switched on or off.
const STREAK: usize = 3;

/// A set of policies.
#[derive(Clone, Debug)]
pub struct Policies {
    /// The policies; settings may be changed before they are served.
    pub policies: Vec<ClusterAdmissionPolicy>,
}

impl Policies {
    /// Reads all `*.yaml` files of a folder, in the order of their names.
    ///
    /// # Errors
    /// When a file cannot be read, is no `ClusterAdmissionPolicy`, or uses what is not followed here.
    pub fn load(folder: &Path) -> Result<Self> {
        let entries = std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
        files.sort();
        let policies =
            files.iter().map(|file| ClusterAdmissionPolicy::read(file)).collect::<Result<Vec<_>>>()?.concat();
        ensure!(!policies.is_empty(), "failed to find a policy in {}", folder.display());
        Ok(Self { policies })
    }

    /// The policies in YAML text.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(yaml: &str) -> Result<Self> {
        Ok(Self { policies: ClusterAdmissionPolicy::parse(yaml)? })
    }

    /// Puts these keys over the settings of all policies, or of the one named.
    pub fn set(&mut self, policy: Option<&str>, settings: &Value) {
        for it in self.policies.iter_mut().filter(|it| policy.is_none_or(|name| name == it.name())) {
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
    ///
    /// # Errors
    /// When the API server refuses one, for example because of a match condition.
    pub async fn install(&self, client: &kube::Client, host: &PolicyHost) -> Result<()> {
        let params = PatchParams::apply("kubewarden-controller").force();
        for policy in &self.policies {
            let configuration = webhook::configuration(policy, host);
            let name = policy.unique_name();
            let done = api(client, policy).patch(&name, &params, &Patch::Apply(&configuration)).await;
            done.with_context(|| format!("failed to install the webhook of {}", policy.name()))?;
        }
        Ok(())
    }

    /// Deletes the webhook configurations; those that are not there are no error. The API server calls them for a
    /// moment longer: see [`wait_until_idle`].
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn uninstall(&self, client: &kube::Client) -> Result<()> {
        for policy in &self.policies {
            match api(client, policy).delete(&policy.unique_name(), &DeleteParams::default()).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                done => {
                    done.with_context(|| format!("failed to uninstall the webhook of {}", policy.name()))?;
                }
            }
        }
        Ok(())
    }
}

/// Waits until the API server asks `policy` about every `probe`, a request that matches its rules and changes nothing
/// (a dry run). What the probe is answered does not matter.
///
/// # Errors
/// When `limit` passes without that.
pub async fn wait_until_active(
    host: &PolicyHost,
    policy: &str,
    limit: Duration,
    probe: impl AsyncFnMut(),
) -> Result<()> {
    wait_for_streak(host, policy, limit, probe, true).await
}

/// Waits until the API server asks `policy` about no `probe` any more.
///
/// # Errors
/// When `limit` passes without that.
pub async fn wait_until_idle(host: &PolicyHost, policy: &str, limit: Duration, probe: impl AsyncFnMut()) -> Result<()> {
    wait_for_streak(host, policy, limit, probe, false).await
}

async fn wait_for_streak(
    host: &PolicyHost,
    policy: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut(),
    asked: bool,
) -> Result<()> {
    let what = format!("the API server to {} {policy}", if asked { "ask" } else { "stop asking" });
    let mut streak = 0;
    wait_for(&what, limit, async || {
        let before = host.calls(policy);
        probe().await;
        streak = if (host.calls(policy) > before) == asked { streak + 1 } else { 0 };
        ensure!(streak >= STREAK, "{} calls so far", host.calls(policy));
        Ok(())
    })
    .await
}

fn api(client: &kube::Client, policy: &ClusterAdmissionPolicy) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: "admissionregistration.k8s.io".to_owned(),
        version: "v1".to_owned(),
        api_version: "admissionregistration.k8s.io/v1".to_owned(),
        kind: webhook::kind(policy).to_owned(),
        plural: format!("{}s", webhook::kind(policy).to_lowercase()),
    };
    Api::all_with(client.clone(), &resource)
}
