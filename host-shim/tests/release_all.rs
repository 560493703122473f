//! `release-all`: the way out for everything at once, also where nothing else of hpa-override is left.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, stream};
use hpa_override_testbed::{Identity, Signal, World, apply_yaml, wait_for};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams};
use serde_json::{Value, json};
use support::*;
use tokio::time::Instant;

const COUNT: usize = 500;
const AT_ONCE: usize = 16;

/// Exit code and both outputs of a command of the controller's program, as the controller's account.
fn run(world: &World, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = world.controller_command().unwrap().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// All HPAs of a namespace, by name.
async fn hpas(ns: &TestNamespace) -> BTreeMap<String, Value> {
    let all = ns.hpas("v2").list(&ListParams::default()).await.unwrap().items;
    let named = |hpa: DynamicObject| (hpa.metadata.name.clone().unwrap(), serde_json::to_value(hpa).unwrap());
    all.into_iter().map(named).collect()
}

/// HPAs of 2-5 with the label of the selector.
async fn create_many(ns: &TestNamespace, count: usize) {
    let create = |index: usize| async move {
        let named = ns.manifest(2, 5).replace("metadata: {name: web,", &format!("metadata: {{name: web-{index},"));
        apply_yaml(&ns.client, &named, "argocd", false).await.unwrap();
    };
    stream::iter(0..count).for_each_concurrent(AT_ONCE, create).await;
}

async fn wait_all_overridden(ns: &TestNamespace) {
    wait_for("all to be overridden", Duration::from_mins(2), async || {
        let left = hpas(ns).await.values().filter(|hpa| bounds(hpa) != (10, 20) || we_own_a_bound(hpa)).count();
        anyhow::ensure!(left == 0, "{left} are not");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn everything_is_given_back_without_controller_crd_and_policies() {
    let world = for_ever(support::world(false, json!({})));
    let ns = TestNamespace::new(world, "release").await;
    create_many(&ns, COUNT).await;
    let before = hpas(&ns).await;
    // Also one that would return gradually.
    let spec = json!({"selector": {"matchLabels": {"app": "web"}}, "minReplicas": 10, "maxReplicas": 20, "duration": "1h",
                      "returnOver": "30m"});
    ns.try_create("ovr", spec).await.unwrap();
    wait_all_overridden(&ns).await;
    ns.wait_phase("ovr", "Active").await;
    world.kill_controller().unwrap();
    let admin = world.plane().client(&Identity::Admin).await.unwrap();
    let crds: Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        Api::all(admin);
    crds.delete("autoscaleroverrides.hpa-override.dev", &DeleteParams::default()).await.unwrap();
    // The owner goes on meanwhile: without the merge policy its number is what counts.
    ns.patch_named("web-7", "argocd", &json!({"spec": {"minReplicas": 2, "maxReplicas": 8}})).await;

    let (code, planned, _) = run(world, &["release-all", "--dry-run"]);
    assert_eq!((code, planned.lines().count()), (Some(0), COUNT + 1), "{planned}");
    assert!(planned.contains("release/web-3: would be released, now 10-20\n"), "{planned}");
    assert_eq!(bounds(&ns.get_hpa("web-3").await), (10, 20), "nothing is written");

    let begin = Instant::now();
    let (code, done, said) = run(world, &["release-all"]);
    println!("{COUNT} HPAs are released in {:.1?}", begin.elapsed());
    assert_eq!(code, Some(0), "{done}{said}");
    assert!(
        done.contains("release/web-3: released, 2-5\n") && done.contains("release/web-7: released, 2-8\n"),
        "{done}"
    );
    assert!(done.ends_with(&format!("{COUNT} released, 0 not\n")), "{done}");
    for (name, hpa) in hpas(&ns).await {
        let mut expected = traces(&before[&name]);
        if name == "web-7" {
            expected = traces(&hpa);
            assert_eq!((bounds(&hpa), record(&hpa), we_own_a_bound(&hpa)), ((2, 8), None, false));
        }
        assert_eq!(traces(&hpa), expected, "{name}");
    }
    let (code, again, _) = run(world, &["release-all"]);
    assert_eq!((code, again.as_str()), (Some(0), "nothing to release: no HPA has anything of hpa-override\n"));
}

#[tokio::test]
async fn a_controller_that_runs_does_not_undo_it_before_it_is_done() {
    let world = for_ever(support::world(false, json!({})));
    world.kill_controller().unwrap();
    let mut controller = world.start_replica("living", 0).unwrap();
    let (ns, _) = under_override(world, "living").await;
    let (other, _) = under_override(world, "other").await;
    let mut command = world.controller_command().unwrap();
    command.env("HPA_OVERRIDE_LEADER_ELECT", "true").args(["release-all", "--hpa", "living/web"]);
    let output = command.output().unwrap();
    let [done, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{done}{said}");
    assert!(done.contains("living/web: released, 2-5\n1 released, 0 not\n"), "{done}");
    assert!(said.contains("held the Lease hpa-override/hpa-override: waiting 10 s until it writes no more"), "{said}");
    assert!(said.contains("A controller that runs begins again as soon as this is done"), "{said}");
    assert!(controller.child.log().contains("leading no more"), "{}", controller.child.log_tail());
    assert_eq!(bounds(&other.hpa().await), (10, 20), "it was not asked for");
    let mut command = world.controller_command().unwrap();
    command.env("HPA_OVERRIDE_LEADER_ELECT", "true").args(["release-all", "--lease-namespace", "elsewhere"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("Lease elsewhere/hpa-override"), "{said}");
    // As it says.
    ns.wait_overridden(10, 20).await;
    controller.child.signal(Signal::SIGTERM).unwrap();
    assert!(controller.child.wait(LIMIT).unwrap().success());
}

#[tokio::test]
async fn what_cannot_be_released_is_said_and_stops_no_other() {
    let world = for_ever(support::world(false, json!({})));
    let (broken, _) = with_hpa(world, "broken").await;
    let (ns, before) = under_override(world, "whole").await;
    ns.wait_phase("ovr", "Active").await;
    world.kill_controller().unwrap();
    broken.write_record(Some("{")).await;
    let (code, done, _) = run(world, &["release-all", "--namespace", "broken", "--namespace", "whole"]);
    assert_eq!(code, Some(1), "{done}");
    assert!(
        done.contains("broken/web: NOT released: its record cannot be read; set the bounds that are right"),
        "{done}"
    );
    assert!(done.contains("whole/web: released, 2-5\n") && done.ends_with("1 released, 1 not\n"), "{done}");
    assert_eq!(traces(&ns.hpa().await), traces(&before));
    world.start_controller().unwrap();
    ns.wait_overridden(10, 20).await;
    world.kill_controller().unwrap();
    let (code, done, said) = run(world, &["release-all", "--hpa", "broken/missing", "--hpa", "whole/web"]);
    assert_eq!(code, Some(1));
    let missing = "broken/missing: NOT released: horizontalpodautoscalers.autoscaling \"missing\" not found\n";
    assert!(done.contains(missing) && done.ends_with("1 released, 1 not\n"), "{done}{said}");
    // Written by nobody of ours, and by hand: there is nothing to give back but the marker.
    let marker =
        json!({"metadata": {"annotations": {"hpa-override.dev/record": null, "hpa-override.dev/release": "true"}}});
    broken.patch_named("web", "kubectl", &marker).await;
    let (code, done, _) = run(world, &["--dry-run", "release-all", "--hpa", "broken/web"]);
    assert_eq!(
        (code, done.as_str()),
        (Some(0), "broken/web: would be released, now 2-5\n1 would be released, 0 not\n")
    );
    let (code, done, _) = run(world, &["release-all", "--hpa", "broken/web"]);
    assert_eq!((code, done.as_str()), (Some(0), "broken/web: released, 2-5\n1 released, 0 not\n"));
    let (code, _, said) = run(world, &["release-all", "--hpa", "web"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("it is not a namespace and a name, like shop/web"), "{said}");
}
