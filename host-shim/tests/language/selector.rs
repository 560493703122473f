//! One override of many HPAs: those that match its selector now, whatever is created, deleted or labelled meanwhile.

use tokio::time::Instant;

use hpa_override_testbed::{AuditLog, apply_yaml, wait_for};
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};

use crate::{support::*, world};

const COUNT: usize = 30;
const OWNED: &str =
    "ownerReferences: [{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: web, uid: u, controller: true}], ";

/// Applies an HPA of 2-5 that matches the selector, as its owner.
async fn apply(ns: &TestNamespace, name: &str, more: &str) {
    let metadata = format!("name: {name}, {more}namespace: {}, labels: {{tier: front, ", ns.name);
    let manifest = ns.manifest(2, 5);
    let labelled = manifest.replace(&format!("name: web, namespace: {}, labels: {{", ns.name), &metadata);
    assert_ne!(labelled, manifest);
    apply_yaml(&ns.client, &labelled, "argocd", false).await.unwrap();
}

async fn create(ns: &TestNamespace) {
    let selector = json!({"matchLabels": {"tier": "front"}});
    ns.try_create("ovr", overridden(&json!({"selector": selector, "duration": "1h"}))).await.unwrap();
}

/// All HPAs, once each fulfils the condition.
async fn wait_all(ns: &TestNamespace, what: &str, holds: impl Fn(&Value) -> bool) -> Vec<Value> {
    let waited = wait_for(what, LIMIT, async || {
        let list = ns.hpas("v2").list(&ListParams::default()).await?;
        let all: Vec<Value> = list.items.into_iter().map(|hpa| serde_json::to_value(hpa).unwrap()).collect();
        let not_yet = all.iter().find(|hpa| !holds(hpa));
        anyhow::ensure!(not_yet.is_none(), "{not_yet:?}");
        Ok(all)
    });
    waited.await.unwrap_or_else(|error| panic!("{error:#}\n{}", ns.world.controller_log()))
}

async fn wait_counts(ns: &TestNamespace, targets: usize, applied: usize) -> Value {
    let what = format!("{applied} of {targets}");
    let wanted = |status: &Value| status["targets"] == targets && status["applied"] == applied;
    ns.wait_status("ovr", &what, wanted).await
}

/// Counts the status writes since `seen`: one or two, and one for what was read for Reached, whatever the number of targets.
async fn expect_few(ns: &TestNamespace, audit: &AuditLog, seen: &mut usize, what: &str) {
    let written = wait_for("the status write in the audit log", LIMIT, async || {
        let written = ns.override_writes("ovr", audit).len() - *seen;
        anyhow::ensure!(written > 0, "there are none");
        Ok(written)
    });
    let written = written.await.unwrap();
    println!("{what}: {written} status writes");
    assert!(written <= 3, "{what}: {written} status writes");
    *seen += written;
}

fn is_overridden(hpa: &Value) -> bool {
    bounds(hpa) == (10, 20) && record(hpa).is_some() && !we_own_a_bound(hpa)
}

fn is_traceless(hpa: &Value) -> bool {
    bounds(hpa) == (2, 5) && !hpa.to_string().contains("hpa-override")
}

#[tokio::test]
async fn one_override_has_thirty_targets() {
    let world = world();
    let ns = TestNamespace::new(world, "many").await;
    for index in 0..COUNT {
        apply(&ns, &format!("web-{index}"), "").await;
    }
    let elsewhere = TestNamespace::new(world, "elsewhere").await;
    apply(&elsewhere, "web", "").await;
    let before = wait_all(&ns, "thirty HPAs", |_| true).await;
    let (audit, mut seen, start) = (world.plane().audit(), 0, Instant::now());

    create(&ns).await;
    let status = wait_counts(&ns, COUNT, COUNT).await;
    println!("{COUNT} HPAs overridden and reported in {:.1?}", start.elapsed());
    assert_eq!((&status["phase"], &status["conditions"][0]["reason"]), (&"Active".into(), &"Applied".into()));
    wait_all(&ns, "all to be overridden", is_overridden).await;
    expect_few(&ns, &audit, &mut seen, "created").await;

    apply(&ns, "late", "").await;
    wait_counts(&ns, COUNT + 1, COUNT + 1).await;
    assert!(is_overridden(&ns.get_hpa("late").await));
    expect_few(&ns, &audit, &mut seen, "an HPA is created").await;

    ns.kubectl_ok(&["label", "hpa", "late", "tier-"], "");
    let restored = wait_for("the one without the label to be restored", LIMIT, async || {
        let hpa = ns.get_hpa("late").await;
        anyhow::ensure!(is_traceless(&hpa), "{hpa}");
        Ok(())
    });
    restored.await.unwrap();
    wait_counts(&ns, COUNT, COUNT).await;
    expect_few(&ns, &audit, &mut seen, "an HPA loses the label").await;

    ns.kubectl_ok(&["label", "hpa", "late", "tier=front"], "");
    wait_counts(&ns, COUNT + 1, COUNT + 1).await;
    assert!(is_overridden(&ns.get_hpa("late").await));
    expect_few(&ns, &audit, &mut seen, "an HPA gets the label").await;

    ns.hpas("v2").delete("late", &DeleteParams::default()).await.unwrap();
    wait_counts(&ns, COUNT, COUNT).await;
    expect_few(&ns, &audit, &mut seen, "an HPA is deleted").await;

    apply(&ns, "owned", OWNED).await;
    let status = wait_counts(&ns, COUNT + 1, COUNT).await;
    assert_eq!((&status["phase"], &status["conditions"][0]["status"]), (&"Active".into(), &"False".into()));
    assert_eq!(status["conditions"][0]["reason"], "PartlyApplied");
    assert_eq!(status["failing"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(status["failing"][0]["hpa"], "owned");
    assert_eq!(status["failing"][0]["reason"], "OwnedByController");
    assert!(is_traceless(&ns.get_hpa("owned").await));
    expect_few(&ns, &audit, &mut seen, "an owned HPA is created").await;
    let is_read =
        |status: &Value| status["conditions"][3]["message"].as_str().is_some_and(|said| said.contains("there is no"));
    ns.wait_status("ovr", "what the HPAs scale to be read", is_read).await;
    let seen = ns.override_writes("ovr", &audit).len();

    let start = Instant::now();
    ns.delete("ovr").await;
    let after = wait_all(&ns, "all to be restored", is_traceless).await;
    println!("{COUNT} HPAs restored in {:.1?}", start.elapsed());
    for hpa in &before {
        let name = &hpa["metadata"]["name"];
        let same = after.iter().find(|after| after["metadata"]["name"] == *name).unwrap();
        assert_eq!(traces(same), traces(hpa), "{name}");
    }
    assert!(is_traceless(&elsewhere.hpa().await), "it is in another namespace");
    assert_eq!(ns.override_writes("ovr", &audit).len(), seen, "no status is written for a deleted override");
}

#[tokio::test]
async fn ten_failing_targets_are_listed_by_name() {
    let ns = TestNamespace::new(world(), "failing").await;
    let names: Vec<String> = (10..22).map(|number| format!("owned-{number}")).collect();
    for name in names.iter().rev() {
        apply(&ns, name, OWNED).await;
    }
    apply(&ns, "web", "").await;
    create(&ns).await;
    let status = wait_counts(&ns, 13, 1).await;
    let listed: Vec<&str> =
        status["failing"].as_array().unwrap().iter().map(|target| target["hpa"].as_str().unwrap()).collect();
    assert_eq!(listed, names[..10], "in the same order in every status");
    let message = status["conditions"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("applied on 1 of 13 targets; owned-10: "), "{message}");
}
