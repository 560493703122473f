//! The dashboard: every query of every panel against a real Prometheus that scrapes two replicas and the API server, drawn
//! into one picture. `cargo xtask monitoring --render` builds Prometheus and runs it. Grafana itself is no part of it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod picture;
mod prometheus;
#[path = "../support/mod.rs"]
mod support;

use std::{fs, path::Path};

use hpa_override_testbed::{Identity, wait_for};
use serde_json::{Value, json};
use support::*;

use self::prometheus::{Prometheus, Series};

/// The program.
const PROMETHEUS: &str = "HPA_OVERRIDE_PROMETHEUS";
/// Where the picture goes.
const PICTURE: &str = "HPA_OVERRIDE_PICTURE";

/// Panels that show nothing while all is well, or that ask kube-state-metrics, of which there is none.
const EMPTY: [&str; 5] = [
    "Overrides: by whom, until when",
    "Refused writes, by answer",
    "Failed lists and watches",
    "Match conditions that cannot be evaluated",
    "HPAs with a problem, by reason",
];

#[tokio::test]
#[ignore = "needs Prometheus: cargo xtask monitoring --render"]
async fn every_panel_shows_something() {
    let program = std::env::var(PROMETHEUS).expect("cargo xtask monitoring --render sets HPA_OVERRIDE_PROMETHEUS");
    let world = for_ever(support::world(true, json!({})));
    world.kill_controller().unwrap();
    let replicas = [0, 1].map(|number| world.start_replica(&format!("replica-{number}"), 0).unwrap());
    let kubeconfig = serde_json::to_value(world.plane().kubeconfig(&Identity::user(ALICE)).unwrap()).unwrap();
    let admins = replicas.each_ref().map(|replica| replica.admin.address());
    let prometheus = Prometheus::start(Path::new(&program), world.plane().folder(), &admins, &kubeconfig);
    wait_for("all targets to be scraped", LIMIT, async || {
        let up = prometheus.now("sum(up)")?;
        anyhow::ensure!(up == Some(3.0), "{up:?}\n{}", prometheus.log());
        Ok(())
    })
    .await
    .unwrap();

    let (ns, _) = with_hpa(world, "shop").await;
    for (name, spec) in [
        ("ends", overridden(&json!({"expiresAt": at(now() + 15)}))),
        ("next", overridden(&json!({"startsAt": at(now() + 5), "expiresAt": at(now() + 25), "priority": 1}))),
        ("stays", overridden(&json!({"duration": "1h", "priority": -2}))),
        ("waits", overridden(&json!({"duration": "1h", "hpa": "not-there"}))),
    ] {
        ns.create(name, spec).await;
    }
    ns.try_create("wrong", json!({"hpa": "web", "minReplicas": 3, "maxReplicas": 2, "duration": "1h"}))
        .await
        .unwrap_err();
    ns.wait_overridden(10, 20).await;
    world.policy_host().unwrap().stop();
    ns.apply("argocd", 3, 6, true).await.unwrap();
    ns.wait_overridden(10, 20).await;
    world.policy_host().unwrap().start_again().unwrap();
    ns.wait_phase("next", "Expired").await;
    let ended = r#"sum(rate(hpa_override_transition_lateness_seconds_count{transition="end"}[5m]))"#;
    wait_for("the ends to be scraped", LIMIT, async || {
        let rate = prometheus.now(ended)?;
        anyhow::ensure!(rate.is_some_and(|rate| rate > 0.0), "{rate:?}");
        Ok(())
    })
    .await
    .unwrap();

    let dashboard = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring/dashboard.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(dashboard).unwrap()).unwrap();
    let (mut panels, mut empty) = (Vec::new(), Vec::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let (title, targets) = (panel["title"].as_str().unwrap(), panel["targets"].as_array());
        let queries = targets.into_iter().flatten().map(|target| target["expr"].as_str().unwrap());
        let series: Vec<Series> = queries.flat_map(|query| prometheus.range(query).unwrap()).collect();
        if targets.is_some() && series.is_empty() {
            empty.push(title);
        }
        panels.push((panel, series));
    }
    if let Ok(path) = std::env::var(PICTURE) {
        fs::write(&path, picture::draw(&panels)).unwrap();
        println!("{path}: {} panels, {} of them empty: {empty:?}", panels.len(), empty.len());
    }
    let unexpected: Vec<_> = empty.iter().filter(|title| !EMPTY.contains(title)).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}
