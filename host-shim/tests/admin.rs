//! Probes, metrics and settings of the controller, on the real API server: they say what there is, and what has happened.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use hpa_override_testbed::{
    CONTROLLER_USER, Child, Identity, Signal, World, api_for, apply_yaml, parse_yaml, wait_for,
};
use kube::api::{DeleteParams, Patch, PatchParams};
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

const FROZEN: &str = "frozen by change management";

/// Refuses the controller's writes to HPAs of a namespace.
fn freeze(namespace: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: freeze}}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {namespace}}}}}
    resourceRules:
      - {{apiGroups: [autoscaling], apiVersions: ['*'], operations: [UPDATE], resources: [horizontalpodautoscalers]}}
  validations:
    - {{expression: \"request.userInfo.username != '{CONTROLLER_USER}'\", message: {FROZEN}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: freeze}}
spec: {{policyName: freeze, validationActions: [Deny]}}
"
    )
}

/// Every alert on the controller has its series, which moves when it should and back again.
#[tokio::test]
async fn what_goes_wrong_shows_in_the_metrics_until_it_is_over() {
    let world = for_ever(support::world(false, json!({})));
    let admin = world.plane().client(&Identity::Admin).await.unwrap();

    let (broken, _) = with_hpa(world, "broken").await;
    broken.write_record(Some("{")).await;
    wait_metric(world, "hpa_override_unreadable_records", &[], 1.0).await;
    broken.write_record(None).await;
    wait_metric(world, "hpa_override_unreadable_records", &[], 0.0).await;

    let (contested, _) = under_override(world, "contested").await;
    wait_for("it to be contested", LIMIT, async || {
        contested.apply("argocd", 2, 5, true).await?;
        let found = world.admin().metrics()?.sum("hpa_override_hpas_with_problem", &[("reason", "Contested")]);
        anyhow::ensure!(found > 0.0, "not yet");
        Ok(())
    })
    .await
    .unwrap();
    assert!(world.admin().metrics().unwrap().sum("hpa_override_reverts_total", &[]) >= 3.0);
    contested.delete("ovr").await;

    // The override is deleted: no status can say that its end is refused.
    let (frozen, _) = under_override(world, "frozen").await;
    apply_yaml(&admin, &freeze("frozen"), "security", true).await.unwrap();
    let controller = Identity::service_account("hpa-override", "hpa-override-controller");
    let ours = frozen.with_client(world.plane().client(&controller).await.unwrap());
    let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
    wait_for("the policy to hold", LIMIT, async || {
        let label = Patch::Merge(json!({"metadata": {"labels": {"probe": "true"}}}));
        let refused = ours.hpas("v2").patch("web", &dry_run, &label).await;
        anyhow::ensure!(refused.is_err(), "it is not refused");
        Ok(())
    })
    .await
    .unwrap();
    frozen.delete("ovr").await;
    wait_metric(world, "hpa_override_hpas_with_problem", &[("reason", "WriteDenied")], 1.0).await;
    assert!(world.admin().metrics().unwrap().sum("hpa_override_writes_total", &[("answer", "denied")]) >= 1.0);
    wait_for("the refusal in an event on the HPA", LIMIT, async || {
        let (_, described) = frozen.kubectl(&["describe", "hpa", "web"], "");
        let line = described.lines().find(|line| line.contains("WriteDenied"));
        anyhow::ensure!(line.is_some_and(|line| line.contains(FROZEN)), "{described}");
        Ok(())
    })
    .await
    .unwrap();
    let policies = parse_yaml(&freeze("frozen")).unwrap();
    for object in policies.iter().rev() {
        let name = object.metadata.name.clone().unwrap();
        api_for(&admin, object).unwrap().delete(&name, &DeleteParams::default()).await.unwrap();
    }
    frozen.wait_traceless(2, 5).await;
    contested.wait_traceless(2, 5).await;
    wait_metric(world, "hpa_override_hpas_with_problem", &[], 0.0).await;
}

#[tokio::test]
async fn a_changed_settings_file_takes_effect_and_one_that_is_not_valid_changes_nothing() {
    let world = for_ever(support::world(false, json!({"replicaCeiling": 15})));
    let ns = with_hpa(world, "settings").await.0;
    ns.create("ovr", json!({"minReplicas": 10, "maxReplicas": "4000%", "duration": "1h"})).await;
    ns.wait_overridden(10, 15).await;
    world.write_settings("replicaCeiling: 30\n").unwrap();
    ns.wait_overridden(10, 30).await;
    wait_metric(world, "hpa_override_settings_invalid", &[], 0.0).await;

    world.write_settings("replicaCeiling: many\nnoSuchSetting: 1\n").unwrap();
    wait_metric(world, "hpa_override_settings_invalid", &[], 1.0).await;
    let log = world.controller_log();
    assert!(log.contains("are not valid: ") && log.contains("those from before stay in force"), "{log}");
    ns.create("higher", json!({"minReplicas": 25, "maxReplicas": "4000%", "priority": 1, "duration": "1h"})).await;
    ns.wait_overridden(25, 30).await;
    wait_for("an event", LIMIT, async || {
        let (_, events) = ns.kubectl(&["get", "events", "-n", "hpa-override", "-o", "wide"], "");
        let line = events.lines().find(|line| line.contains("SettingsInvalid"));
        anyhow::ensure!(line.is_some_and(|line| line.contains("noSuchSetting")), "{events}");
        Ok(())
    })
    .await
    .unwrap();

    world.write_settings("replicaCeiling: 28\n").unwrap();
    ns.wait_overridden(25, 28).await;
    wait_metric(world, "hpa_override_settings_invalid", &[], 0.0).await;
    assert_eq!(world.admin().metrics().unwrap().sum("hpa_override_settings_changes_total", &[]).to_string(), "3");
}

#[tokio::test]
async fn a_dry_run_writes_no_hpa_and_says_what_it_would() {
    let world = for_ever(support::world(false, json!({})));
    world.kill_controller().unwrap();
    let mut command = world.controller_command().unwrap();
    let log = world.plane().folder().join("dry-run.log");
    command.arg("--dry-run");
    let mut controller = Child::spawn(command, &log).unwrap();
    let (ns, before) = with_hpa(world, "dry-run").await;
    let audit = world.plane().audit().from_now().unwrap();
    ns.create("ovr", with_fields(overridden(&json!({})), &json!({"expiresAt": at(now() + 6)}))).await;
    let status = ns.wait_status("ovr", "DryRun", |status| {
        let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|it| it["type"] == "Ready" && it["reason"] == "DryRun")
    });
    let status = status.await;
    let message = status["conditions"][0]["message"].as_str().unwrap();
    assert!(message.contains("dry run, not written: ") && message.contains("10-20"), "{message}");
    wait_metric(world, "hpa_override_hpas_with_problem", &[("reason", "DryRun")], 1.0).await;
    assert!(controller.log().contains("dry run, not written: "), "{}", controller.log_tail());
    ns.wait_phase("ovr", "Expired").await;
    wait_metric(world, "hpa_override_hpas_with_problem", &[], 0.0).await;
    assert_eq!((ns.hpa().await, ns.controller_writes(&audit).len()), (before, 0));
    controller.signal(Signal::SIGTERM).unwrap();
    assert!(controller.wait(LIMIT).unwrap().success());
}
