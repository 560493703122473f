//! Overrides that were stored under the schema of `before.yaml`, which admitted nearly everything, and that the schema of
//! today refuses: they still get a status, labels, and the end of their finalizers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use anyhow::ensure;
use hpa_override_testbed::{Identity, World, apply_yaml, wait_for};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::*;

/// The CRD as it was before the schema said more than types and lengths.
const BEFORE: &str = include_str!("before.yaml");
const FINALIZER: &str = "example.com/hold";

/// What the schema of today refuses, and the beginning of what the status says.
fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"hpa": "web", "minReplicas": 2, "mode": "raise"}), "spec.mode: `raise` is not a mode"),
        (json!({"minReplicas": 2}), "spec: no target"),
        (json!({"hpa": "web", "selector": {"matchLabels": {"a": "b"}}, "minReplicas": 2}), "spec: two targets"),
        (json!({"selector": {}, "minReplicas": 2}), "spec.selector: the selector is empty"),
        (
            json!({"selector": {"matchExpressions": [{"key": "a"}]}, "minReplicas": 2}),
            "spec.selector: the selector is wrong",
        ),
        (json!({"hpa": "Web", "minReplicas": 2}), "spec.hpa: `Web` is not the name"),
        (json!({"hpa": "a".repeat(300), "minReplicas": 2}), "spec.hpa: `aaaa"),
        (json!({"hpa": "web", "namespace": "a.b", "minReplicas": 2}), "spec.namespace: `a.b` is not the name"),
        (json!({"hpa": "web"}), "spec: no bounds"),
        (json!({"hpa": "web", "minReplicas": 60, "maxReplicas": 40}), "spec.minReplicas: minReplicas 60 is above"),
        (json!({"hpa": "web", "minReplicas": 0}), "spec.minReplicas: `0` is not an amount"),
        (json!({"hpa": "web", "minReplicas": "+5"}), "spec.minReplicas: `+5` is not an amount"),
        (
            json!({"hpa": "web", "minReplicas": 2, "expiresAt": "tomorrow"}),
            "spec.expiresAt: `tomorrow` is not an instant",
        ),
        (json!({"hpa": "web", "minReplicas": 2, "duration": "1w"}), "spec.duration: `1w` is not a duration"),
        (json!({"hpa": "web", "minReplicas": 2, "returnOver": "25h"}), "spec.returnOver: 1d1h is longer than 24h"),
        (json!({"hpa": "web", "minReplicas": 2, "schedule": {"cron": "0 8 * * *"}}), "spec.duration: with a schedule"),
        (json!({"hpa": "web", "minReplicas": 2, "duration": "1h", "schedule": {}}), "spec.schedule.cron: "),
        (
            json!({"hpa": "web", "minReplicas": 2, "duration": "1h", "ttlAfterFinished": "1h"}),
            "spec.ttlAfterFinished: ",
        ),
    ]
}

/// Installs a CRD, and waits until it admits what the schema of today refuses, or does not.
async fn install(ns: &TestNamespace, crd: &str, admits: bool) {
    apply_yaml(&ns.world.plane().client(&Identity::Admin).await.unwrap(), crd, "installer", true).await.unwrap();
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let probe = ns.new_override("probe", &mistakes()[0].0);
    let installed = wait_for("the CRD to be served", LIMIT, async || {
        let answer = ns.overrides().create(&dry_run, &probe).await;
        ensure!(answer.is_ok() == admits, "{answer:?}");
        Ok(())
    });
    installed.await.unwrap();
}

async fn merge(ns: &TestNamespace, name: &str, patch: Value) -> Value {
    let patched = ns.overrides().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
    serde_json::to_value(patched.unwrap_or_else(|error| panic!("{name}: {error}"))).unwrap()
}

#[tokio::test]
async fn what_an_older_schema_admitted_still_gets_status_labels_and_its_end() {
    let world: &'static World = for_ever(world(false, json!({})));
    let ns = TestNamespace::new(world, "stored").await;
    world.kill_controller().unwrap();
    install(&ns, BEFORE, true).await;
    for (number, (spec, _)) in mistakes().iter().enumerate() {
        let mut object = ns.new_override(&format!("ovr-{number}"), spec);
        object.metadata.finalizers = Some(vec![FINALIZER.into()]);
        ns.overrides().create(&PostParams::default(), &object).await.unwrap_or_else(|error| panic!("{spec}: {error}"));
    }
    let nulls =
        json!({"hpa": "web", "minReplicas": 2, "selector": null, "mode": null, "reason": null, "schedule": null});
    ns.overrides().create(&PostParams::default(), &ns.new_override("nulls", &nulls)).await.unwrap();
    let now = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crd/crd.yaml")).unwrap();
    install(&ns, &now, false).await;
    world.start_controller().unwrap();
    ns.wait_phase("nulls", "Active").await;
    for (number, (_, message)) in mistakes().into_iter().enumerate() {
        let name = format!("ovr-{number}");
        let status = ns.wait_phase(&name, "Invalid").await;
        let said = status["conditions"][0]["message"].as_str().unwrap();
        assert!(said.starts_with(message), "{name}: {said}");
        let labelled = merge(&ns, &name, json!({"metadata": {"labels": {"team": "shop"}}})).await;
        assert_eq!(labelled["metadata"]["labels"]["team"], "shop");
        ns.overrides().delete(&name, &DeleteParams::default()).await.unwrap();
        merge(&ns, &name, json!({"metadata": {"finalizers": null}})).await;
        assert!(ns.overrides().get_opt(&name).await.unwrap().is_none(), "{name} is still there");
    }
}
