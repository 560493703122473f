//! The control plane is real: it authorizes, scales, remembers and can be stopped.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::{ControlPlane, Identity, Metrics, Options, apply_yaml, wait_for};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(30);

fn control_plane() -> &'static ControlPlane {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    SHARED.get_or_init(|| {
        let options = Options::with_controllers().user("alice", &["devs"]).user("nobody", &[]);
        ControlPlane::start(&options).unwrap()
    })
}

async fn client(identity: &Identity) -> kube::Client {
    control_plane().client(identity).await.unwrap()
}

fn status_code<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> u16 {
    match result.unwrap_err() {
        kube::Error::Api(status) => status.code,
        other => panic!("not an answer of the API server: {other}"),
    }
}

#[tokio::test]
async fn the_admin_may_list_namespaces() {
    let namespaces: Api<Namespace> = Api::all(client(&Identity::Admin).await);
    assert!(namespaces.get_opt("default").await.unwrap().is_some());
}

#[tokio::test]
async fn a_user_without_rights_is_refused() {
    let maps: Api<ConfigMap> = Api::namespaced(client(&Identity::user("nobody")).await, "default");
    assert_eq!(status_code(maps.list(&ListParams::default()).await), 403);
}

#[tokio::test]
async fn a_group_of_a_user_carries_rights() {
    let yaml = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: devs, namespace: default}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: devs, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: devs}
subjects: [{kind: Group, name: devs, apiGroup: rbac.authorization.k8s.io}]
";
    apply_yaml(&client(&Identity::Admin).await, yaml, "test", true).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client(&Identity::user("alice")).await, "default");
    wait_for("alice to list config maps", LIMIT, async || Ok(maps.list(&ListParams::default()).await?)).await.unwrap();
}

#[tokio::test]
async fn a_service_account_has_its_own_rights_and_no_others() {
    let yaml = "
apiVersion: v1
kind: Namespace
metadata: {name: robots}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: robots}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: robots}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: robot, namespace: robots}]
";
    apply_yaml(&client(&Identity::Admin).await, yaml, "test", true).await.unwrap();
    let robot = client(&Identity::service_account("robots", "robot")).await;
    let own: Api<ConfigMap> = Api::namespaced(robot.clone(), "robots");
    wait_for("the robot to list", LIMIT, async || Ok(own.list(&ListParams::default()).await?)).await.unwrap();
    let other: Api<ConfigMap> = Api::namespaced(robot, "default");
    assert_eq!(status_code(other.list(&ListParams::default()).await), 403);
}

const WEB: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, resources: {requests: {cpu: 100m}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  minReplicas: 1
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
";

#[tokio::test]
async fn the_hpa_controller_scales_to_a_raised_minimum() {
    let admin = client(&Identity::Admin).await;
    apply_yaml(&admin, WEB, "gitops", true).await.unwrap();
    let raised = WEB.replace("minReplicas: 1", "minReplicas: 4");
    apply_yaml(&admin, &raised, "gitops", true).await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(admin, "shop");
    wait_for("the Deployment to have 4 replicas", LIMIT, async || {
        let replicas = deployments.get("web").await?.spec.and_then(|spec| spec.replicas);
        ensure!(replicas == Some(4), "it has {replicas:?}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_audit_log_counts_what_a_user_wrote() {
    let robot = Identity::service_account("audited", "admin-like");
    let yaml = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: audited}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: admin-like, namespace: audited}]
";
    apply_yaml(&client(&Identity::Admin).await, yaml, "test", true).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client(&robot).await, "default");
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "audited"}})).unwrap();
    wait_for("the robot to write", LIMIT, async || Ok(maps.create(&PostParams::default(), &map).await?)).await.unwrap();

    let audit = control_plane().audit().from_now().unwrap();
    let patch = Patch::Merge(json!({"data": {"a": "b"}}));
    maps.patch("audited", &PatchParams::default().dry_run(), &patch).await.unwrap();
    maps.patch("audited", &PatchParams::default(), &patch).await.unwrap();
    let done = audit
        .wait_for("the patch in the audit log", LIMIT, |event| {
            event.user == robot.username() && event.verb == "patch" && !event.is_dry_run()
        })
        .await
        .unwrap();
    assert!(done.is_about("configmaps", "default", "audited") && done.code == 200);
    assert_eq!(done.authenticated_user, "admin");
    assert!(done.completed >= done.received);
    assert_eq!(audit.writes_by(&robot.username()).unwrap().len(), 2);
}

#[tokio::test]
async fn the_metrics_count_requests() {
    let admin = client(&Identity::Admin).await;
    let namespaces: Api<Namespace> = Api::all(admin.clone());
    let count = async || {
        let metrics = Metrics::read(&admin).await.unwrap();
        metrics.sum("apiserver_request_total", &[("resource", "namespaces"), ("verb", "GET")])
    };
    let before = count().await;
    namespaces.get("default").await.unwrap();
    assert!(count().await > before);
}

#[tokio::test]
async fn kubectl_acts_as_the_identity() {
    let output = |identity: Identity| {
        let mut kubectl = control_plane().kubectl(&identity).unwrap();
        kubectl.args(["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]).output().unwrap()
    };
    for identity in [Identity::Admin, Identity::user("alice"), Identity::service_account("shop", "robot")] {
        let output = output(identity.clone());
        assert_eq!(String::from_utf8_lossy(&output.stdout), identity.username(), "{output:?}");
    }
}

#[tokio::test]
async fn an_unknown_user_is_an_error_that_says_what_to_do() {
    let error = control_plane().kubeconfig(&Identity::user("bob")).unwrap_err();
    assert_eq!(error.to_string(), "failed to act as `bob`: name that user in Options::users");
}

/// A control plane of its own beside the shared one, which also shows that two at once do not clash.
#[tokio::test]
async fn a_stopped_api_server_comes_back_with_its_data() {
    control_plane();
    let own = ControlPlane::start(&Options::default()).unwrap();
    assert_ne!(own.url(), control_plane().url());
    let maps: Api<ConfigMap> = Api::namespaced(own.client(&Identity::Admin).await.unwrap(), "default");
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "kept"}})).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();

    own.stop_api_server().unwrap();
    maps.get("kept").await.unwrap_err();
    own.start_api_server().unwrap();
    assert!(maps.get_opt("kept").await.unwrap().is_some());
    assert_eq!(own.audit().writes_by("admin").unwrap().len(), 1, "the log goes on over a restart");
}

#[tokio::test]
async fn a_wait_in_vain_says_what_was_seen() {
    let limit = Duration::from_millis(60);
    let never: Result<()> = wait_for("pigs to fly", limit, async || None.context("they walk")).await;
    assert_eq!(format!("{:#}", never.unwrap_err()), "waited 60ms for pigs to fly in vain; last seen: they walk");
}
