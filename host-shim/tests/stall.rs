//! Watches that stall: they stay open, and no event arrives, as behind a network that loses packets. Only their own
//! timeout ends them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::Duration;

use serde_json::json;
use support::*;
use tokio::time::Instant;

#[tokio::test]
async fn stalled_watches_are_noticed_within_a_minute() {
    // Without the policies, so that there is a revert to be undone.
    let world = for_ever(support::world(false, json!({})));
    let proxy = world.controller_through_proxy().unwrap();
    let (higher, _) = under_override(world, "higher").await;
    let (reverted, _) = under_override(world, "reverted").await;
    for ns in [&higher, &reverted] {
        ns.wait_phase("ovr", "Active").await;
    }

    proxy.stall_watches();
    let stalled = Instant::now();
    higher.create("higher", json!({"minReplicas": 30, "maxReplicas": 40, "priority": 1, "duration": "1h"})).await;
    reverted.apply("argocd", 3, 8, true).await.unwrap();
    let times = async |ns: &TestNamespace, min, max| {
        let hpa = ns.wait_overridden(min, max).await;
        (stalled.elapsed(), desired(&hpa))
    };
    let (overrides, hpas) = tokio::join!(times(&higher, 30, 40), times(&reverted, 10, 20));
    println!("after the stall, a new override is applied in {:.1?}, a revert undone in {:.1?}", overrides.0, hpas.0);
    assert_eq!((overrides.1, hpas.1), (Some((2, 5)), Some((3, 8))));
    for after in [overrides.0, hpas.0] {
        assert!((Duration::from_secs(10)..=Duration::from_mins(1)).contains(&after), "{after:?}: by its timeout");
    }
}
