//! Several overrides or HPAs at once: selectors, batches, a watch.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
};

use hpa_override_testbed::{Identity, apply_yaml};
use kube::api::DeleteParams;

use crate::support::{LIMIT, Place, hpa, said, world};

#[tokio::test]
async fn a_selector_takes_several() {
    let place = Place::new(world(), "several").await;
    apply_yaml(&place.client, &hpa("several", "api"), "argocd", true).await.unwrap();
    let said =
        place.ok(&["set", "-l", "tier=front", "--min", "8", "--for", "1h", "--name", "all", "--wait", "--timeout=60s"]);
    assert!(said.err.contains("several/api   2-5   2-5   8-8   2-5\n"), "{}", said.err);
    let listed = place.ok(&["list", "-o", "jsonpath={.items[*].status.applied}"]);
    assert_eq!(listed.out, "2");
    place.ok(&["end", "--all"]);
    place.wait_bounds(2, 5, false).await;
}

#[tokio::test]
async fn a_batch_is_an_override_in_each_namespace() {
    let (one, other) = (Place::new(world(), "batch-one").await, Place::new(world(), "batch-other").await);
    for place in [&one, &other] {
        let labelled = hpa(&place.name, "web").replace("tier: front", "tier: front, batch: mine");
        apply_yaml(&place.client, &labelled, "argocd", true).await.unwrap();
    }
    // In all namespaces, so without the flag of one.
    let admin = |arguments: &[&str]| {
        let mut command = world().plane().kubectl(&Identity::Admin).unwrap();
        let path = one.command("admin", &[]).get_envs().find(|(key, _)| *key == "PATH").unwrap().1.unwrap().to_owned();
        said(command.arg("hpa-override").args(arguments).env("PATH", path).env("TZ", "UTC").output().unwrap())
    };
    let made = admin(&[
        "set",
        "-l",
        "batch=mine",
        "-A",
        "--min",
        "8",
        "--for",
        "1h",
        "--name",
        "peak",
        "--wait",
        "--timeout=60s",
    ]);
    assert_eq!((made.code, made.out.lines().count()), (0, 2), "{made:?}");
    let listed = admin(&["list", "--batch", "peak", "-o", "jsonpath={.items[*].metadata.namespace}"]);
    assert_eq!(listed.out, "batch-one batch-other", "{listed:?}");
    let later = admin(&["extend", "--batch", "peak", "--by", "1h"]);
    assert_eq!(later.out.matches(" extended\n").count(), 2, "{later:?}");
    let ended = admin(&["end", "--batch", "peak"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for place in [&one, &other] {
        place.wait_bounds(2, 5, false).await;
    }
    let unknown = admin(&["end", "--batch", "paek"]);
    assert_eq!((unknown.code, unknown.err.as_str()), (1, "error: there is no batch `paek`\ndid you mean `peak`?\n"));
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_watch_says_what_changes() {
    let place = Place::new(world(), "watch").await;
    apply_yaml(&place.client, &hpa("watch", "api"), "argocd", true).await.unwrap();
    place.ok(&["set", "web", "--min", "10", "--for", "1h", "--name", "a", "--wait", "--timeout=60s"]);
    let mut command = place.command("olga", &["list", "web", "--watch"]);
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let next = |part: &str| loop {
        let line = receiver.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("no line with `{part}`"));
        assert!(!line.contains("   api   "), "an override of another HPA: {line}");
        if line.contains(part) {
            return line;
        }
    };
    assert!(next("NAME").starts_with("NAME"));
    place.ok(&["set", "api", "--min", "10", "--for", "1h", "--name", "b", "--wait", "--timeout=60s"]);
    place.ok(&["suspend", "a"]);
    assert!(next("Suspended").starts_with("a   web   "));
    place.api("hpa-override.dev/v1", "AutoscalerOverride").delete("a", &DeleteParams::default()).await.unwrap();
    assert!(next("deleted").starts_with("a   web   "));
}
