//! An edit of an active override is checked like a start: without the guard the controller alone refuses it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::*;

/// Waits until `Ready` is as it is to be; the status.
async fn wait_ready(ns: &TestNamespace, holds: &str, reason: &str) -> Value {
    let is_so = |status: &Value| {
        let ready = &status["conditions"][0];
        ready["type"] == "Ready" && ready["status"] == holds && ready["reason"] == reason
    };
    ns.wait_status("ovr", &format!("Ready {holds}, {reason}"), is_so).await
}

#[tokio::test]
async fn a_refused_edit_leaves_what_was_accepted() {
    let world = for_ever(world(false, json!({"replicaCeiling": 50, "maxDuration": "4h"})));
    let (ns, before) = with_hpa(world, "edits").await;
    let ends = now() + 3600;
    ns.create("ovr", json!({"minReplicas": 10, "expiresAt": at(ends)})).await;
    ns.wait_overridden(10, 10).await;

    ns.edit("ovr", json!({"minReplicas": 400, "expiresAt": at(ends + 365 * 86_400)})).await.unwrap();
    let status = wait_ready(&ns, "False", "LimitExceeded").await;
    assert_eq!((&status["phase"], &status["endsAt"]), (&json!("Active"), &json!(at(ends))));
    let message = status["conditions"][0]["message"].as_str().unwrap();
    let both = ["minReplicas 400 is above the 50 allowed", "is longer than the 4h allowed"];
    assert!(both.iter().all(|part| message.contains(part)), "{message}");
    let kept = format!("what was accepted before stays active until {}", at(ends));
    assert!(message.ends_with(&kept), "{message}");
    assert_eq!(bounds(&ns.hpa().await), (10, 10));

    let sooner = ends - 600;
    ns.edit("ovr", json!({"expiresAt": at(sooner)})).await.unwrap();
    ns.wait_status("ovr", "the earlier end", |status| status["endsAt"] == at(sooner)).await;
    let layer = record(&ns.hpa().await).unwrap()["layers"][0].clone();
    assert_eq!(
        (&layer["minReplicas"], &layer["until"], &layer["generation"]),
        (&json!(10), &json!(at(sooner)), &json!(1))
    );

    world.change_controller_settings(&json!({"replicaCeiling": 500, "maxDuration": "4h"})).unwrap();
    let hpa = ns.wait_overridden(400, 400).await;
    assert_eq!(record(&hpa).unwrap()["layers"][0]["generation"], 3);
    wait_ready(&ns, "True", "Applied").await;
    ns.delete("ovr").await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}
