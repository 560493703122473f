//! The policies for one namespace, as they are shipped, on a real API server: they act there and nowhere else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use hpa_override_testbed::{
    ControlPlane, HostOptions, Identity, Module, Options, Policies, PolicyHost, api_for, apply_yaml, parse_yaml,
    wait_until_active,
};
use kube::Client;
use kube::api::{DynamicObject, PostParams};

const LIMIT: Duration = Duration::from_secs(30);
const NAMESPACES: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: market}
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn ovr(namespace: &str, min: i32) -> String {
    format!(
        "
apiVersion: hpa-override.dev/v1
kind: AutoscalerOverride
metadata: {{name: campaign, namespace: {namespace}}}
spec: {{hpa: web, minReplicas: {min}, maxReplicas: 20, duration: 1h}}
"
    )
}

/// An HPA that was copied with its record.
fn copy(namespace: &str) -> String {
    format!(
        "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: web, namespace: {namespace}, annotations: {{hpa-override.dev/record: '{{}}'}}}}
spec: {{minReplicas: 2, maxReplicas: 5, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}}}
"
    )
}

/// What would be stored.
async fn created(client: &Client, yaml: &str) -> Result<DynamicObject, String> {
    let object = parse_yaml(yaml).unwrap().remove(0);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    match api_for(client, &object).unwrap().create(&dry_run, &object).await {
        Err(kube::Error::Api(status)) => Err(status.message.clone()),
        other => Ok(other.unwrap()),
    }
}

fn has(object: &DynamicObject, annotation: &str) -> bool {
    object.metadata.annotations.iter().flatten().any(|(key, _)| key == annotation)
}

#[tokio::test]
async fn they_act_in_their_namespace_and_in_no_other() {
    let plane = ControlPlane::start(&Options::default()).unwrap();
    let client = plane.client(&Identity::Admin).await.unwrap();
    let crd = std::fs::read_to_string(root().join("crd/crd.yaml")).unwrap();
    apply_yaml(&client, &format!("{crd}---{NAMESPACES}"), "test", true).await.unwrap();
    let policies = Policies::load(&root().join("deploy/kubewarden/namespaced")).unwrap();
    let module = Module::load(&root().join("dist/policy.wasm"))
        .unwrap_or_else(|error| panic!("no module: run `cargo xtask dist` first; {error:#}"));
    let host = PolicyHost::start_with(module, policies.configs(), HostOptions::default()).unwrap();
    policies.install(&client, &host).await.unwrap();
    for (policy, probe) in [("hpa-override-guard", ovr("shop", 10)), ("hpa-override-merge", copy("shop"))] {
        wait_until_active(&host, policy, LIMIT, async || drop(created(&client, &probe).await)).await.unwrap();
    }
    let refusal = "admission webhook \"namespaced-shop-hpa-override-guard.kubewarden.admission\" denied the request: \
                   spec.minReplicas: minReplicas 30 is above maxReplicas 20; lower it or raise maxReplicas";
    assert_eq!(created(&client, &ovr("shop", 30)).await.unwrap_err(), refusal);
    for (namespace, acts) in [("shop", true), ("market", false)] {
        let ovr = created(&client, &ovr(namespace, 10)).await.unwrap();
        assert_eq!(has(&ovr, "hpa-override.dev/requested-by"), acts, "{namespace}");
        let hpa = created(&client, &copy(namespace)).await.unwrap();
        assert_eq!(has(&hpa, "hpa-override.dev/record"), !acts, "{namespace}");
    }
    created(&client, &ovr("market", 30)).await.unwrap();
}

/// Their CRD lacks what selects among the cluster's namespaces.
#[test]
fn a_policy_for_one_namespace_selects_none() {
    let policy = |spec: &str| {
        let policy =
            "apiVersion: policies.kubewarden.io/v1\nkind: AdmissionPolicy\nmetadata: {name: p, namespace: shop}";
        Policies::parse(&format!("{policy}\nspec: {{module: m, mutating: true, rules: [], {spec}}}"))
    };
    assert_eq!(policy("timeoutSeconds: 2").unwrap().configs().len(), 1);
    for spec in
        ["allowInsideAdmissionControllerNamespace: true", "namespaceSelector: {}", "contextAwareResources: [{}]"]
    {
        let error = policy(spec).unwrap_err().to_string();
        assert_eq!(error, "failed to follow p: an AdmissionPolicy has fields for the cluster", "{spec}");
    }
}
