//! Probes and metrics, on the real API server: they say what there is, and what has happened.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use hpa_override_testbed::{World, wait_for};
use serde_json::json;
use support::*;

/// Waits until a metric has that value.
async fn wait_metric(world: &World, name: &str, labels: &[(&str, &str)], expected: f64) {
    wait_for("a metric", LIMIT, async || {
        let found = world.admin().metrics()?.sum(name, labels);
        anyhow::ensure!(found.total_cmp(&expected).is_eq(), "{name} {labels:?}: {found}, not {expected}");
        Ok(())
    })
    .await
    .unwrap();
}

async fn wait_ready(world: &World) {
    wait_for("the controller to be ready", LIMIT, async || {
        let (status, text) = world.admin().get("/readyz")?;
        anyhow::ensure!(status == 200 && text == "ok", "{status}: {text}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn probes_and_metrics_follow_an_override() {
    let world = for_ever(support::world(false, json!({"defaultDuration": "Never"})));
    wait_ready(world).await;
    assert_eq!(world.admin().get("/healthz").unwrap(), (200, "ok".into()));
    let verbose = world.admin().get("/readyz?verbose").unwrap();
    let expected =
        "[+]horizontalpodautoscalers ok\n[+]autoscaleroverrides ok\n[+]permissions ok\nreadyz check passed\n";
    assert_eq!(verbose, (200, expected.into()));
    assert_eq!(world.admin().get("/").unwrap().0, 404);

    let (ns, _) = with_hpa(world, "metrics").await;
    ns.create("ovr", with_fields(overridden(&json!({})), &json!({"expiresAt": at(now() + 5)}))).await;
    ns.create("endless", json!({"hpa": "other", "minReplicas": 3})).await;
    ns.wait_overridden(10, 20).await;
    wait_metric(world, "hpa_override_overrides", &[("phase", "Active")], 2.0).await;
    wait_metric(world, "hpa_override_overrides_endless", &[], 1.0).await;
    wait_metric(world, "hpa_override_overrides_not_ready", &[("reason", "TargetNotFound")], 1.0).await;
    let metrics = world.admin().metrics().unwrap();
    assert_eq!(metrics.sum("hpa_override_hpas_under_override", &[]).to_string(), "1");
    assert_eq!(metrics.sum("hpa_override_hpas", &[]).to_string(), "1");
    assert_eq!(metrics.sum("hpa_override_leader", &[]).to_string(), "1");
    let next = metrics.sum("hpa_override_next_transition_seconds", &[]);
    assert!((0.0..=5.0).contains(&next), "{next}");
    assert_eq!(metrics.sum("hpa_override_writes_total", &[("kind", "hpa"), ("answer", "ok")]).to_string(), "2");

    ns.wait_traceless(2, 5).await;
    wait_metric(world, "hpa_override_transition_lateness_seconds_count", &[("transition", "end")], 1.0).await;
    wait_metric(world, "hpa_override_hpas_under_override", &[], 0.0).await;
    wait_metric(world, "hpa_override_overrides", &[("phase", "Expired")], 1.0).await;
    wait_metric(world, "hpa_override_overdue_seconds", &[], 0.0).await;
    wait_metric(world, "hpa_override_next_transition_seconds", &[], f64::INFINITY).await;
}

#[tokio::test]
async fn without_an_api_server_it_lives_and_is_not_ready() {
    let world = for_ever(support::world(false, json!({})));
    wait_ready(world).await;
    world.kill_controller().unwrap();
    world.plane().stop_api_server().unwrap();
    world.start_controller().unwrap();
    wait_for("the controller to say that it is not ready", LIMIT, async || {
        let (status, text) = world.admin().get("/readyz")?;
        anyhow::ensure!(status == 503, "{status}: {text}");
        let both = ["[-]horizontalpodautoscalers failed: not all are listed yet", "[-]autoscaleroverrides failed"];
        assert!(both.iter().all(|line| text.contains(line)) && text.ends_with("readyz check failed\n"), "{text}");
        anyhow::ensure!(
            world.admin().metrics()?.sum("hpa_override_watch_failures_total", &[]) >= 2.0,
            "no failure yet"
        );
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(world.admin().get("/healthz").unwrap(), (200, "ok".into()));
}
