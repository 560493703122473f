//! The CRD and the controller, one of them from another version: as during an upgrade, or after one half of a rollback.
//!
//! `cargo xtask skew` builds the other version and runs this.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{fs, path::PathBuf, process::Command};

use hpa_override_testbed::{CONTROLLER_USER, Child, Identity, Signal, World, apply_yaml};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::json;
use support::*;

/// The CRD of a version, and its controller's program.
struct Version {
    crd: String,
    controller: PathBuf,
}

fn today() -> Version {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let crd = fs::read_to_string(root.join("crd/crd.yaml")).unwrap();
    Version { crd, controller: env!("CARGO_BIN_EXE_host-shim").into() }
}

fn other() -> Version {
    let path = |name: &str| PathBuf::from(std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set")));
    let crd = fs::read_to_string(path("HPA_OVERRIDE_OTHER_CRD")).unwrap();
    Version { crd, controller: path("HPA_OVERRIDE_OTHER_CONTROLLER") }
}

/// A control plane without admission, and the controller that runs on it.
struct Site {
    world: &'static World,
    running: Option<Child>,
}

impl Site {
    fn new() -> Self {
        let world = for_ever(world(false, json!({})));
        world.kill_controller().unwrap();
        Self { world, running: None }
    }

    async fn install(&self, version: &Version) {
        let client = self.world.plane().client(&Identity::Admin).await.unwrap();
        apply_yaml(&client, &version.crd, "installer", true).await.unwrap();
    }

    /// Stops the controller that runs, as a rollout does, and starts that of the version.
    fn start(&mut self, version: &Version) {
        if let Some(mut running) = self.running.take() {
            running.signal(Signal::SIGTERM).unwrap();
            running.wait(LIMIT).unwrap();
        }
        let template = self.world.controller_command().unwrap();
        let mut command = Command::new(&version.controller);
        command.args(template.get_args());
        for (name, value) in template.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        self.running = Some(Child::spawn(command, &self.world.plane().folder().join("skew.log")).unwrap());
    }
}

/// An owner's write shows that the controller works.
async fn reasserts(ns: &TestNamespace, min: i32, max: i32) {
    ns.apply("argocd", min, max, true).await.unwrap();
    let hpa = ns.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((i64::from(min), i64::from(max))));
}

/// Begins, is reported, holds against its owner, ends; and nobody writes again and again.
#[rstest]
#[case::todays_crd(today, other)]
#[case::the_other_crd(other, today)]
#[tokio::test]
#[ignore = "needs another version: cargo xtask skew"]
async fn the_crd_of_one_version_works_with_the_controller_of_another(
    #[case] crd: fn() -> Version,
    #[case] controller: fn() -> Version,
) {
    let mut site = Site::new();
    site.install(&crd()).await;
    site.start(&controller());
    let (ns, _) = with_hpa(site.world, "skew").await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    ns.wait_phase("ovr", "Active").await;
    reasserts(&ns, 3, 8).await;
    let audit = site.world.plane().audit().from_now().unwrap();
    until(Timestamp::now() + SignedDuration::from_secs(5)).await;
    let writes =
        audit.select(|event| event.user == CONTROLLER_USER && ["patch", "update"].contains(&event.verb.as_str()));
    let writes = writes.unwrap();
    assert!(writes.len() <= 2, "{writes:#?}");
    ns.delete("ovr").await;
    ns.wait_traceless(3, 8).await;
}

#[tokio::test]
#[ignore = "needs another version: cargo xtask skew"]
async fn an_override_stays_during_an_upgrade_and_a_rollback() {
    let mut site = Site::new();
    site.install(&other()).await;
    site.start(&other());
    let (ns, before) = with_hpa(site.world, "upgrade").await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    // The CRD first, as the guide has it; back in the other order.
    site.install(&today()).await;
    reasserts(&ns, 3, 8).await;
    site.start(&today());
    reasserts(&ns, 2, 6).await;
    ns.wait_phase("ovr", "Active").await;
    site.start(&other());
    reasserts(&ns, 4, 8).await;
    site.install(&other()).await;
    reasserts(&ns, 2, 6).await;
    site.install(&today()).await;
    site.start(&today());
    reasserts(&ns, 2, 5).await;
    ns.delete("ovr").await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}
