//! A user without rights on a namespace cannot move its HPAs by an override, whatever he tries. Real RBAC, real
//! access reviews, `crossNamespace: Authorized` and `authorizeRequester`.
//!
//! mallory has every right on overrides and HPAs of his own namespace, and none on the bank's.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;
#[path = "../support/mod.rs"]
mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{Identity, Options, World, api_for, wait_for};
use kube::{
    Client,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    config::KubeConfigOptions,
};
use scene::*;
use serde_json::{Value, json};
use support::*;

const MALLORY: &str = "mallory";
const STAMP: &str = "hpa-override.dev/requested-by";
/// Excluded from admission, and named so in the settings.
const LAWLESS: &str = "lawless";
/// Excluded from admission, and forgotten in the settings.
const FORGOTTEN: &str = "forgotten";

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let settings = json!({
            "crossNamespace": "Authorized", "authorizeRequester": true, "unguardedNamespaces": [LAWLESS],
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
    let scene = Scene::of("create").await;
    assert_eq!(words(scene.mallory.try_create("raid", scene.raid(&json!({}))).await), scene.refusal());
    scene.assert_untouched().await;
    // What is his own he may.
    scene.own().apply("argocd", 2, 5, false).await.unwrap();
    scene.mallory.create("own", overridden(&json!({"duration": "1h"}))).await;
    let hpa = scene.own().wait_overridden(10, 20).await;
    assert_eq!(bounds(&hpa), (10, 20));
    assert_eq!(scene.own().wait_phase("own", "Active").await["requestedBy"], MALLORY);
}

#[tokio::test]
async fn create_with_generate_name() {
    let scene = Scene::of("generate-name").await;
    let create = async |spec: Value| {
        let mut object = serde_json::to_value(scene.mallory.new_override("x", &spec)).unwrap();
        object["metadata"] = json!({
            "generateName": "raid-", "namespace": scene.mallory.namespace, "annotations": forged_stamp(),
        });
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        scene.mallory.overrides().create(&PostParams::default(), &object).await
    };
    assert_eq!(words(create(scene.raid(&json!({}))).await), scene.refusal());
    let own = create(scene.raid(&json!({"namespace": null}))).await.unwrap();
    assert_eq!(stamp(&serde_json::to_value(own).unwrap())["user"], MALLORY);
    scene.assert_untouched().await;
}

/// The owner of the bank has an override of its HPA in mallory's namespace.
async fn somebody_elses(test: &str) -> Scene {
    let scene = Scene::of(test).await;
    scene.own().create("lent", scene.raid(&json!({}))).await;
    scene.bank.wait_overridden(10, 20).await;
    scene
}

impl Scene {
    async fn assert_still_lent(&self) {
        assert_eq!(bounds(&self.bank.hpa().await), (10, 20));
        let lent = self.own().override_("lent").await;
        assert_eq!((&stamp(&lent)["user"], &lent["spec"]["maxReplicas"]), (&json!(ALICE), &json!(20)));
    }
}

#[tokio::test]
async fn update_of_somebody_elses() {
    let scene = somebody_elses("update").await;
    assert_eq!(words(scene.mallory.edit("lent", json!({"maxReplicas": 99})).await), scene.refusal());
    let label = Patch::Merge(json!({"metadata": {"labels": {"seen": "yes"}, "annotations": forged_by(MALLORY)}}));
    scene.mallory.overrides().patch("lent", &PatchParams::default(), &label).await.unwrap();
    let mut lent = scene.own().override_("lent").await;
    assert_eq!(lent["metadata"]["labels"]["seen"], "yes");
    lent["spec"]["duration"] = "2h".into();
    let lent = serde_json::from_value(lent).unwrap();
    let replaced = scene.mallory.overrides().replace("lent", &PostParams::default(), &lent).await;
    assert_eq!(words(replaced), scene.refusal());
    scene.assert_still_lent().await;
}

fn forged_by(user: &str) -> Value {
    json!({STAMP: format!(r#"{{"user":"{user}","groups":[]}}"#)})
}

#[tokio::test]
async fn apply_over_somebody_elses() {
    let scene = somebody_elses("apply").await;
    let object = scene.mallory.new_override("lent", &scene.raid(&json!({"maxReplicas": 99})));
    let params = PatchParams::apply("mallory").force();
    let applied = scene.mallory.overrides().patch("lent", &params, &Patch::Apply(&object)).await;
    assert_eq!(words(applied), scene.refusal());
    scene.assert_still_lent().await;
}

#[tokio::test]
async fn a_forged_stamp_on_create_on_update_and_on_status() {
    let scene = Scene::of("stamp").await;
    let forged = |spec: &Value| {
        let mut object = scene.mallory.new_override("raid", spec);
        object.metadata.annotations = serde_json::from_value(forged_stamp()).unwrap();
        object
    };
    let create = async |spec| scene.mallory.overrides().create(&PostParams::default(), &forged(&spec)).await;
    assert_eq!(words(create(scene.raid(&json!({}))).await), scene.refusal());
    create(scene.raid(&json!({"namespace": null}))).await.unwrap();
    let forge = Patch::Merge(json!({"metadata": {"annotations": forged_stamp()}}));
    let overrides = scene.mallory.overrides();
    overrides.patch("raid", &PatchParams::default(), &forge).await.unwrap();
    overrides.patch_status("raid", &PatchParams::default(), &forge).await.unwrap();
    let take_away = Patch::Merge(json!({"metadata": {"annotations": {STAMP: null}}}));
    overrides.patch("raid", &PatchParams::default(), &take_away).await.unwrap();
    let stamped = json!({"user": MALLORY, "groups": ["outsiders", "system:authenticated"]});
    assert_eq!(stamp(&scene.mallory.override_("raid").await), stamped);
    scene.assert_untouched().await;
}

/// A record on mallory's own HPA that claims an override of the bank.
fn forged_record(scene: &Scene) -> String {
    let by = format!("{}/raid", scene.bank.namespace);
    json!({
        "v": 1, "asOf": at(now()), "desired": {"minReplicas": 50, "maxReplicas": 60},
        "effective": {"minReplicas": 10, "maxReplicas": 20}, "ours": {"minReplicas": [10], "maxReplicas": [20]},
        "layers": [{"by": by, "uid": "u", "mode": "Set", "minReplicas": 10, "maxReplicas": 20, "until": at(now() + 3600)}],
    })
    .to_string()
}

#[tokio::test]
async fn a_forged_record_on_his_own_hpa() {
    let scene = Scene::of("record").await;
    let mut hpa = parse(&scene.mallory.manifest(10, 20));
    hpa.metadata.annotations =
        serde_json::from_value(json!({"hpa-override.dev/record": forged_record(&scene)})).unwrap();
    scene.mallory.hpas("v2").create(&PostParams::default(), &hpa).await.unwrap();
    let created = scene.own().hpa().await;
    assert_eq!((bounds(&created), record(&created)), ((50, 60), None), "the policy takes it off");
    scene.assert_untouched().await;
}

/// What the controller makes of an override that nobody reviewed.
async fn is_blocked(scene: &Scene, reason: &str, message: &str) {
    let status = scene.own().wait_phase("raid", "Blocked").await;
    let ready = &status["conditions"][0];
    assert_eq!((&ready["reason"], &ready["message"]), (&json!(reason), &json!(message)));
    scene.assert_untouched().await;
}

/// Takes a namespace out of the guard's webhook, as `namespaceSelector` or an older Kubewarden does.
async fn exclude_from_admission(scene: &Scene) {
    let name = "clusterwide-hpa-override-guard";
    let yaml = format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {{name: {name}}}"
    );
    let webhooks = api_for(&scene.bank.client, &parse(&yaml)).unwrap();
    let excluded = json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [LAWLESS, FORGOTTEN]}]});
    let patch = json!([{"op": "add", "path": "/webhooks/0/namespaceSelector", "value": excluded}]);
    let patch = Patch::Json::<()>(serde_json::from_value(patch).unwrap());
    webhooks.patch(name, &PatchParams::default(), &patch).await.unwrap();
    // The API server hears of it a moment later.
    let unseen = wait_for("the guard not to be asked", LIMIT, async || {
        let nonsense = scene.mallory.new_override("nonsense", &json!({"hpa": "web"}));
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        scene.mallory.overrides().create(&dry_run, &nonsense).await?;
        Ok(())
    });
    unseen.await.unwrap();
}

async fn raid_unseen(scene: &Scene, annotations: Value) {
    exclude_from_admission(scene).await;
    let mut raid = scene.mallory.new_override("raid", &scene.raid(&json!({})));
    raid.metadata.annotations = serde_json::from_value(annotations).unwrap();
    scene.mallory.overrides().create(&PostParams::default(), &raid).await.unwrap();
}

#[tokio::test]
async fn an_override_in_an_unguarded_namespace() {
    let scene = Scene::with_own("unguarded", LAWLESS).await;
    raid_unseen(&scene, forged_stamp()).await;
    let message = "spec.namespace: namespace `lawless` is excluded from admission, so overrides in it do not act";
    is_blocked(&scene, "UnguardedNamespace", message).await;
}

#[tokio::test]
async fn without_a_stamp_nothing_starts() {
    let scene = Scene::with_own("no-stamp", FORGOTTEN).await;
    raid_unseen(&scene, json!({})).await;
    let message = format!(
        "spec.hpa: nobody is stamped on it as who asks to override HorizontalPodAutoscaler {}/web; create it anew where \
         the guard policy is installed, which writes hpa-override.dev/requested-by",
        scene.bank.namespace
    );
    is_blocked(&scene, "NotAuthorized", &message).await;
}

#[tokio::test]
async fn impersonation() {
    let scene = Scene::of("impersonate").await;
    let as_user = async |identity: &Identity, user: &str| {
        let mut kubeconfig = world().plane().kubeconfig(identity).unwrap();
        kubeconfig.auth_infos[0].auth_info.as_mut().unwrap().impersonate = Some(user.into());
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        config.proxy_url = None;
        scene.own().seen_by(Client::try_from(config).unwrap())
    };
    let as_alice = as_user(&Identity::user(MALLORY), ALICE).await;
    let refused = words(as_alice.try_create("raid", scene.raid(&json!({}))).await);
    assert!(refused.contains("User \"mallory\" cannot impersonate"), "{refused}");
    // Who may impersonate acts with the rights of whom he impersonates, and no others.
    let as_mallory = as_user(&Identity::Admin, MALLORY).await;
    assert_eq!(words(as_mallory.try_create("raid", scene.raid(&json!({}))).await), scene.refusal());
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_selector_that_matches_more_than_he_may_patch() {
    let scene = Scene::of("selector").await;
    allow(&scene.bank.client, &scene.bank.namespace, "web-alone", &right_to_patch("[web]")).await;
    let selector = scene.raid(&json!({"hpa": null, "selector": {"matchLabels": {"app": "web"}}}));
    let refusal = format!(
        "spec.selector: `{MALLORY}` may not patch HorizontalPodAutoscalers in namespace `{}`, and so may not override it; \
         ask its owner",
        scene.bank.namespace
    );
    assert_eq!(words(scene.mallory.try_create("raid", selector).await), refusal);
    scene.assert_untouched().await;
    scene.mallory.try_create("by-name", scene.raid(&json!({}))).await.unwrap();
    scene.bank.wait_overridden(10, 20).await;
}

#[tokio::test]
async fn rights_revoked_between_admission_and_start() {
    let scene = Scene::of("revoked").await;
    let bank = &scene.bank.namespace;
    allow(&scene.bank.client, bank, "for-a-moment", &right_to_patch("[web]")).await;
    scene.mallory.try_create("raid", scene.raid(&json!({"startsAt": at(now() + 3)}))).await.unwrap();
    scene.own().wait_phase("raid", "Pending").await;
    revoke(&scene, "for-a-moment").await;
    is_blocked(&scene, "NotAuthorized", &scene.refusal()).await;
    allow(&scene.bank.client, bank, "for-good", &right_to_patch("[web]")).await;
    scene.bank.wait_overridden(10, 20).await;
    // What acts is not cut off: this right was needed for the start.
    revoke(&scene, "for-good").await;
    scene.bank.apply("argocd", 3, 8, true).await.unwrap();
    scene
        .bank
        .wait_hpa("3–8 to be recorded", |hpa| {
            anyhow::ensure!(desired(hpa) == Some((3, 8)), "{hpa}");
            Ok(())
        })
        .await;
    assert_eq!(scene.own().wait_phase("raid", "Active").await["requestedBy"], MALLORY);
    assert_eq!(bounds(&scene.bank.hpa().await), (10, 20));
}

#[tokio::test]
async fn in_ones_own_namespace_too() {
    let scene = Scene::of("own-rights").await;
    let rules = "- {apiGroups: [hpa-override.dev], resources: ['*'], verbs: ['*']}";
    allow(&scene.bank.client, &scene.bank.namespace, "overrides-alone", rules).await;
    let inside = scene.bank.seen_by(scene.mallory.client.clone());
    let created = inside.try_create("raid", scene.raid(&json!({"namespace": null}))).await;
    assert_eq!(words(created), scene.refusal());
    scene.assert_untouched().await;
}
