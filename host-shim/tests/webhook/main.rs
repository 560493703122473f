//! Admission by the controller's own webhook, in place of Kubewarden, with the shipped configurations: the same promises.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod certificate;
mod changing_over;
mod requests;
mod rights;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use hpa_override_testbed::{
    Child, Identity, Port, Signal, World, apply_yaml, install_configurations, parse_yaml, server_certificate, wait_for,
    wait_until_asked,
};
use kube::api::{DynamicObject, ListParams};
use requests::{Caller, review};
use serde_json::{Value, json};
use support::*;

/// A world whose controller answers admission.
struct Admitting {
    world: &'static World,
    controller: Child,
    address: String,
    folder: PathBuf,
    port: Port,
}

impl Admitting {
    async fn start(settings: Value) -> Self {
        let world = for_ever(support::world(false, settings));
        world.kill_controller().unwrap();
        let folder = world.plane().folder().join("certificate");
        fs::create_dir_all(&folder).unwrap();
        let port = Port::reserve().unwrap();
        let address = format!("127.0.0.1:{}", port.number());
        let ca = write_certificate(&folder);
        let controller = start(world, &address, &folder);
        let this = Self { world, controller, address, folder, port };
        this.install(&ca).await;
        this
    }

    /// The shipped configurations, but that the webhook is not behind a Service: the API server cannot reach one here.
    async fn install(&self, ca: &str) {
        let client = self.world.plane().client(&Identity::Admin).await.unwrap();
        install_configurations(&client, self.port.number(), Some(ca)).await.unwrap();
        wait_until_asked(&client).await.unwrap();
    }
}

fn start(world: &World, address: &str, folder: &Path) -> Child {
    let mut command = world.controller_command().unwrap();
    command.arg("--webhook").arg(format!("--webhook-address={address}"));
    command.arg(format!("--webhook-cert-dir={}", folder.display()));
    Child::spawn(command, &world.plane().folder().join("webhook.log")).unwrap()
}

/// A new certificate in that folder, as PEM: it is its own authority.
fn write_certificate(folder: &Path) -> String {
    let made = server_certificate(&[]).unwrap();
    fs::write(folder.join("tls.key"), &made.key).unwrap();
    fs::write(folder.join("tls.crt"), &made.cert).unwrap();
    made.cert
}

#[tokio::test]
async fn an_override_is_checked_stamped_kept_and_ended_as_with_the_policies() {
    let admitting = Admitting::start(json!({"protectedNamespaces": ["holy"]})).await;
    let world = admitting.world;
    let (ns, before) = with_hpa(world, "shop").await;

    // The schema cannot know the settings; the guard refuses, with the sentence of the core.
    let holy = TestNamespace::new(world, "holy").await;
    let error = holy.try_create("any", overridden(&json!({"hpa": "web", "duration": "1h"}))).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains(r#"admission webhook "guard.hpa-override.dev" denied the request"#), "{error}");
    assert!(error.contains("holy"), "{error}");

    let audit = world.plane().audit().from_now().unwrap();
    let made = ns.create("ovr", for_an_hour()).await;
    let stamp: Value =
        serde_json::from_str(made["metadata"]["annotations"]["hpa-override.dev/requested-by"].as_str().unwrap())
            .unwrap();
    assert_eq!(stamp["user"], ALICE);
    ns.wait_overridden(10, 20).await;

    // The owner applies as ever, in every way, and the override stays.
    let applied = ns.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!((bounds(&applied), desired(&applied)), ((10, 20), Some((3, 8))));
    ns.kubectl_ok(&["patch", "hpa", "web", "--type=merge", "-p", r#"{"spec":{"maxReplicas":9}}"#], "");
    let hpa = ns.hpa().await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((3, 9))));
    ns.apply("argocd", 2, 5, true).await.unwrap();
    ns.delete("ovr").await;
    let after = ns.wait_traceless(2, 5).await;
    assert_eq!(traces(&after)["spec"], traces(&before)["spec"]);
    // One patch begins and two end: the webhook restores who owns the bounds in the first.
    assert_eq!(ns.wait_writes(&audit, 3).await.len(), 3);
}

#[tokio::test]
async fn a_certificate_that_is_renewed_loses_no_write() {
    let mut admitting = Admitting::start(json!({})).await;
    let world = admitting.world;
    let (ns, _) = under_override(world, "rotation").await;
    for round in 0..3 {
        // Whoever renews writes both bundles before; here each certificate is its own authority.
        let old = fs::read_to_string(admitting.folder.join("tls.crt")).unwrap();
        let new = write_certificate(&admitting.folder);
        admitting.install(&format!("{old}{new}")).await;
        if round == 1 {
            admitting.controller.kill().unwrap();
            admitting.controller = start(world, &admitting.address, &admitting.folder);
        }
        wait_for("the new certificate to be shown", LIMIT, async || {
            let log = admitting.controller.log();
            let said = log.matches("another certificate").count() + log.matches("serving admission").count();
            anyhow::ensure!(said > round + 1, "{}", admitting.controller.log_tail());
            Ok(())
        })
        .await
        .unwrap();
        admitting.install(&new).await;
        for write in 0..10 {
            let max = 5 + (write % 3);
            let hpa = ns.apply("argocd", 2, max, true).await.unwrap();
            assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, i64::from(max)))));
        }
    }
}

async fn wait_logged(child: &Child, text: &str) {
    wait_for(text, LIMIT, async || {
        anyhow::ensure!(child.log().contains(text), "{}", child.log_tail());
        Ok(())
    })
    .await
    .unwrap();
}

fn shipped(name: &str) -> DynamicObject {
    parse_yaml(&manifest(name)).unwrap().remove(0)
}

fn manifest(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../deploy/kustomize/webhook/{name}.yaml"));
    fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn a_requester_who_may_not_patch_the_target_is_refused() {
    let admitting = Admitting::start(json!({"authorizeRequester": true})).await;
    let (ns, _) = with_hpa(admitting.world, "rights").await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;

    // She may create overrides, and nothing else.
    let role = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: overrides-only}
rules: [{apiGroups: [hpa-override.dev], resources: [autoscaleroverrides], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: overrides-only}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: overrides-only}
subjects: [{kind: ServiceAccount, name: carol, namespace: rights}]
";
    let admin = admitting.world.plane().client(&Identity::Admin).await.unwrap();
    apply_yaml(&admin, role, "test", true).await.unwrap();
    let carol = admitting.world.plane().client(&Identity::service_account("rights", "carol")).await.unwrap();
    let error = wait_for("the role to hold", LIMIT, async || {
        let made =
            ns.with_client(carol.clone()).try_create("other", with_fields(for_an_hour(), &json!({"hpa": "web"}))).await;
        let error = made.err().context("it is created")?.to_string();
        anyhow::ensure!(error.contains("guard.hpa-override.dev"), "{error}");
        Ok(error)
    });
    let error = error.await.unwrap();
    assert!(error.contains("may not patch"), "{error}");
}

#[tokio::test]
async fn it_answers_for_a_while_after_it_was_asked_to_stop() {
    let mut admitting = Admitting::start(json!({})).await;
    let (ns, _) = under_override(admitting.world, "stopping").await;
    admitting.controller.signal(Signal::SIGTERM).unwrap();
    wait_for("it to stop", LIMIT, async || {
        anyhow::ensure!(admitting.controller.log().contains("stopping"), "{}", admitting.controller.log_tail());
        Ok(())
    })
    .await
    .unwrap();
    let hpa = ns.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((3, 8))));
    let mut caller = Caller::connect(&admitting).await;
    caller.send(review().len(), review().as_bytes()).await.unwrap();
    let head = caller.head().await;
    assert!(head.starts_with("http/1.1 200") && head.contains("connection: close\r\n"), "{head}");
    assert!(admitting.controller.wait(LIMIT).unwrap().success());
}

#[tokio::test]
async fn without_the_webhook_owners_write_and_no_override_is_made() {
    let mut admitting = Admitting::start(json!({})).await;
    let (ns, _) = under_override(admitting.world, "gone").await;
    admitting.controller.kill().unwrap();
    let hpa = ns.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!(bounds(&hpa), (3, 8), "the merge fails open");
    let error =
        ns.try_create("other", overridden(&json!({"hpa": "web", "duration": "1h"}))).await.unwrap_err().to_string();
    assert!(error.contains("guard.hpa-override.dev") && error.contains("connection refused"), "{error}");
    admitting.controller = start(admitting.world, &admitting.address, &admitting.folder);
    let hpa = ns.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((3, 8)));
    let api = ns.overrides();
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 1);
}
