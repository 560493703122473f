//! The whole of it on a real API server: both policies run the real module, the controller acts as its own service
//! account.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{World, parse_yaml};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::{owner::Way, *};

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world(true, json!({})))
}

fn version(hpa: &Value) -> &str {
    hpa["metadata"]["resourceVersion"].as_str().unwrap()
}

#[tokio::test]
async fn one_write_applies_and_two_end() {
    let shop = Shop::open(world(), "writes").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    let audit = world().plane().audit().from_now().unwrap();
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    let during = shop.wait_overridden(10, 20).await;
    assert_eq!(ownership(&during), ownership(&before), "ownership is given back within the write");
    shop.wait_phase("ovr", "Active").await;
    assert_eq!(shop.controller_writes(&audit).len(), 1);
    shop.delete("ovr").await;
    let after = shop.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before));
    assert_eq!(shop.controller_writes(&audit).len(), 3);
}

async fn unchanged_writes_change_nothing(way: Way) {
    let shop = Shop::open(world(), &format!("same-{way:?}").to_lowercase()).await;
    let before = shop.begin(way, 2, 5).await;
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(10, 20).await;
    let first = shop.write(way, 2, 5).await;
    let second = shop.write(way, 2, 5).await;
    for hpa in [&first, &second] {
        assert_eq!((bounds(hpa), desired(hpa)), ((10, 20), Some((2, 5))), "{way:?}");
        assert!(!we_own_a_bound(hpa), "{hpa}");
    }
    assert_eq!(version(&first), version(&second), "{way:?}");
    shop.delete("ovr").await;
    let after = shop.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before), "{way:?}");
}

async fn changed_numbers_are_recorded_and_come_back(way: Way) {
    let shop = Shop::open(world(), &format!("new-{way:?}").to_lowercase()).await;
    shop.begin(way, 2, 5).await;
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(10, 20).await;
    let during = shop.write(way, 3, 8).await;
    assert_eq!((bounds(&during), desired(&during)), ((10, 20), Some((3, 8))), "{way:?}");
    shop.delete("ovr").await;
    let after = shop.wait_traceless(3, 8).await;
    let again = shop.write(way, 4, 9).await;
    assert_eq!(bounds(&again), (4, 9), "{way:?}");
    assert_eq!(ownership(&again), ownership(&after), "{way:?}");
}

macro_rules! every_way {
    ($($name:ident: $way:expr;)*) => {
        mod every_way {
            use super::*;
            $(
                mod $name {
                    use super::*;

                    #[tokio::test]
                    async fn unchanged_writes_change_nothing() {
                        super::super::unchanged_writes_change_nothing($way).await;
                    }

                    #[tokio::test]
                    async fn changed_numbers_are_recorded_and_come_back() {
                        super::super::changed_numbers_are_recorded_and_come_back($way).await;
                    }
                }
            )*
        }
    };
}

every_way! {
    unforced_apply: Way::Apply;
    forced_apply: Way::ForcedApply;
    kubectl_apply: Way::KubectlApply;
    kubectl_replace: Way::KubectlReplace;
    v1_client: Way::V1Update;
    merge_patch: Way::MergePatch;
    json_patch: Way::JsonPatch;
}

#[tokio::test]
async fn two_co_owners_get_their_fields_back() {
    let shop = Shop::open(world(), "co-owners").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.apply("flux", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    let during = shop.wait_overridden(10, 20).await;
    assert_eq!(ownership(&during), ownership(&before));
    shop.delete("ovr").await;
    let after = shop.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before));
    let refused = shop.apply("argocd", 3, 9, false).await.unwrap_err();
    assert!(format!("{refused:#}").contains("conflicts with \"flux\""), "as without an override: {refused:#}");
}

#[tokio::test]
async fn a_removed_min_becomes_what_the_owner_wants() {
    let shop = Shop::open(world(), "removed-min").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(10, 20).await;
    let manifest = shop.manifest(2, 5).replace("  minReplicas: 2\n", "");
    hpa_override_testbed::apply_yaml(&shop.client, &manifest, "argocd", false).await.unwrap();
    let hpa = shop.hpa().await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((1, 5))));
}

#[tokio::test]
async fn a_declared_number_equal_to_ours_becomes_what_the_owner_wants() {
    let shop = Shop::open(world(), "declared").await;
    shop.begin(Way::KubectlApply, 2, 5).await;
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(10, 20).await;
    let hpa = shop.write(Way::KubectlApply, 10, 20).await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((10, 20))));
    shop.delete("ovr").await;
    shop.wait_traceless(10, 20).await;
}

#[tokio::test]
async fn one_bound_alone_is_heard() {
    let shop = Shop::open(world(), "one-bound").await;
    let manifest = shop.manifest(2, 5).replace("  minReplicas: 2\n", "");
    hpa_override_testbed::apply_yaml(&shop.client, &manifest, "argocd", false).await.unwrap();
    shop.create("ovr", json!({"minReplicas": 10, "duration": "1h"})).await;
    shop.wait_overridden(10, 10).await;
    hpa_override_testbed::apply_yaml(&shop.client, &manifest, "argocd", false).await.unwrap();
    let hpa = shop.hpa().await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 10), Some((1, 5))));
    let hpa = shop.patch("merger", &Patch::Merge(json!({"spec": {"maxReplicas": 8}}))).await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 10), Some((1, 8))));
    shop.delete("ovr").await;
    shop.wait_traceless(1, 8).await;
}

#[tokio::test]
async fn an_echo_does_not() {
    let shop = Shop::open(world(), "echo").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(10, 20).await;
    let hpa = shop.write(Way::V1Update, 10, 20).await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, 5))));
    let label = json!({"metadata": {"labels": {"touched": "yes"}}});
    let hpa = shop.patch("somebody", &Patch::Merge(label)).await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, 5))));
    assert_eq!(hpa["metadata"]["labels"]["touched"], "yes");
}

/// Every order in which three things can come.
fn orders() -> [[usize; 3]; 6] {
    [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
}

#[tokio::test]
async fn three_overrides_give_the_same_in_every_order_and_hand_over_in_one_patch() {
    let specs = [
        ("high", json!({"minReplicas": 30, "priority": 9, "duration": "1h"})),
        ("mid", json!({"minReplicas": 10, "maxReplicas": 40, "priority": 5, "duration": "1h"})),
        ("low", json!({"minReplicas": 20, "maxReplicas": 50, "priority": 1, "duration": "1h"})),
    ];
    for (number, order) in orders().into_iter().enumerate() {
        let shop = Shop::open(world(), &format!("order-{number}")).await;
        shop.apply("argocd", 2, 5, false).await.unwrap();
        for index in order {
            shop.create(specs[index].0, specs[index].1.clone()).await;
        }
        shop.wait_overridden(30, 40).await;
        assert_eq!(shop.wait_phase("high", "Active").await["phase"], "Active");
        shop.wait_phase("mid", "Active").await;
        let low = shop.wait_phase("low", "Superseded").await;
        let message = low["conditions"][0]["message"].as_str().unwrap();
        assert!(message.contains(&format!("order-{number}/mid")), "{message}");
        let audit = world().plane().audit().from_now().unwrap();
        shop.delete("high").await;
        shop.wait_overridden(10, 40).await;
        shop.wait_phase("mid", "Active").await;
        assert_eq!(shop.controller_writes(&audit).len(), 1, "handed over in one patch");
        shop.delete("mid").await;
        shop.wait_overridden(20, 50).await;
        shop.delete("low").await;
        shop.wait_traceless(2, 5).await;
    }
}

#[tokio::test]
async fn of_two_equals_the_newer_wins_and_of_twins_the_first_by_name() {
    let shop = Shop::open(world(), "equals").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let older = shop.create("older", json!({"maxReplicas": 20, "minReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(20, 20).await;
    let newer = shop.create("newer", json!({"maxReplicas": 30, "minReplicas": 30, "duration": "1h"})).await;
    let created = |ovr: &Value| ovr["metadata"]["creationTimestamp"].as_str().unwrap().to_owned();
    // "newer" comes first by name too, so it wins also when both were created within one second.
    assert!(created(&newer) >= created(&older));
    shop.wait_overridden(30, 30).await;
    shop.wait_phase("older", "Superseded").await;
}

#[tokio::test]
async fn who_asked_is_stamped_and_cannot_be_forged() {
    let shop = Shop::open(world(), "stamp").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.create("ovr", json!({"minReplicas": 10, "duration": "1h"})).await;
    let forged =
        json!({"metadata": {"annotations": {"hpa-override.dev/requested-by": "{\"user\":\"bob\",\"groups\":[]}"}}});
    let params = kube::api::PatchParams::default();
    shop.overrides().patch("ovr", &params, &Patch::Merge(forged)).await.unwrap();
    let ovr = shop.override_("ovr").await;
    let stamp: Value =
        serde_json::from_str(ovr["metadata"]["annotations"]["hpa-override.dev/requested-by"].as_str().unwrap())
            .unwrap();
    assert_eq!(stamp["user"], ALICE);
    let status = shop.wait_phase("ovr", "Active").await;
    assert_eq!(status["requestedBy"], ALICE);
}

/// Everything that a dry run answers is what the write then is; nothing is stored, counted or told meanwhile.
#[tokio::test]
async fn a_dry_run_answers_the_same_and_leaves_nothing() {
    let shop = Shop::open(world(), "dry-run").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let spec = overridden(&json!({"hpa": "web", "duration": "1h"}));
    let object = shop.new_override("ovr", &spec);
    let answered = shop.overrides().create(&dry, &object).await.unwrap();
    assert_eq!(answered.metadata.annotations.as_ref().unwrap().len(), 1, "stamped");
    assert!(shop.overrides().list(&ListParams::default()).await.unwrap().items.is_empty());
    let written = shop.try_create("ovr", spec).await.unwrap();
    let stamp = |object: &Value| object["metadata"]["annotations"].clone();
    assert_eq!(stamp(&serde_json::to_value(&answered).unwrap()), stamp(&written));
    let before = shop.wait_overridden(10, 20).await;
    let refused = shop.new_override("bad", &overridden(&json!({"hpa": "web", "priority": 5000})));
    let said = |refused: kube::Result<DynamicObject>| refused.unwrap_err().to_string();
    let params = PostParams::default();
    assert_eq!(
        said(shop.overrides().create(&dry, &refused).await),
        said(shop.overrides().create(&params, &refused).await)
    );
    // The owner's new numbers: answered with the override's, and not recorded.
    let manifest = Patch::Apply(parse_yaml(&shop.manifest(3, 8)).unwrap().remove(0));
    let dry = PatchParams::apply("argocd").force().dry_run();
    let answered = serde_json::to_value(shop.hpas("v2").patch("web", &dry, &manifest).await.unwrap()).unwrap();
    assert_eq!((bounds(&answered), desired(&answered)), ((10, 20), Some((3, 8))));
    assert_eq!(shop.hpa().await, before);
    let written = shop.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!((bounds(&written), record(&written)), (bounds(&answered), record(&answered)));
}

#[tokio::test]
async fn a_timed_override_starts_and_ends_by_itself_and_can_be_extended() {
    let shop = Shop::open(world(), "timed").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let now = jiff::Timestamp::now();
    let at = |seconds: i64| format!("{:.0}", now + jiff::SignedDuration::from_secs(seconds));
    shop.create("ovr", json!({"minReplicas": 10, "startsAt": at(2), "expiresAt": at(4)})).await;
    let pending = shop.wait_phase("ovr", "Pending").await;
    assert_eq!(pending["startsAt"], at(2));
    shop.wait_overridden(10, 10).await;
    shop.edit("ovr", json!({"expiresAt": at(6)})).await.unwrap();
    let hpa = shop.wait_hpa("the end moved in the record", |hpa| {
        let until = record(hpa).map(|record| record["layers"][0]["until"].clone());
        anyhow::ensure!(until == Some(at(6).into()), "{hpa}");
        Ok(())
    });
    assert_eq!(bounds(&hpa.await), (10, 10));
    shop.wait_traceless(2, 5).await;
    assert!(jiff::Timestamp::now() >= at(6).parse().unwrap(), "not before its end");
    shop.wait_phase("ovr", "Expired").await;
}
