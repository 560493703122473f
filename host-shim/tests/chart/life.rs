//! An installation lives from install to uninstall while an override is active.

use std::sync::Arc;

use anyhow::Context as _;
use hpa_override_testbed::{ControlPlane, Identity, Options, Port, api_for, apply_yaml, parse_yaml, wait_for};
use kube::{Client, api::PostParams};
use serde_json::{Value, json};

use crate::{
    CHART, NAMESPACE,
    kubelet::Kubelet,
    run,
    support::{LIMIT, SHOP, bounds, record, traces},
};

const OVERRIDE: &str = "apiVersion: hpa-override.dev/v1
kind: AutoscalerOverride
metadata: {name: campaign, namespace: shop}
spec: {hpa: web, minReplicas: 10, maxReplicas: 20, duration: 1h}
";

struct Installed {
    plane: &'static ControlPlane,
    admin: Client,
    kubelet: Arc<Kubelet>,
    _proxy: Port,
}

impl Installed {
    async fn start() -> Self {
        let proxy = Port::reserve().unwrap();
        let options = Options { webhook_proxy: Some(proxy.number()), ..Options::with_controllers() };
        let plane: &ControlPlane = Box::leak(Box::new(ControlPlane::start(&options).unwrap()));
        let admin = plane.client(&Identity::Admin).await.unwrap();
        let kubelet = Kubelet::start(plane, NAMESPACE, &proxy).await;
        Self { plane, admin, kubelet, _proxy: proxy }
    }

    /// Helm succeeds.
    async fn helm(&self, arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let plane = self.plane;
        let done = tokio::task::spawn_blocking(move || {
            let arguments: Vec<_> = arguments.iter().map(String::as_str).chain(["--namespace", NAMESPACE]).collect();
            (run(Some(plane), &arguments), arguments.join(" "))
        });
        let ((is_good, text), arguments) = done.await.unwrap();
        assert!(is_good, "helm {arguments}: {text}\n{}", self.kubelet.logs());
        text
    }

    async fn get(&self, yaml: &str) -> anyhow::Result<Value> {
        let head = parse_yaml(yaml)?.pop().unwrap();
        Ok(serde_json::to_value(api_for(&self.admin, &head)?.get(&head.metadata.name.clone().unwrap()).await?)?)
    }

    async fn wait_hpa(&self, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        let waited = wait_for(what, LIMIT, async || {
            let hpa = self.get(SHOP).await?;
            anyhow::ensure!(check(&hpa), "{hpa}");
            Ok(hpa)
        });
        waited.await.unwrap_or_else(|error| panic!("{error:#}\n{}", self.kubelet.logs()))
    }

    /// An override is made, as soon as admission answers, and is effective.
    async fn is_overridden(&self) {
        let made =
            wait_for("an override to be made", LIMIT, async || apply_yaml(&self.admin, OVERRIDE, "alice", true).await);
        made.await.unwrap_or_else(|error| panic!("{error:#}\n{}", self.kubelet.logs()));
        self.wait_hpa("10-20", |hpa| bounds(hpa) == (10, 20) && record(hpa).is_some()).await;
    }

    /// The owner writes; the override stays, and what he wants is noted.
    async fn the_owner_writes(&self, max: i32) {
        let hpa = SHOP.replace("maxReplicas: 5", &format!("maxReplicas: {max}"));
        apply_yaml(&self.admin, &hpa, "argocd", true).await.unwrap();
        let hpa = self.get(SHOP).await.unwrap();
        let desired = &record(&hpa).unwrap()["desired"];
        assert_eq!((bounds(&hpa), desired), ((10, 20), &json!({"minReplicas": 2, "maxReplicas": max})));
    }
}

/// With a node that is imitated (`kubelet.rs`), and `--wait`: Helm waits for pods, tests and hooks as it always does.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs Helm: cargo xtask chart"]
async fn it_is_installed_upgraded_rolled_back_tested_and_uninstalled() {
    let this = Installed::start().await;
    apply_yaml(&this.admin, SHOP, "argocd", true).await.unwrap();
    let before = this.get(SHOP).await.unwrap();
    let wait = ["--wait", "--timeout=2m"];
    let notes = this.helm(&[&["install", "hpa-override", CHART, "--create-namespace"][..], &wait].concat()).await;
    assert!(notes.contains("Admission: the controller itself."), "{notes}");

    this.is_overridden().await;
    this.the_owner_writes(6).await;
    println!("{}", this.helm(&["test", "hpa-override", "--timeout=2m"]).await);

    let upgrade = ["upgrade", "hpa-override", CHART, "--set", "settings.requireReason=true"];
    this.helm(&[&upgrade[..], &wait].concat()).await;
    this.the_owner_writes(7).await;
    // A replica that stops answers for 15 s more, by its own settings.
    let refused = wait_for("the new limit to hold", LIMIT, async || {
        let another = parse_yaml(&OVERRIDE.replace("campaign", "another"))?.remove(0);
        let tried = PostParams { dry_run: true, ..PostParams::default() };
        let refused = api_for(&this.admin, &another)?.create(&tried, &another).await;
        let refused = refused.err().context("it is accepted")?.to_string();
        anyhow::ensure!(refused.contains("guard.hpa-override.dev") && refused.contains("reason"), "{refused}");
        Ok(refused)
    });
    println!("{}", refused.await.unwrap());
    this.helm(&["rollback", "hpa-override", "1", "--wait", "--timeout=2m"]).await;
    this.the_owner_writes(5).await;

    this.helm(&["uninstall", "hpa-override", "--wait", "--timeout=2m"]).await;
    let after = this.get(SHOP).await.unwrap();
    assert_eq!(bounds(&after), (2, 5));
    assert_eq!(traces(&after)["spec"], traces(&before)["spec"]);
    assert!(record(&after).is_none(), "{after}");
    // What is kept: the CRD, and so the override.
    this.get(OVERRIDE).await.unwrap();
    let kinds = "all,mutatingwebhookconfigurations,clusterroles,clusterrolebindings,roles,secrets,configmaps,poddisruptionbudgets";
    let mut left = this.plane.kubectl(&Identity::Admin).unwrap();
    left.args(["get", kinds, "-A", "-l", "app.kubernetes.io/part-of=hpa-override", "-o", "name"]);
    assert_eq!(String::from_utf8_lossy(&left.output().unwrap().stdout), "", "nothing is left");
}

/// The chart of an earlier commit is installed, and upgraded while an override is active.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs Helm: cargo xtask chart"]
async fn the_chart_before_is_upgraded() {
    let before = std::env::var("HPA_OVERRIDE_PREVIOUS_CHART").expect("`cargo xtask chart` names the chart before");
    let this = Installed::start().await;
    apply_yaml(&this.admin, SHOP, "argocd", true).await.unwrap();
    let wait = ["--wait", "--timeout=2m"];
    this.helm(&[&["install", "hpa-override", &before, "--create-namespace"][..], &wait].concat()).await;
    this.is_overridden().await;
    this.helm(&[&["upgrade", "hpa-override", CHART][..], &wait].concat()).await;
    this.the_owner_writes(6).await;
    this.helm(&["uninstall", "hpa-override", "--wait", "--timeout=2m"]).await;
    let after = this.get(SHOP).await.unwrap();
    assert!(bounds(&after) == (2, 6) && record(&after).is_none(), "{after}");
}
