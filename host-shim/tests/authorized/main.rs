//! A user without rights on a namespace cannot override its HPAs, whatever they try. Real RBAC, real access reviews,
//! `crossNamespace: Authorized` and `authorizeRequester`.
//!
//! mallory has every right on overrides and HPAs of one namespace, and none on the target's.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod setup;
#[path = "../support/mod.rs"]
mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{Identity, Options, World, api_for, wait_for};
use kube::{
    Client,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    config::KubeConfigOptions,
};
use serde_json::{Value, json};
use setup::*;
use support::*;

const MALLORY: &str = "mallory";
const STAMP: &str = "hpa-override.dev/requested-by";
/// Excluded from admission and listed in `unguardedNamespaces`.
const UNGUARDED: &str = "unguarded";
/// Excluded from admission but not listed.
const UNLISTED: &str = "unlisted";

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let settings = json!({
            "crossNamespace": "Authorized", "authorizeRequester": true, "unguardedNamespaces": [UNGUARDED],
        });
        world_on(Options::default().user(MALLORY, &["outsiders"]), true, settings)
    })
}

fn stamp(ovr: &Value) -> Value {
    serde_json::from_str(ovr["metadata"]["annotations"][STAMP].as_str().unwrap()).unwrap()
}

fn forged_stamp() -> Value {
    json!({STAMP: r#"{"user":"alice","groups":["system:masters"]}"#})
}

#[tokio::test]
async fn create() {
    let setup = Setup::new("create").await;
    assert_eq!(
        message(setup.mallory.try_create("attempt", setup.override_of_target(&json!({}))).await),
        setup.refusal()
    );
    setup.assert_untouched().await;
    // mallory may override an HPA of the namespace that mallory has the rights on.
    setup.own().apply("argocd", 2, 5, false).await.unwrap();
    setup.mallory.create("own", overridden(&json!({"duration": "1h"}))).await;
    let hpa = setup.own().wait_overridden(10, 20).await;
    assert_eq!(bounds(&hpa), (10, 20));
    assert_eq!(setup.own().wait_phase("own", "Active").await["requestedBy"], MALLORY);
}

#[tokio::test]
async fn create_with_generate_name() {
    let setup = Setup::new("generate-name").await;
    let create = async |spec: Value| {
        let mut object = serde_json::to_value(setup.mallory.new_override("x", &spec)).unwrap();
        object["metadata"] = json!({
            "generateName": "attempt-", "namespace": setup.mallory.name, "annotations": forged_stamp(),
        });
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        setup.mallory.overrides().create(&PostParams::default(), &object).await
    };
    assert_eq!(message(create(setup.override_of_target(&json!({}))).await), setup.refusal());
    let own = create(setup.override_of_target(&json!({"namespace": null}))).await.unwrap();
    assert_eq!(stamp(&serde_json::to_value(own).unwrap())["user"], MALLORY);
    setup.assert_untouched().await;
}

/// The target's owner has an override of it in mallory's namespace.
async fn with_foreign_override(test: &str) -> Setup {
    let setup = Setup::new(test).await;
    setup.own().create("foreign", setup.override_of_target(&json!({}))).await;
    setup.target.wait_overridden(10, 20).await;
    setup
}

impl Setup {
    async fn assert_foreign_unchanged(&self) {
        assert_eq!(bounds(&self.target.hpa().await), (10, 20));
        let foreign = self.own().override_("foreign").await;
        assert_eq!((&stamp(&foreign)["user"], &foreign["spec"]["maxReplicas"]), (&json!(ALICE), &json!(20)));
    }
}

#[tokio::test]
async fn update_of_a_foreign_override() {
    let setup = with_foreign_override("update").await;
    assert_eq!(message(setup.mallory.edit("foreign", json!({"maxReplicas": 99})).await), setup.refusal());
    let label = Patch::Merge(json!({"metadata": {"labels": {"seen": "yes"}, "annotations": forged_by(MALLORY)}}));
    setup.mallory.overrides().patch("foreign", &PatchParams::default(), &label).await.unwrap();
    let mut foreign = setup.own().override_("foreign").await;
    assert_eq!(foreign["metadata"]["labels"]["seen"], "yes");
    foreign["spec"]["duration"] = "2h".into();
    let foreign = serde_json::from_value(foreign).unwrap();
    let replaced = setup.mallory.overrides().replace("foreign", &PostParams::default(), &foreign).await;
    assert_eq!(message(replaced), setup.refusal());
    setup.assert_foreign_unchanged().await;
}

fn forged_by(user: &str) -> Value {
    json!({STAMP: format!(r#"{{"user":"{user}","groups":[]}}"#)})
}

#[tokio::test]
async fn apply_over_a_foreign_override() {
    let setup = with_foreign_override("apply").await;
    let object = setup.mallory.new_override("foreign", &setup.override_of_target(&json!({"maxReplicas": 99})));
    let params = PatchParams::apply("mallory").force();
    let applied = setup.mallory.overrides().patch("foreign", &params, &Patch::Apply(&object)).await;
    assert_eq!(message(applied), setup.refusal());
    setup.assert_foreign_unchanged().await;
}

#[tokio::test]
async fn a_forged_stamp_on_create_on_update_and_on_status() {
    let setup = Setup::new("stamp").await;
    let forged = |spec: &Value| {
        let mut object = setup.mallory.new_override("attempt", spec);
        object.metadata.annotations = serde_json::from_value(forged_stamp()).unwrap();
        object
    };
    let create = async |spec| setup.mallory.overrides().create(&PostParams::default(), &forged(&spec)).await;
    assert_eq!(message(create(setup.override_of_target(&json!({}))).await), setup.refusal());
    create(setup.override_of_target(&json!({"namespace": null}))).await.unwrap();
    let forge = Patch::Merge(json!({"metadata": {"annotations": forged_stamp()}}));
    let overrides = setup.mallory.overrides();
    overrides.patch("attempt", &PatchParams::default(), &forge).await.unwrap();
    overrides.patch_status("attempt", &PatchParams::default(), &forge).await.unwrap();
    let take_away = Patch::Merge(json!({"metadata": {"annotations": {STAMP: null}}}));
    overrides.patch("attempt", &PatchParams::default(), &take_away).await.unwrap();
    let stamped = json!({"user": MALLORY, "groups": ["outsiders", "system:authenticated"]});
    assert_eq!(stamp(&setup.mallory.override_("attempt").await), stamped);
    setup.assert_untouched().await;
}

/// A record for an HPA of mallory's that names an override of the target's namespace.
fn forged_record(setup: &Setup) -> String {
    let by = format!("{}/attempt", setup.target.name);
    json!({
        "v": 1, "asOf": at(now()), "desired": {"minReplicas": 50, "maxReplicas": 60},
        "effective": {"minReplicas": 10, "maxReplicas": 20}, "ours": {"minReplicas": [10], "maxReplicas": [20]},
        "layers": [{"by": by, "uid": "u", "mode": "Set", "minReplicas": 10, "maxReplicas": 20, "until": at(now() + 3600)}],
    })
    .to_string()
}

#[tokio::test]
async fn a_forged_record_on_ones_own_hpa() {
    let setup = Setup::new("record").await;
    let mut hpa = parse(&setup.mallory.manifest(10, 20));
    hpa.metadata.annotations =
        serde_json::from_value(json!({"hpa-override.dev/record": forged_record(&setup)})).unwrap();
    setup.mallory.hpas("v2").create(&PostParams::default(), &hpa).await.unwrap();
    let created = setup.own().hpa().await;
    assert_eq!((bounds(&created), record(&created)), ((50, 60), None), "the policy removes it");
    setup.assert_untouched().await;
}

/// The controller blocks an override that the guard did not review.
async fn assert_blocked(setup: &Setup, reason: &str, message: &str) {
    let status = setup.own().wait_phase("attempt", "Blocked").await;
    let ready = &status["conditions"][0];
    assert_eq!((&ready["reason"], &ready["message"]), (&json!(reason), &json!(message)));
    setup.assert_untouched().await;
}

/// Excludes both namespaces from the guard's webhook, as `namespaceSelector` or an older Kubewarden does.
async fn exclude_from_admission(setup: &Setup) {
    let name = world().guard().1;
    let yaml = format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {{name: {name}}}"
    );
    let webhooks = api_for(&setup.target.client, &parse(&yaml)).unwrap();
    let excluded = json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [UNGUARDED, UNLISTED]}]});
    let patch = json!([{"op": "add", "path": "/webhooks/0/namespaceSelector", "value": excluded}]);
    let patch = Patch::Json::<()>(serde_json::from_value(patch).unwrap());
    webhooks.patch(name, &PatchParams::default(), &patch).await.unwrap();
    // The API server applies it a moment later.
    let excluded = wait_for("the guard not to be asked", LIMIT, async || {
        let spec = json!({"hpa": "web", "minReplicas": 1, "schedule": {"cron": "@daily"}, "duration": "1h"});
        let nonsense = setup.mallory.new_override("nonsense", &spec);
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        setup.mallory.overrides().create(&dry_run, &nonsense).await?;
        Ok(())
    });
    excluded.await.unwrap();
}

async fn create_unreviewed(setup: &Setup, annotations: Value) {
    exclude_from_admission(setup).await;
    let mut object = setup.mallory.new_override("attempt", &setup.override_of_target(&json!({})));
    object.metadata.annotations = serde_json::from_value(annotations).unwrap();
    setup.mallory.overrides().create(&PostParams::default(), &object).await.unwrap();
}

#[tokio::test]
async fn an_override_in_an_unguarded_namespace() {
    let setup = Setup::with_namespace("unguarded", UNGUARDED).await;
    create_unreviewed(&setup, forged_stamp()).await;
    let message =
        "spec.namespace: namespace `unguarded` is excluded from admission, so overrides in it are never active";
    assert_blocked(&setup, "UnguardedNamespace", message).await;
}

#[tokio::test]
async fn without_a_stamp_nothing_starts() {
    let setup = Setup::with_namespace("no-stamp", UNLISTED).await;
    create_unreviewed(&setup, json!({})).await;
    let message = format!(
        "spec.hpa: the override does not name its requester, who must be allowed to patch HorizontalPodAutoscaler {}/web; \
         create it anew where the guard policy is installed, which writes hpa-override.dev/requested-by",
        setup.target.name
    );
    assert_blocked(&setup, "NotAuthorized", &message).await;
}

#[tokio::test]
async fn impersonation() {
    let setup = Setup::new("impersonate").await;
    let as_user = async |identity: &Identity, user: &str| {
        let mut kubeconfig = world().plane().kubeconfig(identity).unwrap();
        kubeconfig.auth_infos[0].auth_info.as_mut().unwrap().impersonate = Some(user.into());
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        config.proxy_url = None;
        setup.own().with_client(Client::try_from(config).unwrap())
    };
    let as_alice = as_user(&Identity::user(MALLORY), ALICE).await;
    let refused = message(as_alice.try_create("attempt", setup.override_of_target(&json!({}))).await);
    assert!(refused.contains("User \"mallory\" cannot impersonate"), "{refused}");
    // A user who may impersonate has the rights of the impersonated user, and no others.
    let as_mallory = as_user(&Identity::Admin, MALLORY).await;
    assert_eq!(message(as_mallory.try_create("attempt", setup.override_of_target(&json!({}))).await), setup.refusal());
    setup.assert_untouched().await;
}

#[tokio::test]
async fn a_selector_that_matches_more_than_the_requester_may_patch() {
    let setup = Setup::new("selector").await;
    allow(&setup.target.client, &setup.target.name, "web-alone", &right_to_patch("[web]")).await;
    let selector = setup.override_of_target(&json!({"hpa": null, "selector": {"matchLabels": {"app": "web"}}}));
    let refusal = format!(
        "spec.selector: `{MALLORY}` may not patch HorizontalPodAutoscalers in namespace `{}`, and so may not override it; \
         ask its owner",
        setup.target.name
    );
    assert_eq!(message(setup.mallory.try_create("attempt", selector).await), refusal);
    setup.assert_untouched().await;
    setup.mallory.try_create("by-name", setup.override_of_target(&json!({}))).await.unwrap();
    setup.target.wait_overridden(10, 20).await;
}

#[tokio::test]
async fn rights_revoked_between_admission_and_start() {
    let setup = Setup::new("revoked").await;
    let target = &setup.target.name;
    allow(&setup.target.client, target, "for-a-moment", &right_to_patch("[web]")).await;
    setup.mallory.try_create("attempt", setup.override_of_target(&json!({"startsAt": at(now() + 3)}))).await.unwrap();
    setup.own().wait_phase("attempt", "Pending").await;
    revoke(&setup, "for-a-moment").await;
    assert_blocked(&setup, "NotAuthorized", &setup.refusal()).await;
    allow(&setup.target.client, target, "for-good", &right_to_patch("[web]")).await;
    setup.target.wait_overridden(10, 20).await;
    // An active override goes on: the right was needed for its start.
    revoke(&setup, "for-good").await;
    setup.target.apply("argocd", 3, 8, true).await.unwrap();
    setup
        .target
        .wait_hpa("3-8 to be recorded", |hpa| {
            anyhow::ensure!(desired(hpa) == Some((3, 8)), "{hpa}");
            Ok(())
        })
        .await;
    assert_eq!(setup.own().wait_phase("attempt", "Active").await["requestedBy"], MALLORY);
    assert_eq!(bounds(&setup.target.hpa().await), (10, 20));
}

#[tokio::test]
async fn in_ones_own_namespace_too() {
    let setup = Setup::new("own-rights").await;
    let rules = "- {apiGroups: [hpa-override.dev], resources: ['*'], verbs: ['*']}";
    allow(&setup.target.client, &setup.target.name, "overrides-alone", rules).await;
    let inside = setup.target.with_client(setup.mallory.client.clone());
    let created = inside.try_create("attempt", setup.override_of_target(&json!({"namespace": null}))).await;
    assert_eq!(message(created), setup.refusal());
    setup.assert_untouched().await;
}
