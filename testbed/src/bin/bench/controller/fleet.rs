//! The HPAs that everything is measured on: of about 3 kB, applied by a GitOps tool, with a status as the HPA controller
//! writes it.
//!
//! They live in twenty namespaces, so that twenty selector overrides cover them. All of a namespace scale one Deployment,
//! whose replicas are within the bounds of every override here: `Reached` comes true as it is read.

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::hpa::{Bounds, bounds, list, record, we_own_a_bound};
use kube::Client;
use serde_json::{Value, json};

use super::api::{self, Kind};
use super::concurrent::for_each;

/// As many as there are selector overrides.
pub(crate) const NAMESPACES: usize = 20;
/// What the owner wants.
pub(crate) const OWNER: Bounds = Bounds(2, 10);
/// Within the bounds of every override.
const REPLICAS: i64 = 20;
/// The scale target of all HPAs of a namespace.
const DEPLOYMENT: &str = "shop";
/// Who applies HPAs.
pub(crate) const GITOPS: &str = "argocd";
/// Who writes the status of HPAs.
pub(crate) const HPA_CONTROLLER: &str = "kube-controller-manager";

/// The name of a namespace.
pub(crate) fn namespace(number: usize) -> String {
    format!("bench-{:02}", number % NAMESPACES)
}

/// The name of an HPA.
pub(crate) fn name(number: usize) -> String {
    format!("checkout-{number:05}")
}

/// Makes the namespaces, the Deployments and so many HPAs. Returns the average size of an HPA as it is listed, in bytes.
pub(crate) async fn make(client: &Client, count: usize) -> Result<usize> {
    let shared = client.clone();
    for_each((0..NAMESPACES).collect(), move |number| make_namespace(shared.clone(), namespace(number))).await?;
    let shared = client.clone();
    for_each((0..count).collect(), move |number| make_hpa(shared.clone(), number)).await?;
    let made = api::list_all(client, Kind::Hpa).await?;
    ensure!(made.len() == count, "{} HPAs instead of {count}", made.len());
    Ok(made.iter().map(|hpa| hpa.to_string().len()).sum::<usize>() / count)
}

async fn make_namespace(client: Client, name: String) -> Result<()> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    api::create(&client, "/api/v1/namespaces", &namespace).await?;
    let labels = json!({"app": DEPLOYMENT});
    let container = json!({"name": "shop", "image": "shop"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": DEPLOYMENT, "namespace": name},
        "spec": {
            "replicas": REPLICAS, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    });
    api::create(&client, &Kind::Deployment.within(&name), &deployment).await?;
    let status = json!({"status": {"replicas": REPLICAS, "readyReplicas": REPLICAS}});
    let path = format!("{}/status", Kind::Deployment.of(&deployment));
    api::merge(&client, &path, HPA_CONTROLLER, &status).await.map(drop)
}

async fn make_hpa(client: Client, number: usize) -> Result<()> {
    let hpa = manifest(number);
    let path = Kind::Hpa.of(&hpa);
    api::apply(&client, &path, GITOPS, &hpa).await?;
    api::merge(&client, &format!("{path}/status"), HPA_CONTROLLER, &first_status()).await.map(drop)
}

fn manifest(number: usize) -> Value {
    let (name, namespace) = (name(number), namespace(number));
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": name, "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": name, "app.kubernetes.io/instance": format!("{name}-production"),
                "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/managed-by": "Helm",
                "helm.sh/chart": "checkout-4.12.3", "tier": "front", "team": format!("team-{}", number % 17),
            },
            "annotations": {
                "argocd.argoproj.io/tracking-id": format!("shop:autoscaling/HorizontalPodAutoscaler:{namespace}/{name}"),
                "shop.example/contact": "on-call@shop.example", "shop.example/cost-centre": "4711",
                "shop.example/runbook": format!("https://runbooks.shop.example/autoscaling/{name}"),
            },
        },
        "spec": {
            "minReplicas": OWNER.0, "maxReplicas": OWNER.1,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": DEPLOYMENT},
            "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
                {"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}}},
            ],
            "behavior": {"scaleDown": {
                "stabilizationWindowSeconds": 300, "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}],
            }},
        },
    })
}

fn first_status() -> Value {
    let condition = |kind: &str, is_true: bool, reason: &str, message: &str| {
        json!({
            "type": kind, "status": if is_true { "True" } else { "False" }, "reason": reason, "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let conditions = [
        condition("AbleToScale", true, "ReadyForNewScale", "recommended size matches current size"),
        condition(
            "ScalingActive",
            true,
            "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
        ),
        condition("ScalingLimited", false, "DesiredWithinRange", "the desired count is within the acceptable range"),
    ];
    let replicas = json!({"currentReplicas": 5, "desiredReplicas": 5, "conditions": conditions});
    let mut status = metrics(0);
    json_patch::merge(&mut status, &json!({ "status": replicas }));
    status
}

/// A status of an HPA that differs from the one before in what its metrics say, and in nothing that a plan reads.
pub(crate) fn metrics(round: usize) -> Value {
    let metric = |name: &str, used: usize| {
        let current = json!({"averageUtilization": used, "averageValue": format!("{used}m")});
        json!({"type": "Resource", "resource": {"name": name, "current": current}})
    };
    let metrics = [metric("cpu", 30 + round % 23), metric("memory", 40 + round % 29)];
    json!({"status": { "currentMetrics": metrics }})
}

/// What every HPA must be when a phase is over.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    /// As its owner wants it, with no trace of an override.
    Restored,
    /// With these bounds, by a record, and its fields owned by its owner.
    Overridden(Bounds),
}

/// Fails where an HPA is not as it is expected to be.
pub(crate) async fn verify(client: &Client, expected: Expected) -> Result<()> {
    let hpas = api::list_all(client, Kind::Hpa).await?;
    let wrong = hpas.iter().filter(|hpa| !is_as_expected(hpa, expected));
    let wrong: Vec<_> = wrong.collect();
    let Some(first) = wrong.first() else { return Ok(()) };
    let what = match expected {
        Expected::Restored => "restored without a trace".to_owned(),
        Expected::Overridden(bounds) => format!("overridden with {bounds}"),
    };
    Err(anyhow::anyhow!("{first}")).with_context(|| format!("{} HPAs are not {what}, the first", wrong.len()))
}

fn is_as_expected(hpa: &Value, expected: Expected) -> bool {
    let (wanted, has_record) = match expected {
        Expected::Restored => (OWNER, false),
        Expected::Overridden(bounds) => (bounds, true),
    };
    let is_ours = |entry: &Value| entry.get("manager") == Some(&json!("hpa-override"));
    let has_trace = list(hpa, "/metadata/managedFields").any(is_ours);
    let is_owned_back = if has_record { !we_own_a_bound(hpa) } else { !has_trace };
    bounds(hpa) == Some(wanted) && record(hpa).is_some() == has_record && is_owned_back
}
