//! Policies and controller together on a real API server: both policies run the real module, the controller runs as its
//! own service account.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{World, api_for, apply_yaml, parse_yaml};
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
    let (ns, before) = with_hpa(world(), "writes").await;
    let audit = world().plane().audit().from_now().unwrap();
    ns.create("ovr", for_an_hour()).await;
    let during = ns.wait_overridden(10, 20).await;
    assert_eq!(ownership(&during), ownership(&before), "ownership is returned in the same write");
    ns.wait_phase("ovr", "Active").await;
    assert_eq!(ns.controller_writes(&audit).len(), 1);
    ns.delete("ovr").await;
    let after = ns.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before));
    assert_eq!(ns.controller_writes(&audit).len(), 3);
}

async fn unchanged_writes_change_nothing(way: Way) {
    let ns = TestNamespace::new(world(), &format!("same-{way:?}").to_lowercase()).await;
    let before = ns.begin(way, 2, 5).await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    let first = ns.write(way, 2, 5).await;
    let second = ns.write(way, 2, 5).await;
    for hpa in [&first, &second] {
        assert_eq!((bounds(hpa), desired(hpa)), ((10, 20), Some((2, 5))), "{way:?}");
        assert!(!we_own_a_bound(hpa), "{hpa}");
    }
    assert_eq!(version(&first), version(&second), "{way:?}");
    ns.delete("ovr").await;
    let after = ns.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before), "{way:?}");
}

async fn changed_numbers_are_recorded_and_restored(way: Way) {
    let ns = TestNamespace::new(world(), &format!("new-{way:?}").to_lowercase()).await;
    ns.begin(way, 2, 5).await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    let during = ns.write(way, 3, 8).await;
    assert_eq!((bounds(&during), desired(&during)), ((10, 20), Some((3, 8))), "{way:?}");
    ns.delete("ovr").await;
    let after = ns.wait_traceless(3, 8).await;
    let again = ns.write(way, 4, 9).await;
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
                    async fn changed_numbers_are_recorded_and_restored() {
                        super::super::changed_numbers_are_recorded_and_restored($way).await;
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
async fn two_owners_keep_their_fields() {
    let (ns, _) = with_hpa(world(), "co-owners").await;
    ns.apply("flux", 2, 5, false).await.unwrap();
    let before = ns.hpa().await;
    ns.create("ovr", for_an_hour()).await;
    let during = ns.wait_overridden(10, 20).await;
    assert_eq!(ownership(&during), ownership(&before));
    ns.delete("ovr").await;
    let after = ns.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before));
    let refused = ns.apply("argocd", 3, 9, false).await.unwrap_err();
    assert!(format!("{refused:#}").contains("conflicts with \"flux\""), "as without an override: {refused:#}");
}

#[tokio::test]
async fn a_removed_min_becomes_the_desired_min() {
    let (ns, _) = under_override(world(), "removed-min").await;
    let manifest = ns.manifest(2, 5).replace("  minReplicas: 2\n", "");
    apply_yaml(&ns.client, &manifest, "argocd", false).await.unwrap();
    let hpa = ns.hpa().await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((1, 5))));
}

#[tokio::test]
async fn a_declared_number_equal_to_ours_becomes_desired() {
    let ns = TestNamespace::new(world(), "declared").await;
    ns.begin(Way::KubectlApply, 2, 5).await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    let hpa = ns.write(Way::KubectlApply, 10, 20).await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((10, 20))));
    ns.delete("ovr").await;
    ns.wait_traceless(10, 20).await;
}

#[tokio::test]
async fn one_bound_alone_is_an_owner_change() {
    let ns = TestNamespace::new(world(), "one-bound").await;
    let manifest = ns.manifest(2, 5).replace("  minReplicas: 2\n", "");
    apply_yaml(&ns.client, &manifest, "argocd", false).await.unwrap();
    ns.create("ovr", json!({"minReplicas": 10, "duration": "1h"})).await;
    ns.wait_overridden(10, 10).await;
    apply_yaml(&ns.client, &manifest, "argocd", false).await.unwrap();
    let hpa = ns.hpa().await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 10), Some((1, 5))));
    let hpa = ns.patch("merger", &Patch::Merge(json!({"spec": {"maxReplicas": 8}}))).await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 10), Some((1, 8))));
    ns.delete("ovr").await;
    ns.wait_traceless(1, 8).await;
}

#[tokio::test]
async fn an_echo_changes_nothing() {
    let (ns, _) = under_override(world(), "echo").await;
    let hpa = ns.write(Way::V1Update, 10, 20).await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, 5))));
    let label = json!({"metadata": {"labels": {"touched": "yes"}}});
    let hpa = ns.patch("somebody", &Patch::Merge(label)).await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, 5))));
    assert_eq!(hpa["metadata"]["labels"]["touched"], "yes");
}

#[tokio::test]
async fn three_overrides_give_the_same_bounds_in_every_order_and_the_next_follows_in_one_patch() {
    let specs = [
        ("high", json!({"minReplicas": 30, "priority": 9, "duration": "1h"})),
        ("mid", json!({"minReplicas": 10, "maxReplicas": 40, "priority": 5, "duration": "1h"})),
        ("low", json!({"minReplicas": 20, "maxReplicas": 50, "priority": 1, "duration": "1h"})),
    ];
    // Each is the last once; all orders are a law of the core.
    for (number, order) in [[0, 1, 2], [2, 0, 1], [1, 2, 0]].into_iter().enumerate() {
        let (ns, _) = with_hpa(world(), &format!("order-{number}")).await;
        for index in order {
            ns.create(specs[index].0, specs[index].1.clone()).await;
        }
        ns.wait_overridden(30, 40).await;
        assert_eq!(ns.wait_phase("high", "Active").await["phase"], "Active");
        ns.wait_phase("mid", "Active").await;
        let low = ns.wait_phase("low", "Superseded").await;
        let message = low["conditions"][0]["message"].as_str().unwrap();
        assert!(message.contains(&format!("order-{number}/mid")), "{message}");
        let audit = world().plane().audit().from_now().unwrap();
        ns.delete("high").await;
        ns.wait_overridden(10, 40).await;
        ns.wait_phase("mid", "Active").await;
        assert_eq!(ns.controller_writes(&audit).len(), 1, "one patch to the next override");
        ns.delete("mid").await;
        ns.wait_overridden(20, 50).await;
        ns.delete("low").await;
        ns.wait_traceless(2, 5).await;
    }
}

#[tokio::test]
async fn of_two_with_one_priority_the_newer_wins_and_then_the_first_by_name() {
    let (ns, _) = with_hpa(world(), "equals").await;
    let older = ns.create("older", json!({"maxReplicas": 20, "minReplicas": 20, "duration": "1h"})).await;
    ns.wait_overridden(20, 20).await;
    let newer = ns.create("newer", json!({"maxReplicas": 30, "minReplicas": 30, "duration": "1h"})).await;
    let created = |ovr: &Value| ovr["metadata"]["creationTimestamp"].as_str().unwrap().to_owned();
    // "newer" comes first by name too, so it wins also when both were created within one second.
    assert!(created(&newer) >= created(&older));
    ns.wait_overridden(30, 30).await;
    ns.wait_phase("older", "Superseded").await;
}

#[tokio::test]
async fn the_requester_is_stamped_and_cannot_be_forged() {
    let (ns, _) = with_hpa(world(), "stamp").await;
    ns.create("ovr", json!({"minReplicas": 10, "duration": "1h"})).await;
    let forged =
        json!({"metadata": {"annotations": {"hpa-override.dev/requested-by": "{\"user\":\"bob\",\"groups\":[]}"}}});
    let params = kube::api::PatchParams::default();
    ns.overrides().patch("ovr", &params, &Patch::Merge(forged)).await.unwrap();
    let ovr = ns.override_("ovr").await;
    let stamp: Value =
        serde_json::from_str(ovr["metadata"]["annotations"]["hpa-override.dev/requested-by"].as_str().unwrap())
            .unwrap();
    assert_eq!(stamp["user"], ALICE);
    let status = ns.wait_phase("ovr", "Active").await;
    assert_eq!(status["requestedBy"], ALICE);
}

/// The response to a dry run is that of the write; nothing is stored meanwhile.
#[tokio::test]
async fn a_dry_run_answers_the_same_and_leaves_nothing() {
    let (ns, _) = with_hpa(world(), "dry-run").await;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let spec = overridden(&json!({"hpa": "web", "duration": "1h"}));
    let object = ns.new_override("ovr", &spec);
    let answered = ns.overrides().create(&dry, &object).await.unwrap();
    assert_eq!(answered.metadata.annotations.as_ref().unwrap().len(), 1, "stamped");
    assert!(ns.overrides().list(&ListParams::default()).await.unwrap().items.is_empty());
    let written = ns.try_create("ovr", spec).await.unwrap();
    let stamp = |object: &Value| object["metadata"]["annotations"].clone();
    assert_eq!(stamp(&serde_json::to_value(&answered).unwrap()), stamp(&written));
    let before = ns.wait_overridden(10, 20).await;
    let refused = ns.new_override("bad", &overridden(&json!({"hpa": "web", "priority": 5000})));
    let message = |refused: kube::Result<DynamicObject>| refused.unwrap_err().to_string();
    let params = PostParams::default();
    assert_eq!(
        message(ns.overrides().create(&dry, &refused).await),
        message(ns.overrides().create(&params, &refused).await)
    );
    // The response has the override's bounds, and the owner's new numbers are not recorded.
    let manifest = Patch::Apply(parse_yaml(&ns.manifest(3, 8)).unwrap().remove(0));
    let dry = PatchParams::apply("argocd").force().dry_run();
    let answered = serde_json::to_value(ns.hpas("v2").patch("web", &dry, &manifest).await.unwrap()).unwrap();
    assert_eq!((bounds(&answered), desired(&answered)), ((10, 20), Some((3, 8))));
    assert_eq!(ns.hpa().await, before);
    let written = ns.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!((bounds(&written), record(&written)), (bounds(&answered), record(&answered)));
}

#[tokio::test]
async fn a_timed_override_starts_and_ends_by_itself_and_can_be_extended() {
    let (ns, _) = with_hpa(world(), "timed").await;
    let start = now();
    let at = |seconds: i64| at(start + seconds);
    ns.create("ovr", json!({"minReplicas": 10, "startsAt": at(2), "expiresAt": at(4)})).await;
    let pending = ns.wait_phase("ovr", "Pending").await;
    assert_eq!(pending["startsAt"], at(2));
    ns.wait_overridden(10, 10).await;
    ns.edit("ovr", json!({"expiresAt": at(6)})).await.unwrap();
    let hpa = ns.wait_hpa("the new end in the record", |hpa| {
        let until = record(hpa).map(|record| record["layers"][0]["until"].clone());
        anyhow::ensure!(until == Some(at(6).into()), "{hpa}");
        Ok(())
    });
    assert_eq!(bounds(&hpa.await), (10, 10));
    ns.wait_traceless(2, 5).await;
    assert!(jiff::Timestamp::now() >= at(6).parse().unwrap(), "not before its end");
    ns.wait_phase("ovr", "Expired").await;
}

#[tokio::test]
async fn every_example_is_admitted() {
    let ns = TestNamespace::new(world(), "examples").await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crd/examples");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let yaml = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for mut object in parse_yaml(&yaml).unwrap() {
            object.metadata.namespace = Some(ns.name.clone());
            let api = api_for(&ns.client, &object).unwrap();
            let created = api.create(&PostParams::default(), &object).await;
            created.unwrap_or_else(|error| panic!("{yaml}\n{error}"));
            count += 1;
        }
    }
    assert!(count >= 4, "{count} examples");
}
