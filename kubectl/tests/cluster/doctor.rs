//! `doctor` on installations that are broken by one change each: it finds that, names it, and finds nothing else.

use hpa_override_testbed::{Identity, api_for, apply_yaml, parse_yaml};
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::support::{Answers, Place, said, start};

const DEPLOYMENT: &str = include_str!("../../../deploy/kustomize/base/controller.yaml");
const PAST: &str = "2026-01-01T00:00:00Z";
const FUTURE: &str = "2100-01-01T00:00:00.000000Z";

/// An installation that looks healthy: what a cluster with a kubelet would have is written by hand, and no controller runs that
/// would mend what the test breaks.
struct Installation {
    place: Place,
    client: Client,
}

impl Installation {
    async fn new() -> Self {
        let world = Box::leak(Box::new(start(Answers::Policies)));
        world.kill_controller().unwrap();
        let place = Place::new(world, "clinic").await;
        let client = world.plane().client(&Identity::Admin).await.unwrap();
        let settings = "apiVersion: v1
kind: ConfigMap
metadata: {name: hpa-override-settings, namespace: hpa-override}
data: {settings.yaml: 'replicaCeiling: 500'}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: hpa-override, namespace: hpa-override}
";
        let version = format!(":v{}\n", env!("CARGO_PKG_VERSION"));
        assert!(DEPLOYMENT.contains(&version), "the manifest names this version");
        let deployment = DEPLOYMENT.split("\n---\n").next().unwrap();
        apply_yaml(&client, &format!("{settings}---\n{deployment}"), "test", true).await.unwrap();
        let installation = Self { place, client };
        installation
            .patch(LEASE, &json!({"spec": {"holderIdentity": "a", "renewTime": FUTURE, "leaseDurationSeconds": 15}}))
            .await;
        let ready = json!({"status": {"replicas": 2, "readyReplicas": 2}});
        let api = installation.api(CONTROLLER);
        api.patch_status("hpa-override-controller", &PatchParams::default(), &Patch::Merge(&ready)).await.unwrap();
        installation
    }

    fn api(&self, object: Object) -> Api<DynamicObject> {
        let Object { version, kind, namespace, name } = object;
        let namespace = namespace.map(|namespace| format!(", namespace: {namespace}")).unwrap_or_default();
        let yaml = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}{namespace}}}\n");
        api_for(&self.client, &parse_yaml(&yaml).unwrap()[0]).unwrap()
    }

    async fn get(&self, object: Object) -> DynamicObject {
        self.api(object).get(object.name).await.unwrap()
    }

    async fn patch(&self, object: Object, patch: &Value) {
        self.api(object).patch(object.name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// What doctor finds wrong, as the admin.
    fn findings(&self) -> Vec<String> {
        let said = said(self.place.command("admin", &["doctor", "-o", "json"]).output().unwrap());
        let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
        let wrong: Vec<&Value> =
            report["findings"].as_array().unwrap().iter().filter(|finding| finding["level"] != "note").collect();
        assert_eq!((said.code, &report["healthy"]), (i32::from(!wrong.is_empty()), &json!(wrong.is_empty())));
        wrong
            .iter()
            .map(|finding| {
                format!(
                    "{}: {}: {}",
                    finding["level"].as_str().unwrap(),
                    finding["check"].as_str().unwrap(),
                    finding["message"].as_str().unwrap()
                )
            })
            .collect()
    }

    /// One change, what it is found by, and back.
    async fn broken(&self, object: Object, patch: Value, expected: &str) {
        let before = self.get(object).await;
        self.patch(object, &patch).await;
        assert_found(&self.findings(), expected);
        let mut back = before.clone();
        back.metadata.resource_version = self.get(object).await.metadata.resource_version;
        self.api(object).replace(object.name, &PostParams::default(), &back).await.unwrap();
    }
}

fn assert_found(findings: &[String], expected: &str) {
    assert!(findings.len() == 1 && findings[0].contains(expected), "expected {expected}, found {findings:#?}");
}

#[derive(Clone, Copy)]
struct Object {
    version: &'static str,
    kind: &'static str,
    namespace: Option<&'static str>,
    name: &'static str,
}

const fn cluster(version: &'static str, kind: &'static str, name: &'static str) -> Object {
    Object { version, kind, namespace: None, name }
}

const fn object(version: &'static str, kind: &'static str, namespace: &'static str, name: &'static str) -> Object {
    Object { version, kind, namespace: Some(namespace), name }
}

const WEBHOOKS: &str = "admissionregistration.k8s.io/v1";
const GUARD: Object = cluster(WEBHOOKS, "MutatingWebhookConfiguration", "clusterwide-hpa-override-guard");
const MERGE: Object = cluster(WEBHOOKS, "MutatingWebhookConfiguration", "clusterwide-hpa-override-merge");
const ROLE: Object = cluster("rbac.authorization.k8s.io/v1", "ClusterRole", "hpa-override-controller");
const LEASE: Object = object("coordination.k8s.io/v1", "Lease", "hpa-override", "hpa-override");
const CONTROLLER: Object = object("apps/v1", "Deployment", "hpa-override", "hpa-override-controller");
const SETTINGS: Object = object("v1", "ConfigMap", "hpa-override", "hpa-override-settings");
const WEB: Object = object("autoscaling/v2", "HorizontalPodAutoscaler", "clinic", "web");

fn webhook(webhooks: &DynamicObject, change: &Value) -> Value {
    let mut webhook = webhooks.data["webhooks"][0].clone();
    for (key, value) in change.as_object().unwrap() {
        webhook[key] = value.clone();
    }
    json!({"webhooks": [webhook]})
}

fn record(by: &str, until: &str) -> String {
    json!({"v": 1, "asOf": PAST, "desired": {"minReplicas": 2, "maxReplicas": 5}, "effective": {"minReplicas": 2, "maxReplicas": 5},
           "layers": [{"by": by, "uid": "u", "mode": "Set", "minReplicas": 2, "maxReplicas": 5, "until": until}]})
    .to_string()
}

#[tokio::test]
async fn one_change_each() {
    let it = Installation::new().await;
    assert_eq!(it.findings(), [""; 0], "nothing is wrong to begin with");

    let (guard, merge) = (it.get(GUARD).await, it.get(MERGE).await);
    it.broken(
        GUARD,
        webhook(&guard, &json!({"failurePolicy": "Ignore"})),
        "its failurePolicy is Ignore, shipped is Fail",
    )
    .await;
    it.broken(
        MERGE,
        webhook(&merge, &json!({"matchConditions": []})),
        "its matchConditions are not as shipped: carries-a-record",
    )
    .await;
    let unlabelled = json!({"matchExpressions": [{"key": "control-plane", "operator": "DoesNotExist"}]});
    it.broken(GUARD, webhook(&guard, &json!({"namespaceSelector": unlabelled})), "its namespaceSelector leaves out")
        .await;
    let url = merge.data["webhooks"][0]["clientConfig"]["url"].as_str().unwrap();
    it.broken(
        MERGE,
        webhook(&merge, &json!({"clientConfig": {"url": url}})),
        "there is no certificate in its caBundle",
    )
    .await;
    let mut nowhere = guard.data["webhooks"][0]["clientConfig"].clone();
    nowhere["url"] = json!("https://127.0.0.1:1/validate");
    it.broken(GUARD, webhook(&guard, &json!({"clientConfig": nowhere})), "the guard does not answer").await;

    it.api(MERGE).delete(MERGE.name, &DeleteParams::default()).await.unwrap();
    assert_found(&it.findings(), "Kubewarden has no merge admission");
    let again = |object: &DynamicObject, name: &str| {
        let mut object = object.clone();
        object.metadata = kube::api::ObjectMeta { name: Some(name.into()), ..kube::api::ObjectMeta::default() };
        object
    };
    it.api(MERGE).create(&PostParams::default(), &again(&merge, MERGE.name)).await.unwrap();

    for (found, name) in [(&guard, "hpa-override-guard"), (&merge, "hpa-override-merge")] {
        it.api(GUARD).create(&PostParams::default(), &again(found, name)).await.unwrap();
    }
    assert_found(&it.findings(), "are both there: releases have no effect");
    for name in ["hpa-override-guard", "hpa-override-merge"] {
        it.api(GUARD).delete(name, &DeleteParams::default()).await.unwrap();
    }

    it.broken(
        LEASE,
        json!({"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}),
        "nobody leads: Lease hpa-override/hpa-override: a has not renewed it",
    )
    .await;
    it.broken(LEASE, json!({"spec": {"holderIdentity": null}}), "nobody holds it").await;
    it.broken(SETTINGS, json!({"data": {"settings.yaml": "replicaCeling: 500"}}), "are not valid: replicaCeling").await;
    it.broken(SETTINGS, json!({"data": {"settings.yaml": null, "other": "a"}}), "has no `settings.yaml`").await;
    let status = |ready: i64| json!({"status": {"readyReplicas": ready, "replicas": 2}});
    let deployments = it.api(CONTROLLER);
    deployments.patch_status(CONTROLLER.name, &PatchParams::default(), &Patch::Merge(&status(1))).await.unwrap();
    assert_found(&it.findings(), "1 of 2 replicas are ready");
    deployments.patch_status(CONTROLLER.name, &PatchParams::default(), &Patch::Merge(&status(2))).await.unwrap();

    let mut rules = it.get(ROLE).await.data["rules"].clone();
    rules.as_array_mut().unwrap().retain(|rule| rule["resources"][0] != "autoscaleroverrides/status");
    it.broken(ROLE, json!({ "rules": rules }), "may not patch autoscaleroverrides/status").await;

    hpas_and_overrides(&it).await;

    let crds = cluster("apiextensions.k8s.io/v1", "CustomResourceDefinition", "autoscaleroverrides.hpa-override.dev");
    let mut versions = it.get(crds).await.data["spec"]["versions"].clone();
    let properties = &mut versions[0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    properties.as_object_mut().unwrap().remove("reason");
    it.broken(crds, json!({"spec": {"versions": versions}}), "it lacks spec.reason").await;
    assert_eq!(it.findings(), [""; 0], "all is as before");
}

/// Records and statuses.
async fn hpas_and_overrides(it: &Installation) {
    let annotated = |text: String| json!({"metadata": {"annotations": {"hpa-override.dev/record": text}}});
    // As the controller, whose writes of a record stand.
    let controller = it
        .place
        .world
        .plane()
        .client(&Identity::service_account("hpa-override", "hpa-override-controller"))
        .await
        .unwrap();
    let hpas = api_for(&controller, &it.get(WEB).await).unwrap();
    let unreadable = "its record cannot be read";
    let late = record("clinic/a", "2026-01-02T00:00:00Z");
    let orphan = record("clinic/gone", "2100-01-01T00:00:00Z");
    for (text, expected) in [
        ("{}".to_owned(), unreadable),
        (late, "nobody looks after it"),
        (orphan, "names overrides that are not there: clinic/gone"),
    ] {
        hpas.patch("web", &PatchParams::default(), &Patch::Merge(&annotated(text))).await.unwrap();
        assert_found(&it.findings(), expected);
    }
    hpas.patch("web", &PatchParams::default(), &Patch::Merge(&json!({"metadata": {"annotations": null}})))
        .await
        .unwrap();

    it.place.ok(&["set", "web", "--min", "10", "--for", "1h", "--name", "a"]);
    let overrides = it.place.api("hpa-override.dev/v1", "AutoscalerOverride");
    let condition = |status: &str, reason: &str| json!([{"type": "Ready", "status": status, "reason": reason, "message": "m", "lastTransitionTime": PAST}]);
    let contested = json!({"status": {"phase": "Active", "conditions": condition("False", "Contested")}});
    let overdue = json!({"status": {"phase": "Active", "endsAt": PAST, "conditions": condition("True", "Applied")}});
    for (status, expected) in
        [(contested, "warning: override: clinic/a: Contested: m"), (overdue, "it should have ended")]
    {
        overrides.patch_status("a", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
        assert_found(&it.findings(), expected);
    }
    overrides.delete("a", &DeleteParams::default()).await.unwrap();
}
