//! Installing what is shipped on a control plane.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, Identity};
use crate::engine::Module;
use crate::kubewarden::{Policies, wait_until_active};
use crate::objects::{api_for, apply_yaml, parse_yaml};
use crate::policy_host::{Cluster, PolicyHost, RBAC};
use crate::ports::Port;
use crate::wait::wait_for;

/// Generous for a busy machine.
const LIMIT: Duration = Duration::from_mins(1);
/// What the shipped files are applied as.
const INSTALLER: &str = "installer";

/// Where shipped files are.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file that is shipped.
pub(super) fn shipped(path: &str) -> Result<String> {
    let path = root().join(path);
    std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
}

pub(super) async fn install(plane: &ControlPlane) -> Result<()> {
    let client = plane.client(&Identity::Admin).await?;
    apply_shipped(&client, "deploy/rbac/rbac.yaml").await?;
    install_crd(&client).await
}

async fn apply_shipped(client: &Client, file: &str) -> Result<()> {
    let applied = apply_yaml(client, &shipped(file)?, INSTALLER, true).await;
    applied.map(drop).with_context(|| format!("failed to apply {file}"))
}

/// Installs the CRD that is shipped, and waits until it is served.
pub(crate) async fn install_crd(client: &Client) -> Result<()> {
    apply_shipped(client, "crd/crd.yaml").await?;
    let overrides = api_for(client, &serde_json::from_value(guarded())?)?;
    wait_for("the CRD to be served", LIMIT, async || Ok(overrides.list(&ListParams::default()).await.map(drop)?)).await
}

/// The shipped policies with these settings; the merge policy needs none of the limits.
pub(super) fn serve_policies(plane: &ControlPlane, module: Module, settings: &Value) -> Result<(Policies, PolicyHost)> {
    let mut policies = Policies::load(&root().join("deploy/kubewarden"))?;
    policies.set(GUARD, settings);
    let module = module.with_host_calls(Arc::new(Cluster::new(plane)?));
    let host = PolicyHost::start(module, policies.configs())?;
    Ok((policies, host))
}

const GUARD: &str = "hpa-override-guard";
const MERGE: &str = "hpa-override-merge";

pub(super) async fn install_policies(plane: &ControlPlane, policies: &Policies, host: &PolicyHost) -> Result<()> {
    let client = plane.client(&Identity::Admin).await?;
    apply_yaml(&client, RBAC, INSTALLER, true).await.context("failed to give the policy server its rights")?;
    policies.install(&client, host).await?;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    for (policy, probe) in [(GUARD, guarded()), (MERGE, merged())] {
        let probe: DynamicObject = serde_json::from_value(probe).context("failed to make a probe")?;
        let api = api_for(&client, &probe)?;
        let ask = async || drop(api.create(&dry_run, &probe).await);
        wait_until_active(host, policy, LIMIT, ask).await?;
    }
    Ok(())
}

/// The shipped configurations, but that the webhook is not behind a Service: the API server cannot reach one here.
pub(super) async fn install_webhook(plane: &ControlPlane, port: &Port) -> Result<()> {
    let client = plane.client(&Identity::Admin).await?;
    apply_shipped(&client, "deploy/kustomize/webhook/certificate.yaml").await?;
    install_configurations(&client, port.number(), None).await
}

/// Installs the shipped configurations for a webhook on that port of this machine; `authorities` as PEM, where another than the
/// controller says whom to trust.
pub async fn install_configurations(client: &Client, port: u16, authorities: Option<&str>) -> Result<()> {
    for name in ["guard", "merge"] {
        let text = shipped(&format!("deploy/kustomize/webhook/{name}.yaml"))?;
        let mut configuration = parse_yaml(&text)?.pop().context("no configuration")?;
        let url = format!("https://127.0.0.1:{port}/admit");
        let reached = match authorities {
            Some(authorities) => json!({"url": url, "caBundle": STANDARD.encode(authorities)}),
            None => json!({"url": url}),
        };
        *configuration.data.pointer_mut("/webhooks/0/clientConfig").context("no clientConfig")? = reached;
        let params = PatchParams { force: true, ..PatchParams::apply(INSTALLER) };
        let api = api_for(client, &configuration)?;
        api.patch(&format!("hpa-override-{name}"), &params, &Patch::Apply(&configuration)).await?;
    }
    Ok(())
}

/// Waits until a webhook is asked: the guard writes a stamp, and the merge takes a record away from an HPA that is new. An API
/// server notices a configuration after a moment.
pub async fn wait_until_asked(client: &Client) -> Result<()> {
    let params = PostParams { dry_run: true, ..PostParams::default() };
    let asked = [(guarded(), "requested-by", true), (merged(), "record", false)];
    for (object, annotation, is_there) in asked {
        let object: DynamicObject = serde_json::from_value(object).context("failed to make a probe")?;
        wait_for("admission to be asked", LIMIT, async || {
            let made = match api_for(client, &object)?.create(&params, &object).await {
                // By its settings.
                Err(kube::Error::Api(status)) if status.message.contains(r#"hpa-override.dev" denied the request"#) => {
                    return Ok(());
                }
                made => made?,
            };
            let annotations = made.metadata.annotations.unwrap_or_default();
            let found = annotations.contains_key(&format!("hpa-override.dev/{annotation}"));
            ensure!(found == is_there, "the annotation {annotation} is there: {found}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// A request that the guard is asked about.
#[must_use]
pub fn guarded() -> Value {
    json!({
        "apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride",
        "metadata": {"name": "probe", "namespace": "default"}, "spec": {"hpa": "probe", "minReplicas": 1},
    })
}

/// A request that the merge policy is asked about.
#[must_use]
pub fn merged() -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": "probe", "namespace": "default", "annotations": {"hpa-override.dev/record": "none"},
        },
        "spec": {"maxReplicas": 1, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "probe"}},
    })
}
