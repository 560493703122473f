//! The controller alone, on a real API server: no policy is installed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{World, wait_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use support::{owner::Way, *};

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world(false, json!({})))
}

#[tokio::test]
async fn an_override_is_applied_in_two_writes_and_leaves_no_trace() {
    let shop = Shop::open(world(), "whole-life").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    let audit = world().plane().audit().from_now().unwrap();
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    let hpa = shop.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((2, 5)));
    assert_eq!(shop.controller_writes(&audit).len(), 2, "bounds and record, then ownership");
    let status = shop.wait_phase("ovr", "Active").await;
    assert_eq!(status["applied"], 1);
    shop.delete("ovr").await;
    let after = shop.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before));
    assert_eq!(shop.controller_writes(&audit).len(), 4, "the end is two more");
    shop.apply("argocd", 3, 9, false).await.unwrap();
}

#[tokio::test]
async fn a_revert_is_put_back_and_ownership_given_back_again() {
    let shop = Shop::open(world(), "revert").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let before = shop.hpa().await;
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(10, 20).await;
    shop.apply("argocd", 2, 5, true).await.unwrap();
    let hpa = shop.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((2, 5)));
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.wait_overridden(10, 20).await;
    shop.delete("ovr").await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
}

#[tokio::test]
async fn a_replace_that_drops_the_record_is_put_back_from_memory() {
    let shop = Shop::open(world(), "dropped").await;
    shop.begin(Way::KubectlReplace, 2, 5).await;
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(10, 20).await;
    shop.write(Way::KubectlReplace, 3, 8).await;
    let hpa = shop.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((3, 8)));
    shop.delete("ovr").await;
    shop.wait_traceless(3, 8).await;
}

#[tokio::test]
async fn a_changed_number_is_rebased() {
    let shop = Shop::open(world(), "rebase").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(10, 20).await;
    shop.apply("argocd", 3, 8, false).await.unwrap();
    let hpa = shop.wait_hpa("3–8 to be heard", |hpa| {
        anyhow::ensure!(desired(hpa) == Some((3, 8)) && bounds(hpa) == (10, 20) && !we_own_a_bound(hpa), "{hpa}");
        Ok(())
    });
    hpa.await;
    shop.delete("ovr").await;
    shop.wait_traceless(3, 8).await;
    shop.apply("argocd", 4, 9, false).await.unwrap();
}

/// Three reverts are put back at once, then one after each pause of 2, 4, 8 and 16 s; the one of 32 s ends after the
/// minute. Each is two writes: the bounds, then ownership.
const MOST_WRITES_A_MINUTE: usize = 2 * (3 + 4);

#[tokio::test]
async fn a_tight_revert_loop_ends_in_back_off_and_contested() {
    let shop = Shop::open(world(), "contest").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
    shop.wait_overridden(10, 20).await;
    let (audit, start) = (world().plane().audit(), Timestamp::now());
    let end = start + SignedDuration::from_mins(1);
    let mut reverts = 0;
    let minute = wait_for("a minute of reverts", 2 * LIMIT, async || {
        if bounds(&shop.hpa().await) == (10, 20) {
            shop.apply("argocd", 2, 5, true).await.unwrap();
            reverts += 1;
        }
        anyhow::ensure!(Timestamp::now() >= end, "{reverts} reverts");
        Ok(())
    });
    minute.await.unwrap();
    let writes = shop.controller_writes(&audit).into_iter().filter(|write| (start..end).contains(&write.received));
    let writes = writes.count();
    println!("in a minute, {reverts} reverts each as soon as ours is seen, and {writes} writes by the controller");
    assert!(writes <= MOST_WRITES_A_MINUTE, "{writes} writes");
    let status = shop.override_("ovr").await["status"].clone();
    assert_eq!(status["conditions"][0]["reason"], "Contested");
    assert_eq!((&status["phase"], &status["conditions"][0]["status"]), (&"Active".into(), &"False".into()));
    let message = status["failing"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("`argocd` keeps writing other bounds"), "{message}");
    // The next is put back after its pause, and still told.
    shop.wait_overridden(10, 20).await;
    assert_eq!(shop.override_("ovr").await["status"]["conditions"][0]["reason"], "Contested");
    shop.delete("ovr").await;
    shop.wait_traceless(2, 5).await;
}
