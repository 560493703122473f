//! Parts that are down, and the ways out, on a real control plane with the real module. `docs/failure.md` names these
//! tests.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{path::Path, process::Command};

use hpa_override_testbed::{
    CONTROLLER_USER, Child, Signal, World, api_for, apply_yaml, parse_yaml, wait_for, wait_for_blocking,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::Event;
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use support::*;
use tokio::sync::MutexGuard;

const MERGE: &str = "hpa-override-merge";

/// A world for a test that stops a part for long, or does not restore it.
fn own_world() -> &'static World {
    for_ever(support::world(true, json!({})))
}

/// The world of the other tests, one at a time.
async fn world() -> (&'static World, MutexGuard<'static, ()>) {
    static WORLD: LockedWorld = LockedWorld::new();
    WORLD.lock(|| support::world(true, json!({}))).await
}

#[tokio::test]
async fn without_the_policy_host_writes_succeed_and_the_controller_restores_the_override() {
    let (world, _guard) = world().await;
    let (ns, before) = under_override(world, "host-gone").await;
    let other = ns.manifest(2, 5).replace("name: web, namespace", "name: other, namespace");
    let host = world.policy_host().unwrap();
    let calls = host.calls(MERGE);
    ns.kubectl_ok(&["apply", "-f", "-"], &other);
    ns.kubectl_ok(&["apply", "-f", "-"], &other.replace("minReplicas: 2", "minReplicas: 3"));
    assert_eq!(host.calls(MERGE), calls, "it is not called for HPAs without an override");

    host.stop();
    ns.kubectl_ok(&["apply", "-f", "-"], &other.replace("minReplicas: 2", "minReplicas: 4"));
    let hpa = ns.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!(bounds(&hpa), (3, 8), "the owner's write succeeds");
    let hpa = ns.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((3, 8)));
    let error = ns.try_create("second", json!({"hpa": "web", "minReplicas": 30})).await.unwrap_err().to_string();
    assert!(error.contains("hpa-override-guard") && error.contains("connection refused"), "{error}");

    host.start_again().unwrap();
    ns.apply("argocd", 2, 5, false).await.unwrap();
    let hpa = ns.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((2, 5)));
    ns.delete("ovr").await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}

/// The guard's match conditions on a real API server, with failurePolicy Fail and nobody who answers.
#[tokio::test]
async fn without_the_policy_host_labels_finalizers_and_deletions_pass_and_another_spec_or_requester_does_not() {
    let (world, _guard) = world().await;
    let (ns, _) = under_override(world, "guard-gone").await;
    let host = world.policy_host().unwrap();
    host.stop();
    let api = ns.overrides();
    let patch = async |patch: Value| api.patch("ovr", &PatchParams::default(), &Patch::Merge(patch)).await;
    for metadata in [
        json!({"labels": {"team": "front"}}),
        json!({"finalizers": ["example.com/keep"]}),
        json!({"annotations": {"note": "kept"}}),
    ] {
        patch(json!({ "metadata": metadata })).await.unwrap();
    }
    let replaced = wait_for("a full update to be no conflict with the controller's status", LIMIT, async || {
        let live = api.get("ovr").await?;
        Ok(api.replace("ovr", &PostParams::default(), &live).await.map(drop)?)
    });
    replaced.await.unwrap();
    for change in [
        json!({"spec": {"maxReplicas": 21}}),
        json!({"metadata": {"annotations": {"hpa-override.dev/requested-by": r#"{"user":"mallory"}"#}}}),
        json!({"metadata": {"annotations": {"hpa-override.dev/requested-by": null}}}),
    ] {
        let error = patch(change.clone()).await.unwrap_err().to_string();
        assert!(error.contains("hpa-override-guard"), "{change}: {error}");
    }
    api.delete("ovr", &DeleteParams::foreground()).await.unwrap();
    patch(json!({"metadata": {"finalizers": null}})).await.unwrap();
    ns.wait_traceless(2, 5).await;
    host.start_again().unwrap();
}

#[tokio::test]
async fn an_end_during_an_outage_of_the_api_server_happens_once_it_is_back() {
    let world = own_world();
    let (ns, before) = with_hpa(world, "api-gone").await;
    let ends = instant(now() + 6);
    ns.create("ovr", overridden(&json!({"expiresAt": ends.to_string()}))).await;
    ns.wait_overridden(10, 20).await;
    world.plane().stop_api_server().unwrap();
    until(ends + SignedDuration::from_secs(15)).await;
    world.plane().start_api_server().unwrap();
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
    ns.wait_phase("ovr", "Expired").await;
    let ended = ns.controller_writes(&world.plane().audit()).into_iter().filter(|write| write.received >= ends);
    assert_eq!(ended.count(), 2, "the two writes of one end");
}

#[tokio::test]
async fn the_release_marker_restores_the_bounds_without_a_controller() {
    let (world, _guard) = world().await;
    let (ns, before) = under_override(world, "release").await;
    world.kill_controller().unwrap();
    ns.kubectl_ok(&["annotate", "hpa", "web", "hpa-override.dev/release=true"], "");
    let hpa = ns.hpa().await;
    assert_eq!(bounds(&hpa), (2, 5));
    assert_eq!(traces(&hpa), traces(&before));

    // The override still exists: a running controller applies it again.
    world.start_controller().unwrap();
    ns.wait_overridden(10, 20).await;

    // With an unreadable record the bounds stay as sent.
    world.kill_controller().unwrap();
    ns.write_record(Some("garbage")).await;
    let (success, output) = ns.kubectl(&["label", "hpa", "web", "touched=yes"], "");
    assert!(success && output.contains("cannot be read"), "{output}");
    assert_eq!(ns.hpa().await["metadata"]["annotations"]["hpa-override.dev/record"], "garbage");
    ns.kubectl_ok(&["annotate", "hpa", "web", "hpa-override.dev/release=true"], "");
    let hpa = ns.hpa().await;
    assert_eq!((bounds(&hpa), hpa.to_string().contains("hpa-override.dev")), ((10, 20), false), "{hpa}");
    // So that the next test starts with an idle controller.
    ns.delete("ovr").await;
}

#[tokio::test]
async fn a_release_while_the_override_is_active_is_no_revert() {
    let (world, _guard) = world().await;
    let (ns, _) = under_override(world, "released").await;
    ns.wait_phase("ovr", "Active").await;
    let reverts = || world.admin().metrics().unwrap().sum("hpa_override_reverts_total", &[]);
    let before = reverts();
    let release = async || {
        ns.kubectl_ok(&["annotate", "hpa", "web", "hpa-override.dev/release=true"], "");
        ns.wait_overridden(10, 20).await;
    };
    for _ in 0..3 {
        release().await;
    }
    let events: Api<Event> = Api::namespaced(ns.client.clone(), &ns.name);
    let reasons = wait_for("the event of a release", LIMIT, async || {
        let events = events.list(&ListParams::default()).await?.items;
        let reasons: Vec<_> = events.into_iter().filter_map(|event| event.reason).collect();
        anyhow::ensure!(reasons.iter().any(|reason| reason == "Released"), "{reasons:?}");
        Ok(reasons)
    });
    let reasons = reasons.await.unwrap();
    assert!(!reasons.iter().any(|reason| reason == "Reverted"), "{reasons:?}");
    assert_eq!(ns.override_("ovr").await["status"]["conditions"][0]["status"], "True");
    // More often within a minute, it is reported, as what it is.
    release().await;
    ns.wait_status("ovr", "it to be reported", |status| status["conditions"][0]["reason"] == "Released").await;
    assert_eq!(reverts().total_cmp(&before), std::cmp::Ordering::Equal);
    ns.delete("ovr").await;
}

#[tokio::test]
async fn an_unreadable_record_blocks_and_is_not_overwritten() {
    let (world, _guard) = world().await;
    let (ns, _) = under_override(world, "unreadable").await;
    world.kill_controller().unwrap();
    ns.write_record(Some("{\"v\":2}")).await;
    world.start_controller().unwrap();
    let status = ns.wait_phase("ovr", "Blocked").await;
    assert_eq!(status["conditions"][0]["reason"], "UnreadableRecord");
    assert_eq!(ns.hpa().await["metadata"]["annotations"]["hpa-override.dev/record"], "{\"v\":2}");
}

#[tokio::test]
async fn deleting_the_crd_restores_the_bounds() {
    let world = own_world();
    let (ns, before) = under_override(world, "crd").await;
    let crd = parse_yaml(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
         metadata: {name: autoscaleroverrides.hpa-override.dev}\n",
    );
    let crds = api_for(&ns.client, &crd.unwrap()[0]).unwrap();
    crds.delete("autoscaleroverrides.hpa-override.dev", &DeleteParams::default()).await.unwrap();
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}

/// An HPA as a backup holds it, under a name.
fn as_saved(hpa: &Value, name: &str) -> DynamicObject {
    let mut saved = hpa.clone();
    saved["metadata"] = json!({
        "name": name, "namespace": hpa["metadata"]["namespace"], "annotations": hpa["metadata"]["annotations"],
    });
    saved.as_object_mut().unwrap().remove("status");
    serde_json::from_value(saved).unwrap()
}

#[tokio::test]
async fn a_copy_and_a_restored_backup_get_the_desired_bounds() {
    let (world, _guard) = world().await;
    let (ns, _) = under_override(world, "copies").await;
    let live = ns.hpa().await;
    let params = PostParams::default();
    ns.hpas("v2").create(&params, &as_saved(&live, "copy")).await.unwrap();
    let copy = ns.get_hpa("copy").await;
    assert_eq!((bounds(&copy), record(&copy)), ((2, 5), None));

    world.kill_controller().unwrap();
    ns.hpas("v2").delete("web", &DeleteParams::default()).await.unwrap();
    ns.hpas("v2").create(&params, &as_saved(&live, "web")).await.unwrap();
    let restored = ns.hpa().await;
    assert_eq!((bounds(&restored), record(&restored)), ((2, 5), None));
    world.start_controller().unwrap();
    assert_eq!(desired(&ns.wait_overridden(10, 20).await), Some((2, 5)));
}

#[tokio::test]
async fn an_override_applies_to_an_hpa_that_is_created_again() {
    let (world, _guard) = world().await;
    let (ns, _) = under_override(world, "again").await;
    ns.hpas("v2").delete("web", &DeleteParams::default()).await.unwrap();
    let gone = ns.wait_status("ovr", "the target not to be found", |status| {
        status["conditions"][0]["reason"] == "TargetNotFound"
    });
    gone.await;
    ns.apply("argocd", 3, 8, false).await.unwrap();
    assert_eq!(desired(&ns.wait_overridden(10, 20).await), Some((3, 8)));
    ns.wait_phase("ovr", "Active").await;
}

#[tokio::test]
async fn a_status_patch_cannot_remove_the_record() {
    let (world, _guard) = world().await;
    let (ns, _) = under_override(world, "status").await;
    let before = ns.hpa().await;
    let patch =
        json!({"metadata": {"annotations": {"hpa-override.dev/record": null}}, "status": {"desiredReplicas": 7}});
    ns.hpas("v2").patch_status("web", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    let after = ns.hpa().await;
    assert_eq!((record(&after), bounds(&after)), (record(&before), bounds(&before)));
    assert_eq!(after["status"]["desiredReplicas"], 7);
}

/// A Deployment with ten ready pods, as its controller and a kubelet would report it: then nothing is to be read for Reached.
async fn run_ten_pods(ns: &TestNamespace) {
    let yaml = format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: web, image: web}}]}}}}
",
        ns.name
    );
    let made = apply_yaml(&ns.client, &yaml, "argocd", false).await.unwrap().remove(0);
    let status = Patch::Merge(json!({"status": {"replicas": 10, "readyReplicas": 10}}));
    api_for(&ns.client, &made).unwrap().patch_status("web", &PatchParams::default(), &status).await.unwrap();
}

#[tokio::test]
async fn fifty_overrides_are_quiet_for_a_minute() {
    const COUNT: usize = 50;
    let world = own_world();
    let ns = TestNamespace::new(world, "quiet").await;
    run_ten_pods(&ns).await;
    for index in 0..COUNT {
        let name = format!("name: web-{index}, namespace");
        let manifest = ns.manifest(2, 5).replace("name: web, namespace", &name);
        apply_yaml(&ns.client, &manifest, "argocd", false).await.unwrap();
        ns.create(&format!("ovr-{index}"), overridden(&json!({"hpa": format!("web-{index}"), "duration": "1h"}))).await;
    }
    for index in 0..COUNT {
        let is_reached = |status: &Value| status["conditions"][3]["status"] == "True";
        ns.wait_status(&format!("ovr-{index}"), "Reached", is_reached).await;
    }
    // Applied, on both, and Reached; ten a second.
    let events: Api<Event> = Api::namespaced(ns.client.clone(), &ns.name);
    let published = wait_for("the events to be published", LIMIT, async || {
        let count = events.list(&ListParams::default()).await?.items.len();
        anyhow::ensure!(count >= 3 * COUNT, "{count}");
        Ok(())
    });
    published.await.unwrap();
    let audit = world.plane().audit().from_now().unwrap();
    let status = json!({"status": {"desiredReplicas": 3}});
    ns.hpas("v2").patch_status("web-0", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    until(Timestamp::now() + SignedDuration::from_secs(60)).await;
    let requests = audit.select(|event| event.user == CONTROLLER_USER && event.verb != "watch").unwrap();
    assert!(requests.is_empty(), "{requests:#?}");
}

/// Nothing listens on port 1.
const NO_CLUSTER: &str = "apiVersion: v1
kind: Config
current-context: none
clusters: [{name: none, cluster: {server: \"http://127.0.0.1:1\"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {}}]
";

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_host-shim"))
}

#[test]
fn sigterm_without_an_api_server_stops_the_controller() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (kubeconfig, log) = (folder.join("no-cluster.yaml"), folder.join("no-cluster.log"));
    std::fs::write(&kubeconfig, NO_CLUSTER).unwrap();
    std::fs::write(&log, "").unwrap();
    let mut command = command();
    command.env("KUBECONFIG", kubeconfig);
    let mut controller = Child::spawn(command, &log).unwrap();
    let watching = wait_for_blocking("a failed watch", LIMIT, || {
        controller.ensure_running()?;
        anyhow::ensure!(controller.log().contains("failed to watch"), "{}", controller.log_tail());
        Ok(())
    });
    watching.unwrap();
    controller.signal(Signal::SIGTERM).unwrap();
    let status = controller.wait(LIMIT).unwrap();
    assert!(status.success(), "{status}\n{}", controller.log_tail());
}

#[test]
fn an_empty_namespace_is_refused() {
    let output = command().args(["--namespace", ""]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("--namespace"), "{message}");
}

#[test]
fn every_test_that_the_documentation_names_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files =
        |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let (folders, mut sources): (Vec<_>, Vec<_>) = files(&tests).into_iter().partition(|path| path.is_dir());
    sources.extend(folders.iter().flat_map(|folder| files(folder)));
    sources.extend(files(&tests.join("../src/in_memory")));
    let code: String = sources.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let document = std::fs::read_to_string(tests.join("../../docs/failure.md")).unwrap();
    let mut count = 0;
    // The last cell of a row names a file, a test, or both.
    for cell in document.lines().filter_map(|line| line.strip_suffix('|')?.rsplit('|').next()) {
        for name in cell.split('`').skip(1).step_by(2) {
            let is_binary = tests.join(name).is_dir() || tests.join(format!("{name}.rs")).exists();
            assert!(is_binary || code.contains(&format!("fn {name}(")), "{name}");
            count += 1;
        }
    }
    assert!(count > 30, "{count} names");
}
