//! One override, many HPAs: those that match its selector now, whatever comes, goes, or changes its labels meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{sync::OnceLock, time::Instant};

use hpa_override_testbed::{AuditLog, World, apply_yaml, wait_for};
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};
use support::*;

const COUNT: usize = 30;
const OWNED: &str =
    "ownerReferences: [{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: web, uid: u, controller: true}], ";

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world(true, json!({})))
}

/// Applies an HPA of 2–5 that the selector matches, as its owner.
async fn apply(shop: &Shop, name: &str, more: &str) {
    let metadata = format!("name: {name}, {more}namespace: {}, labels: {{tier: front, ", shop.namespace);
    let manifest = shop.manifest(2, 5);
    let labelled = manifest.replace(&format!("name: web, namespace: {}, labels: {{", shop.namespace), &metadata);
    assert_ne!(labelled, manifest);
    apply_yaml(&shop.client, &labelled, "argocd", false).await.unwrap();
}

async fn create(shop: &Shop) {
    let selector = json!({"matchLabels": {"tier": "front"}});
    shop.try_create("ovr", overridden(&json!({"selector": selector, "duration": "1h"}))).await.unwrap();
}

/// All HPAs, once that holds of each.
async fn wait_all(shop: &Shop, what: &str, holds: impl Fn(&Value) -> bool) -> Vec<Value> {
    let waited = wait_for(what, LIMIT, async || {
        let list = shop.hpas("v2").list(&ListParams::default()).await?;
        let all: Vec<Value> = list.items.into_iter().map(|hpa| serde_json::to_value(hpa).unwrap()).collect();
        let not_yet = all.iter().find(|hpa| !holds(hpa));
        anyhow::ensure!(not_yet.is_none(), "{not_yet:?}");
        Ok(all)
    });
    waited.await.unwrap_or_else(|error| panic!("{error:#}\n{}", shop.world.controller_log()))
}

async fn wait_counts(shop: &Shop, targets: usize, applied: usize) -> Value {
    let what = format!("{applied} of {targets}");
    let wanted = |status: &Value| status["targets"] == targets && status["applied"] == applied;
    shop.wait_status("ovr", &what, wanted).await
}

/// The status writes since the last look: there is one at least, and by no means one a target.
async fn expect_few(shop: &Shop, audit: &AuditLog, seen: &mut usize, what: &str) {
    let written = wait_for("the status write in the audit log", LIMIT, async || {
        let written = shop.override_writes("ovr", audit).len() - *seen;
        anyhow::ensure!(written > 0, "there is none");
        Ok(written)
    });
    let written = written.await.unwrap();
    println!("{what}: {written} status writes");
    assert!(written <= 2, "{what}: {written} status writes");
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
    let shop = Shop::open(world, "many").await;
    for index in 0..COUNT {
        apply(&shop, &format!("web-{index}"), "").await;
    }
    let elsewhere = Shop::open(world, "elsewhere").await;
    apply(&elsewhere, "web", "").await;
    let before = wait_all(&shop, "thirty HPAs", |_| true).await;
    let (audit, mut seen, start) = (world.plane().audit(), 0, Instant::now());

    create(&shop).await;
    let status = wait_counts(&shop, COUNT, COUNT).await;
    println!("{COUNT} HPAs overridden and told of in {:.1?}", start.elapsed());
    assert_eq!((&status["phase"], &status["conditions"][0]["reason"]), (&"Active".into(), &"Applied".into()));
    wait_all(&shop, "all to be overridden", is_overridden).await;
    expect_few(&shop, &audit, &mut seen, "created").await;

    apply(&shop, "late", "").await;
    wait_counts(&shop, COUNT + 1, COUNT + 1).await;
    assert!(is_overridden(&shop.get_hpa("late").await));
    expect_few(&shop, &audit, &mut seen, "an HPA is created").await;

    shop.kubectl_ok(&["label", "hpa", "late", "tier-"], "");
    let given_back = wait_for("the one without the label to be given back", LIMIT, async || {
        let hpa = shop.get_hpa("late").await;
        anyhow::ensure!(is_traceless(&hpa), "{hpa}");
        Ok(())
    });
    given_back.await.unwrap();
    wait_counts(&shop, COUNT, COUNT).await;
    expect_few(&shop, &audit, &mut seen, "an HPA loses the label").await;

    shop.kubectl_ok(&["label", "hpa", "late", "tier=front"], "");
    wait_counts(&shop, COUNT + 1, COUNT + 1).await;
    assert!(is_overridden(&shop.get_hpa("late").await));
    expect_few(&shop, &audit, &mut seen, "an HPA gets the label").await;

    shop.hpas("v2").delete("late", &DeleteParams::default()).await.unwrap();
    wait_counts(&shop, COUNT, COUNT).await;
    expect_few(&shop, &audit, &mut seen, "an HPA is deleted").await;

    apply(&shop, "owned", OWNED).await;
    let status = wait_counts(&shop, COUNT + 1, COUNT).await;
    assert_eq!((&status["phase"], &status["conditions"][0]["status"]), (&"Active".into(), &"False".into()));
    assert_eq!(status["conditions"][0]["reason"], "PartlyApplied");
    assert_eq!(status["failing"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(status["failing"][0]["hpa"], "owned");
    assert_eq!(status["failing"][0]["reason"], "OwnedByController");
    assert!(is_traceless(&shop.get_hpa("owned").await));
    expect_few(&shop, &audit, &mut seen, "an owned HPA is created").await;

    let start = Instant::now();
    shop.delete("ovr").await;
    let after = wait_all(&shop, "all to be given back", is_traceless).await;
    println!("{COUNT} HPAs given back in {:.1?}", start.elapsed());
    for hpa in &before {
        let name = &hpa["metadata"]["name"];
        let same = after.iter().find(|after| after["metadata"]["name"] == *name).unwrap();
        assert_eq!(traces(same), traces(hpa), "{name}");
    }
    assert!(is_traceless(&elsewhere.hpa().await), "it is in another namespace");
    assert_eq!(shop.override_writes("ovr", &audit).len(), seen, "nothing is told of an override that is gone");
}

#[tokio::test]
async fn ten_failing_targets_are_listed_by_name() {
    let shop = Shop::open(world(), "failing").await;
    let names: Vec<String> = (10..22).map(|number| format!("owned-{number}")).collect();
    for name in names.iter().rev() {
        apply(&shop, name, OWNED).await;
    }
    apply(&shop, "web", "").await;
    create(&shop).await;
    let status = wait_counts(&shop, 13, 1).await;
    let listed: Vec<&str> =
        status["failing"].as_array().unwrap().iter().map(|target| target["hpa"].as_str().unwrap()).collect();
    assert_eq!(listed, names[..10], "the same whenever it is written");
    let message = status["conditions"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("applied on 1 of 13 targets; owned-10: "), "{message}");
}
