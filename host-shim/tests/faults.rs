//! When parts are down, and the ways out: each on a real control plane with the real module. `docs/failure.md` names
//! these tests.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use hpa_override_testbed::{CONTROLLER_USER, World, api_for, parse_yaml};
use jiff::{SignedDuration, Timestamp};
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::*;

const MERGE: &str = "hpa-override-merge";

/// A world of its own for a test that breaks parts of it.
fn world() -> &'static World {
    for_ever(support::world(true, json!({})))
}

#[tokio::test]
async fn without_the_policy_host_writes_go_through_and_the_controller_repairs() {
    let world = world();
    let (shop, before) = under_override(world, "host-gone").await;
    let other = shop.manifest(2, 5).replace("name: web, namespace", "name: other, namespace");
    let host = world.policy_host().unwrap();
    let calls = host.calls(MERGE);
    shop.kubectl_ok(&["apply", "-f", "-"], &other);
    shop.kubectl_ok(&["apply", "-f", "-"], &other.replace("minReplicas: 2", "minReplicas: 3"));
    assert_eq!(host.calls(MERGE), calls, "HPAs without an override are none of its business");

    host.stop();
    shop.kubectl_ok(&["apply", "-f", "-"], &other.replace("minReplicas: 2", "minReplicas: 4"));
    let hpa = shop.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!(bounds(&hpa), (3, 8), "the owner's write goes through");
    let hpa = shop.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((3, 8)));
    let error = shop.try_create("second", json!({"hpa": "web", "minReplicas": 30})).await.unwrap_err().to_string();
    assert!(error.contains("hpa-override-guard") && error.contains("connection refused"), "{error}");

    host.start_again().unwrap();
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let hpa = shop.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((2, 5)));
    shop.delete("ovr").await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
}

#[tokio::test]
async fn an_end_while_the_api_server_is_gone_happens_on_its_return_once() {
    let world = world();
    let shop = Shop::open(world, "api-gone").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    let ends = Timestamp::from_second(Timestamp::now().as_second() + 10).unwrap();
    shop.create("ovr", overridden(&json!({"expiresAt": ends.to_string()}))).await;
    shop.wait_overridden(10, 20).await;
    world.plane().stop_api_server().unwrap();
    until(ends + SignedDuration::from_secs(20)).await;
    world.plane().start_api_server().unwrap();
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
    shop.wait_phase("ovr", "Expired").await;
    let ended = shop.controller_writes(&world.plane().audit()).into_iter().filter(|write| write.received >= ends);
    assert_eq!(ended.count(), 2, "the two writes of one end");
}

#[tokio::test]
async fn the_release_marker_gives_back_with_the_controller_dead() {
    let world = world();
    let (shop, before) = under_override(world, "release").await;
    world.kill_controller().unwrap();
    shop.kubectl_ok(&["annotate", "hpa", "web", "hpa-override.dev/release=true"], "");
    let hpa = shop.hpa().await;
    assert_eq!(bounds(&hpa), (2, 5));
    assert_eq!(traces(&hpa), traces(&before));

    // The override still exists: a living controller applies it again.
    world.start_controller().unwrap();
    shop.wait_overridden(10, 20).await;

    // The same on a record that cannot be read: the bounds stay as sent.
    world.kill_controller().unwrap();
    shop.write_record(Some("garbage")).await;
    let (success, output) = shop.kubectl(&["label", "hpa", "web", "touched=yes"], "");
    assert!(success && output.contains("cannot be read"), "{output}");
    assert_eq!(shop.hpa().await["metadata"]["annotations"]["hpa-override.dev/record"], "garbage");
    shop.kubectl_ok(&["annotate", "hpa", "web", "hpa-override.dev/release=true"], "");
    let hpa = shop.hpa().await;
    assert_eq!((bounds(&hpa), hpa.to_string().contains("hpa-override.dev")), ((10, 20), false), "{hpa}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_blocks_and_is_left_alone() {
    let world = world();
    let (shop, _) = under_override(world, "unreadable").await;
    world.kill_controller().unwrap();
    shop.write_record(Some("{\"v\":2}")).await;
    world.start_controller().unwrap();
    let status = shop.wait_phase("ovr", "Blocked").await;
    assert_eq!(status["conditions"][0]["reason"], "UnreadableRecord");
    assert_eq!(shop.hpa().await["metadata"]["annotations"]["hpa-override.dev/record"], "{\"v\":2}");
}

#[tokio::test]
async fn deleting_the_crd_gives_everything_back() {
    let world = world();
    let (shop, before) = under_override(world, "crd").await;
    let crd = parse_yaml(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
         metadata: {name: autoscaleroverrides.hpa-override.dev}\n",
    );
    let crds = api_for(&shop.client, &crd.unwrap()[0]).unwrap();
    crds.delete("autoscaleroverrides.hpa-override.dev", &DeleteParams::default()).await.unwrap();
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
}

/// An object as a backup holds it, under a name.
fn as_saved(hpa: &Value, name: &str) -> DynamicObject {
    let mut saved = hpa.clone();
    saved["metadata"] = json!({
        "name": name, "namespace": hpa["metadata"]["namespace"], "annotations": hpa["metadata"]["annotations"],
    });
    saved.as_object_mut().unwrap().remove("status");
    serde_json::from_value(saved).unwrap()
}

#[tokio::test]
async fn a_copy_and_a_restore_get_the_owners_numbers() {
    let world = world();
    let (shop, _) = under_override(world, "copies").await;
    let live = shop.hpa().await;
    let params = PostParams::default();
    shop.hpas("v2").create(&params, &as_saved(&live, "copy")).await.unwrap();
    let copy = shop.get_hpa("copy").await;
    assert_eq!((bounds(&copy), record(&copy)), ((2, 5), None));

    world.kill_controller().unwrap();
    shop.hpas("v2").delete("web", &DeleteParams::default()).await.unwrap();
    shop.hpas("v2").create(&params, &as_saved(&live, "web")).await.unwrap();
    let restored = shop.hpa().await;
    assert_eq!((bounds(&restored), record(&restored)), ((2, 5), None));
    world.start_controller().unwrap();
    assert_eq!(desired(&shop.wait_overridden(10, 20).await), Some((2, 5)));
}

#[tokio::test]
async fn an_hpa_that_is_made_anew_comes_under_the_override() {
    let world = world();
    let (shop, _) = under_override(world, "anew").await;
    shop.hpas("v2").delete("web", &DeleteParams::default()).await.unwrap();
    let gone = shop
        .wait_status("ovr", "the target to be missed", |status| status["conditions"][0]["reason"] == "TargetNotFound");
    gone.await;
    shop.apply("argocd", 3, 8, false).await.unwrap();
    assert_eq!(desired(&shop.wait_overridden(10, 20).await), Some((3, 8)));
    shop.wait_phase("ovr", "Active").await;
}

#[tokio::test]
async fn a_status_patch_cannot_remove_the_record() {
    let world = world();
    let (shop, _) = under_override(world, "status").await;
    let before = shop.hpa().await;
    let patch =
        json!({"metadata": {"annotations": {"hpa-override.dev/record": null}}, "status": {"desiredReplicas": 7}});
    shop.hpas("v2").patch_status("web", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    let after = shop.hpa().await;
    assert_eq!((record(&after), bounds(&after)), (record(&before), bounds(&before)));
    assert_eq!(after["status"]["desiredReplicas"], 7);
}

#[tokio::test]
async fn fifty_overrides_are_quiet_for_a_minute() {
    const COUNT: usize = 50;
    let world = world();
    let shop = Shop::open(world, "quiet").await;
    for index in 0..COUNT {
        let name = format!("name: web-{index}, namespace");
        let manifest = shop.manifest(2, 5).replace("name: web, namespace", &name);
        hpa_override_testbed::apply_yaml(&shop.client, &manifest, "argocd", false).await.unwrap();
        shop.create(&format!("ovr-{index}"), overridden(&json!({"hpa": format!("web-{index}"), "duration": "1h"})))
            .await;
    }
    for index in 0..COUNT {
        shop.wait_phase(&format!("ovr-{index}"), "Active").await;
    }
    let audit = world.plane().audit().from_now().unwrap();
    let status = json!({"status": {"desiredReplicas": 3}});
    shop.hpas("v2").patch_status("web-0", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    until(Timestamp::now() + SignedDuration::from_secs(60)).await;
    let requests = audit.select(|event| event.user == CONTROLLER_USER && event.verb != "watch").unwrap();
    assert!(requests.is_empty(), "{requests:#?}");
}
