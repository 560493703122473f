//! `cargo xtask monitoring`: the alerts and the dashboard of `deploy/monitoring`, in the hands of the real promtool.
//!
//! The rules are valid, each alert fires when it should and is quiet when it should be, and every query of the dashboard is
//! one. promtool is built by Go from the modules pinned in `testbed/tools/prometheus`: that takes minutes the first time.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{command::Command, go, workspace::Workspace};

const TOOLS: &str = "testbed/tools/prometheus";
const PACKAGES: &str = "github.com/prometheus/prometheus/cmd";
const RENDER: &str = "test -p hpa-override-host-shim --test dashboard -- --ignored --nocapture";
const FOLDER: &str = "deploy/monitoring";
const RULES: [&str; 2] = ["controller-rules.yaml", "admission-rules.yaml"];
const TESTS: &str = "rules-tests.yaml";
const DASHBOARD: &str = "dashboard.json";
/// The queries of the dashboard, as promtool checks them.
const QUERIES: &str = "dashboard-queries.yaml";

#[derive(Deserialize)]
struct PrometheusRule {
    spec: Value,
}

/// Fails where promtool refuses something, or an alert does not do what its tests say.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let promtool = built(workspace, "promtool")?;
    let room = workspace.target.join("xtask/monitoring");
    fs::create_dir_all(&room).with_context(|| format!("cannot create {}", room.display()))?;
    let write =
        |name: &str, text: String| fs::write(room.join(name), text).with_context(|| format!("cannot write {name}"));
    for name in RULES {
        write(name, serde_json::to_string_pretty(&rules(workspace, name)?)?)?;
    }
    write(TESTS, workspace.read(&format!("{FOLDER}/{TESTS}"))?)?;
    let queries = queries(workspace)?;
    let as_rules =
        queries.iter().enumerate().map(|(at, query)| json!({"record": format!("panel_{at}"), "expr": query}));
    let as_rules: Vec<_> = as_rules.collect();
    write(QUERIES, serde_json::to_string_pretty(&json!({"groups": [{"name": "dashboard", "rules": as_rules}]}))?)?;
    let check = Command::new(&promtool).words("check rules --lint=all --lint-fatal");
    check.args(RULES.iter().chain(&[QUERIES]).map(|name| room.join(name).into())).run()?;
    Command::new(&promtool).words("test rules").arg(room.join(TESTS)).run()?;
    println!("monitoring: {} queries of the dashboard are valid", queries.len());
    Ok(())
}

/// Fails where a panel has nothing to show that should, and draws what they show.
pub(crate) fn render(workspace: &Workspace) -> Result<()> {
    let test = workspace.cargo(RENDER).variable("HPA_OVERRIDE_PROMETHEUS", built(workspace, "prometheus")?);
    test.variable("HPA_OVERRIDE_PICTURE", workspace.target.join("dashboard.svg")).run()
}

fn built(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    go::program(workspace, TOOLS, &format!("{PACKAGES}/{name}"), name)
}

/// The groups of a `PrometheusRule`, as Prometheus itself reads them.
fn rules(workspace: &Workspace, name: &str) -> Result<Value> {
    let text = workspace.read(&format!("{FOLDER}/{name}"))?;
    let rule: PrometheusRule = serde_saphyr::from_str(&text).with_context(|| format!("cannot read {name}"))?;
    Ok(rule.spec)
}

/// Every query of the dashboard.
fn queries(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let dashboard: Value = serde_json::from_str(&workspace.read(&format!("{FOLDER}/{DASHBOARD}"))?)?;
    let panels = dashboard.get("panels").and_then(Value::as_array).context("the dashboard has no panels")?;
    let targets = panels.iter().filter_map(|panel| panel.get("targets")?.as_array()).flatten();
    Ok(targets.filter_map(|target| Some(target.get("expr")?.as_str()?.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What begins like a metric of the controller, in any text.
    fn metrics(text: &str) -> BTreeSet<&str> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        // Those of objects are kube-state-metrics' own.
        words.filter(|word| word.starts_with("hpa_override_") && !word.starts_with("hpa_override_object_")).collect()
    }

    #[test]
    fn every_metric_that_is_asked_for_is_one() {
        let workspace = Workspace::find().unwrap();
        let page = workspace.read("docs/reference/metrics.md").unwrap();
        let known = metrics(&page);
        let texts =
            RULES.iter().chain(&[TESTS, DASHBOARD]).map(|name| workspace.read(&format!("{FOLDER}/{name}")).unwrap());
        for text in texts {
            for metric in metrics(&text) {
                assert!(known.contains(metric.trim_end_matches("_bucket")), "{metric}");
            }
        }
    }

    #[test]
    fn every_alert_has_a_section_and_a_test() {
        let workspace = Workspace::find().unwrap();
        let page = workspace.read("docs/alerts.md").unwrap();
        let tests = workspace.read(&format!("{FOLDER}/{TESTS}")).unwrap();
        let all = RULES.map(|name| rules(&workspace, name).unwrap());
        let alerts = all
            .iter()
            .flat_map(|spec| spec["groups"].as_array().unwrap())
            .flat_map(|group| group["rules"].as_array().unwrap());
        for rule in alerts {
            let alert = rule["alert"].as_str().unwrap();
            assert!(page.contains(&format!("\n### {alert}\n")), "docs/alerts.md has no section {alert}");
            assert_eq!(tests.matches(&format!("  - name: {alert}\n")).count(), 1, "{alert} has no test");
            let runbook = rule["annotations"]["runbook_url"].as_str().unwrap();
            assert!(runbook.ends_with(&format!("docs/alerts.md#{}", alert.to_lowercase())), "{runbook}");
        }
    }
}
