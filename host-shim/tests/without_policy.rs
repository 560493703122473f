//! The controller alone, on a real API server: no policy is installed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::World;
use serde_json::json;
use support::*;

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
