//! Policies installed as Kubewarden does, asked by a real API server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "support/guests.rs"]
mod guests;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use hpa_override_testbed::{
    ControlPlane, HostOptions, Identity, Metrics, Module, Options, Policies, PolicyHost, api_for, apply_yaml,
    parse_yaml, wait_for, wait_until_active, wait_until_idle,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(30);

/// One policy on the config maps of one namespace: tests share a control plane and not their policies.
struct Shop {
    client: Client,
    maps: Api<ConfigMap>,
    policies: Policies,
    host: PolicyHost,
    name: &'static str,
}

impl Shop {
    async fn open(name: &'static str, guest: &[u8], spec: &str) -> Self {
        Self::open_with(name, guest, spec, HostOptions::default()).await
    }

    async fn open_with(name: &'static str, guest: &[u8], spec: &str, options: HostOptions) -> Self {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        let plane = SHARED.get_or_init(|| ControlPlane::start(&Options::default()).unwrap());
        let client = plane.client(&Identity::Admin).await.unwrap();
        let namespace =
            format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{shop: {name}}}}}");
        apply_yaml(&client, &namespace, "test", true).await.unwrap();
        let policies = Policies::parse(&policy(name, spec)).unwrap();
        let module = Module::from_bytes(guest).unwrap();
        let host = PolicyHost::start_with(module, policies.configs(), options).unwrap();
        policies.install(&client, &host).await.unwrap();
        let shop = Self { maps: Api::namespaced(client.clone(), name), client, policies, host, name };
        shop.wait_until_active().await;
        shop
    }

    async fn wait_until_active(&self) {
        wait_until_active(&self.host, self.name, LIMIT, async || drop(self.dry_run().await)).await.unwrap();
    }

    async fn dry_run(&self) -> kube::Result<ConfigMap> {
        self.maps.create(&PostParams { dry_run: true, ..PostParams::default() }, &map("probe")).await
    }

    /// Code and message of the refusal.
    async fn refusal(&self) -> (u16, String) {
        match self.dry_run().await.unwrap_err() {
            kube::Error::Api(status) => (status.code, status.message.clone()),
            other => panic!("not an answer of the API server: {other}"),
        }
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

fn map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"a": "1"}})).unwrap()
}

#[tokio::test]
async fn a_mutation_reaches_the_stored_object() {
    let mutated = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "2"},
                         "metadata": {"name": "probe", "namespace": "mutate"}});
    let guest = guests::answering(&json!({"accepted": true, "mutated_object": mutated}).to_string());
    let shop = Shop::open("mutate", &guest, "").await;
    let stored = shop.dry_run().await.unwrap();
    assert_eq!(stored.data.unwrap().into_iter().collect::<Vec<_>>(), [("a".to_owned(), "2".to_owned())]);
}

#[tokio::test]
async fn a_refusal_carries_message_and_code() {
    let guest = guests::answering(r#"{"accepted":false,"message":"not today","code":422}"#);
    let shop = Shop::open("refuse", &guest, "").await;
    let (code, message) = shop.refusal().await;
    let expected = r#"admission webhook "clusterwide-refuse.kubewarden.admission" denied the request: not today"#;
    assert_eq!((code, message.as_str()), (422, expected));
}

#[tokio::test]
async fn a_trap_refuses_even_where_failures_are_ignored() {
    let shop = Shop::open("trap", &guests::trapping(), "failurePolicy: Ignore").await;
    let (code, message) = shop.refusal().await;
    assert_eq!(code, 500);
    assert!(message.contains("denied the request: internal server error: Guest call failure"), "{message}");
}

#[test]
fn a_guest_that_does_not_start_is_not_served() {
    let policies = Policies::parse(&policy("start", "")).unwrap();
    let module = Module::from_bytes(&guests::trapping_at_start()).unwrap();
    let error = PolicyHost::start_with(module, policies.configs(), HostOptions::default()).unwrap_err();
    assert!(
        format!("{error:#}").starts_with("failed to start the policy start: the policy does not start"),
        "{error:#}"
    );
}

#[tokio::test]
async fn a_namespace_that_is_always_accepted_is_not_shown_to_the_policy() {
    let options = HostOptions { always_accept_namespace: Some("unseen".to_owned()), ..HostOptions::default() };
    let shop = Shop::open_with("unseen", &guests::trapping(), "", options).await;
    shop.dry_run().await.unwrap();
}

#[tokio::test]
async fn an_outage_is_judged_by_the_failure_policy_and_passes() {
    let ignoring = Shop::open("ignore", &guests::accepting(), "failurePolicy: Ignore").await;
    let failing = Shop::open("fail", &guests::accepting(), "failurePolicy: Fail").await;
    ignoring.host.stop();
    failing.host.stop();
    ignoring.dry_run().await.unwrap();
    let (code, message) = failing.refusal().await;
    assert_eq!(code, 500);
    assert!(message.contains("failed calling webhook \"clusterwide-fail.kubewarden.admission\""), "{message}");
    failing.host.start_again().unwrap();
    failing.dry_run().await.unwrap();
}

#[tokio::test]
async fn match_conditions_and_uninstalling_keep_the_policy_out_of_it() {
    let conditions = "matchConditions: [{name: a, expression: \"object.data.a == '1'\"}]";
    let shop = Shop::open("condition", &guests::accepting(), conditions).await;
    let calls = shop.host.calls("condition");
    let other: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "m"}, "data": {"a": "3"}})).unwrap();
    shop.maps.create(&PostParams { dry_run: true, ..PostParams::default() }, &other).await.unwrap();
    assert_eq!(shop.host.calls("condition"), calls);
    shop.policies.uninstall(&shop.client).await.unwrap();
    wait_until_idle(&shop.host, shop.name, LIMIT, async || drop(shop.dry_run().await)).await.unwrap();
}

#[tokio::test]
async fn a_match_condition_that_cannot_be_evaluated_shows_in_the_metrics() {
    let shop = Shop::open("broken", &guests::accepting(), "failurePolicy: Ignore").await;
    let mut broken = shop.policies.clone();
    let condition = "matchConditions: [{name: b, expression: \"object.data.missing == '1'\"}]\n  failurePolicy: Ignore";
    broken.policies = Policies::parse(&policy("broken", condition)).unwrap().policies;
    broken.install(&shop.client, &shop.host).await.unwrap();
    wait_for("an evaluation error in the metrics", LIMIT, async || {
        shop.dry_run().await?;
        let name = "apiserver_admission_match_condition_evaluation_errors_total";
        let errors =
            Metrics::read(&shop.client).await?.sum(name, &[("name", "clusterwide-broken.kubewarden.admission")]);
        anyhow::ensure!(errors >= 1.0, "{errors} errors");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_webhook_is_the_one_that_kubewarden_would_make() {
    let shop = Shop::open("shape", &guests::accepting(), "timeoutSeconds: 2").await;
    let yaml = "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration";
    let kind = parse_yaml(yaml).unwrap().remove(0);
    let stored = api_for(&shop.client, &kind).unwrap().get("clusterwide-shape").await.unwrap();
    let mut webhook = stored.data.pointer("/webhooks/0").unwrap().clone();
    webhook.as_object_mut().unwrap().remove("clientConfig").unwrap();
    let expected = json!({
        "name": "clusterwide-shape.kubewarden.admission",
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"],
                   "scope": "*"}],
        "failurePolicy": "Fail", "matchPolicy": "Equivalent", "reinvocationPolicy": "Never",
        "sideEffects": "None", "timeoutSeconds": 2, "admissionReviewVersions": ["v1"],
        "objectSelector": {},
        "namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kubewarden"]},
            {"key": "shop", "operator": "In", "values": ["shape"]},
        ]},
    });
    assert_eq!(webhook, expected);
}

#[test]
fn the_shipped_policies_can_be_followed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kubewarden");
    let configs = Policies::load(&folder).unwrap().configs();
    let names: Vec<_> = configs.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(names, ["hpa-override-guard", "hpa-override-merge"]);
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let refusal = |spec| format!("{:#}", Policies::parse(&policy("p", spec)).unwrap_err());
    assert_eq!(refusal("mode: monitor"), "failed to follow mode `monitor` of p");
    assert!(refusal("message: no").contains("unknown field `message`"), "{}", refusal("message: no"));
}
