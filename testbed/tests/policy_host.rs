//! Policies installed as Kubewarden does, asked by a real API server; those for one namespace among them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../src/guests.rs"]
mod guests;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use hpa_override_testbed::{
    ControlPlane, Identity, Module, Options, Policies, PolicyHost, api_for, apply_yaml, parse_yaml, wait_for,
    wait_until_active,
};
use kube::Client;
use kube::api::{DynamicObject, PostParams};

const LIMIT: Duration = Duration::from_secs(30);

fn plane() -> &'static ControlPlane {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    SHARED.get_or_init(|| ControlPlane::start(&Options::default()).unwrap())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn namespace(name: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{shop: {name}}}}}\n")
}

/// What would be stored, or code and message of the refusal.
async fn created(client: &Client, yaml: &str) -> Result<DynamicObject, (u16, String)> {
    let object = parse_yaml(yaml).unwrap().remove(0);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    match api_for(client, &object).unwrap().create(&dry_run, &object).await {
        Err(kube::Error::Api(status)) => Err((status.code, status.message.clone())),
        other => Ok(other.unwrap()),
    }
}

/// One policy on the config maps of one namespace: tests share a control plane and not their policies.
struct Shop {
    client: Client,
    host: PolicyHost,
    map: String,
}

impl Shop {
    async fn open(name: &str, guest: &[u8], spec: &str, always_accept: Option<&str>) -> Self {
        let client = plane().client(&Identity::Admin).await.unwrap();
        apply_yaml(&client, &namespace(name), "test", true).await.unwrap();
        let policies = Policies::parse(&policy(name, spec)).unwrap();
        let module = Module::from_bytes(guest).unwrap();
        let host = PolicyHost::start_with(module, policies.configs(), always_accept).unwrap();
        policies.install(&client, &host).await.unwrap();
        let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: probe, namespace: {name}}}");
        let shop = Self { client, host, map };
        wait_until_active(&shop.host, name, LIMIT, async || drop(shop.dry_run().await)).await.unwrap();
        shop
    }

    async fn dry_run(&self) -> Result<DynamicObject, (u16, String)> {
        created(&self.client, &self.map).await
    }
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "
apiVersion: policies.kubewarden.io/v1
kind: ClusterAdmissionPolicy
metadata: {{name: {name}}}
spec:
  module: registry://example.com/policy:v1
  mutating: true
  rules: [{{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}}]
  namespaceSelector: {{matchExpressions: [{{key: shop, operator: In, values: [{name}]}}]}}
  {spec}
"
    )
}

#[tokio::test]
async fn a_trap_refuses_even_where_failures_are_ignored() {
    let shop = Shop::open("trap", &guests::trapping(), "failurePolicy: Ignore", None).await;
    let (code, message) = shop.dry_run().await.unwrap_err();
    assert_eq!(code, 500);
    assert!(message.contains("denied the request: internal server error: Guest call failure"), "{message}");
}

#[tokio::test]
async fn a_namespace_that_is_always_accepted_is_not_shown_to_the_policy() {
    let shop = Shop::open("unseen", &guests::trapping(), "", Some("unseen")).await;
    shop.dry_run().await.unwrap();
}

#[tokio::test]
async fn a_match_condition_that_cannot_be_evaluated_shows_in_the_metrics() {
    let shop = Shop::open("broken", &guests::accepting(), "failurePolicy: Ignore", None).await;
    let condition = "matchConditions: [{name: b, expression: \"object.data.missing == '1'\"}]\n  failurePolicy: Ignore";
    let broken = Policies::parse(&policy("broken", condition)).unwrap();
    broken.install(&shop.client, &shop.host).await.unwrap();
    wait_for("an evaluation error in the metrics", LIMIT, async || {
        shop.dry_run().await.unwrap();
        let name = "apiserver_admission_match_condition_evaluation_errors_total";
        let errors = plane().metrics()?.sum(name, &[("name", "clusterwide-broken.kubewarden.admission")]);
        anyhow::ensure!(errors >= 1.0, "{errors} errors");
        Ok(())
    })
    .await
    .unwrap();
}

fn ovr(namespace: &str, priority: i32) -> String {
    format!(
        "apiVersion: hpa-override.dev/v1
kind: AutoscalerOverride
metadata: {{name: campaign, namespace: {namespace}}}
spec: {{hpa: web, maxReplicas: 20, duration: 1h, priority: {priority}}}
"
    )
}

/// An HPA that was copied with its record.
fn copy(namespace: &str) -> String {
    format!(
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: web, namespace: {namespace}, annotations: {{hpa-override.dev/record: '{{}}'}}}}
spec: {{minReplicas: 2, maxReplicas: 5, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}}}
"
    )
}

#[tokio::test]
async fn the_policies_for_one_namespace_decide_there_and_nowhere_else() {
    let client = plane().client(&Identity::Admin).await.unwrap();
    let crd = std::fs::read_to_string(root().join("crd/crd.yaml")).unwrap();
    let setup = [crd, namespace("shop"), namespace("market")].join("---\n");
    apply_yaml(&client, &setup, "test", true).await.unwrap();
    let policies = Policies::load(&root().join("deploy/kubewarden/namespaced")).unwrap();
    let module = Module::load(&root().join("dist/policy.wasm"))
        .unwrap_or_else(|error| panic!("no module: run `cargo xtask dist` first; {error:#}"));
    let host = PolicyHost::start(module, policies.configs()).unwrap();
    policies.install(&client, &host).await.unwrap();
    for (policy, probe) in [("hpa-override-guard", ovr("shop", 10)), ("hpa-override-merge", copy("shop"))] {
        wait_until_active(&host, policy, LIMIT, async || drop(created(&client, &probe).await)).await.unwrap();
    }
    let refusal = "admission webhook \"namespaced-shop-hpa-override-guard.kubewarden.admission\" denied the request: \
                   spec.priority: priority 1001 is above the 1000 allowed; lower it";
    assert_eq!(created(&client, &ovr("shop", 1001)).await.unwrap_err().1, refusal);
    created(&client, &ovr("market", 1001)).await.unwrap();
    let has = |object: &DynamicObject, annotation: &str| {
        object.metadata.annotations.iter().flatten().any(|(key, _)| key == annotation)
    };
    for (namespace, decided) in [("shop", true), ("market", false)] {
        let ovr = created(&client, &ovr(namespace, 10)).await.unwrap();
        assert_eq!(has(&ovr, "hpa-override.dev/requested-by"), decided, "{namespace}");
        let hpa = created(&client, &copy(namespace)).await.unwrap();
        assert_eq!(has(&hpa, "hpa-override.dev/record"), !decided, "{namespace}");
    }
}
