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
    let (ns, before) = with_hpa(world(), "start-to-end").await;
    let audit = world().plane().audit().from_now().unwrap();
    ns.create("ovr", for_an_hour()).await;
    let hpa = ns.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((2, 5)));
    assert_eq!(ns.controller_writes(&audit).len(), 2, "bounds and record, then ownership");
    let status = ns.wait_phase("ovr", "Active").await;
    assert_eq!(status["applied"], 1);
    ns.delete("ovr").await;
    let after = ns.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(&before));
    assert_eq!(ns.controller_writes(&audit).len(), 4, "the end is two more");
    ns.apply("argocd", 3, 9, false).await.unwrap();
}

#[tokio::test]
async fn a_revert_is_undone_and_ownership_returned_again() {
    let (ns, before) = under_override(world(), "revert").await;
    ns.apply("argocd", 2, 5, true).await.unwrap();
    let hpa = ns.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((2, 5)));
    ns.apply("argocd", 2, 5, false).await.unwrap();
    ns.wait_overridden(10, 20).await;
    ns.delete("ovr").await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}

#[tokio::test]
async fn a_record_dropped_by_a_replace_is_restored_from_memory() {
    let ns = TestNamespace::new(world(), "dropped").await;
    ns.begin(Way::KubectlReplace, 2, 5).await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    ns.write(Way::KubectlReplace, 3, 8).await;
    let hpa = ns.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((3, 8)));
    ns.delete("ovr").await;
    ns.wait_traceless(3, 8).await;
}

#[tokio::test]
async fn a_changed_number_is_recorded() {
    let (ns, _) = under_override(world(), "changed").await;
    ns.apply("argocd", 3, 8, false).await.unwrap();
    let hpa = ns.wait_hpa("3-8 to be recorded", |hpa| {
        anyhow::ensure!(desired(hpa) == Some((3, 8)) && bounds(hpa) == (10, 20) && !we_own_a_bound(hpa), "{hpa}");
        Ok(())
    });
    hpa.await;
    ns.delete("ovr").await;
    ns.wait_traceless(3, 8).await;
    ns.apply("argocd", 4, 9, false).await.unwrap();
}

/// Seconds: so long that three reverts are undone at once, then one after each delay of 2, 4 and 8 s; the delay of 16 s
/// ends later.
const PERIOD: i64 = 29;
/// Each takes two writes: the bounds, then ownership.
const MOST_WRITES: usize = 2 * (3 + 3);

#[tokio::test]
async fn a_tight_revert_loop_ends_in_backoff_and_contested() {
    let (ns, _) = under_override(world(), "contested").await;
    let (audit, start) = (world().plane().audit(), Timestamp::now());
    let end = start + SignedDuration::from_secs(PERIOD);
    let mut reverts = 0;
    let period = wait_for("the period of reverts", LIMIT, async || {
        if bounds(&ns.hpa().await) == (10, 20) {
            ns.apply("argocd", 2, 5, true).await.unwrap();
            reverts += 1;
        }
        anyhow::ensure!(Timestamp::now() >= end, "{reverts} reverts");
        Ok(())
    });
    period.await.unwrap();
    let writes = ns.controller_writes(&audit).into_iter().filter(|write| (start..end).contains(&write.received));
    let writes = writes.count();
    println!("{reverts} reverts, each as soon as the override is back, and {writes} writes by the controller");
    assert!(writes <= MOST_WRITES, "{writes} writes");
    let status = ns.override_("ovr").await["status"].clone();
    assert_eq!(status["conditions"][0]["reason"], "Contested");
    assert_eq!((&status["phase"], &status["conditions"][0]["status"]), (&"Active".into(), &"False".into()));
    let message = status["failing"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("`argocd` keeps writing other bounds"), "{message}");
    // The next is undone after its delay, and still reported.
    ns.wait_overridden(10, 20).await;
    assert_eq!(ns.override_("ovr").await["status"]["conditions"][0]["reason"], "Contested");
    ns.delete("ovr").await;
    ns.wait_traceless(2, 5).await;
}
