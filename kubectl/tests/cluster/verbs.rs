//! The verbs, and what they say.

use std::{os::unix::fs::PermissionsExt as _, process::Stdio, time::Instant};

use hpa_override_testbed::{Identity, World, apply_yaml, wait_for};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::support::{Answers, LIMIT, Place, said, start, world, world_without_admission};

#[tokio::test]
async fn set_shows_writes_and_waits() {
    let place = Place::new(world(), "set").await;
    let said = place.ok(&[
        "set",
        "web",
        "--min",
        "10",
        "--max",
        "20",
        "--for",
        "2h",
        "--reason",
        "INC-1",
        "--name",
        "web-a",
        "--wait",
        "--timeout=60s",
    ]);
    assert_eq!(
        said.err,
        "AutoscalerOverride set/web-a: from now until INSTANT, 2h in all
HorizontalPodAutoscaler set/web: the owner wants 2-5
- minReplicas: 2
- maxReplicas: 5
+ minReplicas: 10
+ maxReplicas: 20
afterwards 2-5, from INSTANT
set/web-a: waiting for the controller
set/web-a: Active: it is active until INSTANT
"
    );
    assert_eq!(said.out, "autoscaleroverride.hpa-override.dev/web-a created\n");
    place.wait_bounds(10, 20, true).await;
    let spec = place.ovr("web-a").await["spec"].clone();
    assert_eq!(
        (&spec["ttlAfterFinished"], &spec["reason"], &spec["minReplicas"]),
        (&json!("7d"), &json!("INC-1"), &json!(10))
    );
    assert!(spec["startsAt"].is_string() && spec["expiresAt"].is_string());
}

/// From nothing to an active override, with one command: `cargo test -p hpa-override-kubectl --test cluster -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "it measures"]
async fn how_long_one_command_takes() {
    let place = Place::new(world(), "speed").await;
    let mut seconds = Vec::new();
    for _ in 0..20 {
        let begin = Instant::now();
        place.ok(&["set", "web", "--min", "10", "--for", "1h", "--name", "a", "--wait", "--timeout=60s"]);
        seconds.push(begin.elapsed().as_secs_f64());
        place.api("hpa-override.dev/v1", "AutoscalerOverride").delete("a", &DeleteParams::default()).await.unwrap();
        place.wait_bounds(2, 5, false).await;
    }
    seconds.sort_by(f64::total_cmp);
    println!("set --wait: median {:.3} s, slowest {:.3} s, of 20", seconds[10], seconds[19]);
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let place = Place::new(world(), "dry").await;
    let client =
        place.ok(&["set", "web", "--max", "20", "--for", "1h", "--name", "a", "--dry-run=client", "-o", "yaml"]);
    assert!(
        client.out.contains("maxReplicas: 20\n") && client.out.starts_with("apiVersion: hpa-override.dev/v1\n"),
        "{client:?}"
    );
    let server = place.ok(&["set", "web", "--min", "20", "--for", "1h", "--name", "a", "--dry-run=server"]);
    assert_eq!(server.out, "autoscaleroverride.hpa-override.dev/a created (server dry run)\n");
    assert!(server.err.contains("warning: spec.minReplicas: "), "the guard warns: {}", server.err);
    assert!(place.ovr("a").await.is_null());
}

/// An override with three mistakes that its schema does not know.
const WRONG: &str = "apiVersion: hpa-override.dev/v1
kind: AutoscalerOverride
metadata: {name: wrong, namespace: NAMESPACE}
spec:
  hpa: web
  minReplicas: 10
  startsAt: \"2026-11-27T06:00:00Z\"
  duration: 1h
  priority: 5000
  schedule: {cron: \"61 * * * *\", timeZone: Europe/Roma}
";

#[tokio::test]
async fn the_guard_says_what_validate_says() {
    for (answers, name) in [(Answers::Policies, "guard"), (Answers::Webhook, "webhook")] {
        let world: &World = Box::leak(Box::new(start(answers)));
        let place = Place::new(world, name).await;
        let file = world.plane().folder().join("wrong.yaml");
        std::fs::write(&file, WRONG.replace("NAMESPACE", name)).unwrap();
        let file = file.to_str().unwrap();
        let validated = place.run(&["validate", "-f", file, "-o", "json"]);
        let reports: serde_json::Value = serde_json::from_str(&validated.out).unwrap();
        let errors = reports[0]["report"]["errors"].as_array().unwrap();
        assert_eq!((validated.code, errors.len()), (1, 3), "{errors:?}");
        let mut kubectl = world.plane().kubectl(&Identity::Admin).unwrap();
        let refused = said(kubectl.args(["apply", "-f", file]).output().unwrap()).err;
        for error in errors {
            let line = format!("{}: {}", error["path"].as_str().unwrap(), error["message"].as_str().unwrap());
            assert!(refused.contains(&line), "{answers:?} does not say `{line}`: {refused}");
        }
    }
}

#[tokio::test]
async fn a_preview_is_of_what_the_cluster_has() {
    let place = Place::new(world(), "preview").await;
    place.overrule("web", "a");
    let said = place.ok(&["preview", "web", "-o", "json"]);
    let points: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let bounds: Vec<_> = points["points"].as_array().unwrap().iter().map(|point| point["effective"].clone()).collect();
    assert_eq!(bounds, [json!({"minReplicas": 10, "maxReplicas": 20}), json!({"minReplicas": 2, "maxReplicas": 5})]);
}

#[tokio::test]
async fn hold_keeps_what_runs() {
    let place = Place::new(world(), "hold").await;
    place.ask_for_replicas(4).await;
    place.ok(&["hold", "web", "--for", "1h", "--name", "held"]);
    place.wait_bounds(4, 4, true).await;
}

#[tokio::test]
async fn list_and_explain_say_what_is_active_and_why() {
    let place = Place::new(world(), "why").await;
    place.ok(&[
        "set",
        "web",
        "--min",
        "10",
        "--max",
        "20",
        "--for",
        "2h",
        "--name",
        "first",
        "--reason",
        "INC-1",
        "--wait",
        "--timeout=60s",
    ]);
    place.ok(&[
        "set",
        "web",
        "--min",
        "30",
        "--for",
        "1h",
        "--priority",
        "5",
        "--name",
        "second",
        "--wait",
        "--timeout=60s",
    ]);
    place.ok(&[
        "set",
        "web",
        "--min",
        "3",
        "--mode",
        "raise",
        "--from",
        "tomorrow 08:00",
        "--for",
        "1h",
        "--name",
        "third",
    ]);
    place.wait_bounds(30, 30, true).await;
    let listed = place.ok(&["list"]);
    assert_eq!(
        listed.out,
        "NAME   TARGET   OWNER   EFFECTIVE   MODE   PHASE   ENDS   BY   REASON
second   web   2-5   30-30   Set   Active   in LENGTH   olga   -
first   web   2-5   30-30   Set   Superseded   in LENGTH   olga   INC-1
third   web   2-5   30-30   Raise   Pending   in LENGTH   olga   -
"
    );
    let explained = place.ok(&["explain", "web"]);
    assert_eq!(
        explained.out,
        "HorizontalPodAutoscaler why/web
  Bounds:   30-30
  Owner wants:   2-5
  Fields owned by: argocd (Apply)
  Admission:   not known: you may not read MutatingWebhookConfigurations

Active, lowest precedence first:
BY   SAYS   GIVES   UNTIL   NOTE
the owner   2-5
why/first   Set 10-20   10-20   INSTANT   superseded by why/second
why/second   Set min 30   30-30   INSTANT

Not active:
OVERRIDE   PHASE   WHY
why/third   Pending   it starts at INSTANT

What follows:
FROM   BOUNDS   OWNER   WHAT HAPPENS
INSTANT   30-30   2-5   active: why/second, why/first
INSTANT   10-20   2-5   why/second ends
INSTANT   2-5   2-5   why/first ends
INSTANT   3-5   2-5   why/third begins
INSTANT   2-5   2-5   why/third ends

You may not list overrides of other namespaces: of those only the active ones are part of this.
"
    );
}

#[tokio::test]
async fn extend_suspend_resume_and_end_say_what_follows() {
    let place = Place::new(world(), "life").await;
    place.overrule("web", "a");
    let extended = place.ok(&["extend", "a", "--by", "1h"]);
    assert_eq!(extended.out, "autoscaleroverride.hpa-override.dev/a extended\nlife/web: 10-20, 2-5 from INSTANT on\n");
    place.ok(&["suspend", "a"]);
    place.wait_bounds(2, 5, false).await;
    place.ok(&["resume", "a"]);
    place.wait_bounds(10, 20, true).await;
    let ended = place.ok(&["end", "web"]);
    assert_eq!(ended.out, "autoscaleroverride.hpa-override.dev/a ended\nlife/web: 2-5\n");
    place.wait_bounds(2, 5, false).await;
    assert!(place.ok(&["end", "a"]).out.ends_with("/a has ended already\n"));
    let again = place.run(&["extend", "a", "--by", "1h"]);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    place.ok(&["set", "web", "--min", "10", "--from", "tomorrow 08:00", "--name", "later"]);
    assert_eq!(
        place.ok(&["end", "later"]).out.lines().next(),
        Some("autoscaleroverride.hpa-override.dev/later deleted")
    );
    assert!(place.ovr("later").await.is_null());
}

#[tokio::test]
async fn an_end_can_be_gradual() {
    let place = Place::new(world(), "gradual").await;
    place.overrule("web", "a");
    let ended = place.ok(&["end", "web", "--return-over", "10m"]);
    assert!(ended.out.ends_with("gradual/web: 10-20, gradually 2-5 until INSTANT\n"), "{}", ended.out);
    let waited = wait_for("the gradual return", LIMIT, async || {
        let status = place.ovr("a").await["status"].clone();
        anyhow::ensure!(status["phase"] == "Returning", "{status}");
        Ok(())
    });
    waited.await.unwrap();
}

#[tokio::test]
async fn adopt_makes_the_bounds_the_owners() {
    for (world, name) in [(world(), "adopt"), (world_without_admission(), "adopt-alone")] {
        let place = Place::new(world, name).await;
        place.ok(&[
            "set",
            "web",
            "--min",
            "10",
            "--max",
            "20",
            "--for",
            "1h",
            "--name",
            "a",
            "--wait",
            "--timeout=60s",
        ]);
        let printed = place.ok(&["adopt", "web"]);
        assert_eq!(printed.out, "spec:\n  minReplicas: 10\n  maxReplicas: 20\n");
        let mut command =
            place.command("olga", &["adopt", "web", "--write", "--as", "admin", "--as-group", "system:masters"]);
        assert_eq!(command.output().unwrap().status.code(), Some(1), "olga may not impersonate");
        let mut command = place.command("admin", &["adopt", "a", "--write"]);
        let said = said(command.output().unwrap());
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.starts_with("horizontalpodautoscaler.autoscaling/web adopted: its owner wants 10-20\n"));
        place.ok(&["end", "a"]);
        place.wait_bounds(10, 20, false).await;
    }
}

#[tokio::test]
async fn release_gives_back_with_an_admission_and_without() {
    for (answers, name) in [(Answers::Policies, "release"), (Answers::Nobody, "release-alone")] {
        // Its own: the controller is stopped.
        let world: &World = Box::leak(Box::new(start(answers)));
        let place = Place::new(world, name).await;
        let before = place.hpa().await;
        place.ok(&["set", "web", "--min", "10", "--for", "1h", "--name", "a", "--wait", "--timeout=60s"]);
        place.ok(&["suspend", "a", "--dry-run=server"]);
        world.kill_controller().unwrap();
        let mut command = place.command("admin", &["release", "web"]);
        let said = said(command.output().unwrap());
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(said.out, "horizontalpodautoscaler.autoscaling/web released: 2-5\n");
        assert!(said.err.contains(&format!("a running controller applies these again: {name}/a")), "{}", said.err);
        let after = place.hpa().await;
        assert_eq!(
            (&after["spec"], &after["metadata"]["annotations"]),
            (&before["spec"], &before["metadata"]["annotations"])
        );
    }
}

#[tokio::test]
async fn waiting_for_the_pods() {
    let place = Place::new(world(), "pods").await;
    let deployment = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: pods}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
";
    apply_yaml(&place.client, deployment, "argocd", true).await.unwrap();
    place.ask_for_replicas(2).await;
    let mut command = place.command(
        "olga",
        &["set", "web", "--min", "10", "--for", "1h", "--name", "a", "--wait=reached", "--timeout=60s"],
    );
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    place.wait_bounds(10, 10, true).await;
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    let api = place.api("apps/v1", "Deployment");
    let ready = json!({"status": {"replicas": 10, "readyReplicas": 10, "availableReplicas": 10}});
    api.patch_status("web", &PatchParams::default(), &Patch::Merge(&ready)).await.unwrap();
    wait_for("the plugin to return", LIMIT, async || {
        anyhow::ensure!(child.try_wait()?.is_some());
        Ok(())
    })
    .await
    .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn completion_knows_verbs_flags_and_names() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = runtime.block_on(Place::new(world(), "complete"));
    let complete = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-hpa_override"));
        let kubeconfig = place.world.plane().kubeconfig_file(&hpa_override_testbed::Identity::user("olga")).unwrap();
        command.arg("__complete").args(words).env("KUBECONFIG", kubeconfig).env("NO_PROXY", "127.0.0.1");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(complete(&["ex"]).starts_with("explain\t") && complete(&["ex"]).contains("extend\t"));
    assert_eq!(complete(&["-n", "complete", "explain", "w"]), "web\n:4\n");
    assert!(complete(&["set", "web", "--mo"]).starts_with("--mode\t"));

    // Through kubectl, which finds the hook beside the plugin.
    let folder = place.world.plane().folder().join("hook");
    std::fs::create_dir_all(&folder).unwrap();
    let hook = folder.join("kubectl_complete-hpa_override");
    std::fs::write(&hook, place.ok(&["completion", "kubectl"]).out).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.world.plane().kubectl(&Identity::user("olga")).unwrap();
    let path = place.command("olga", &[]).get_envs().find(|(key, _)| *key == "PATH").unwrap().1.unwrap().to_owned();
    let path = std::env::join_paths(std::env::split_paths(&path).chain([folder])).unwrap();
    command.args(["__complete", "hpa-override", "-n", "complete", "explain", ""]).env("PATH", path);
    let answer = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert_eq!(answer.lines().collect::<Vec<_>>(), ["web", ":4"], "{answer}");
}

#[test]
fn version_says_what_is_installed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = runtime.block_on(Place::new(world(), "version"));
    let said = said(place.command("admin", &["version"]).output().unwrap());
    let own = env!("CARGO_PKG_VERSION");
    assert_eq!(said.out, format!("Client: {own}\nController: not found\nCRD: v1\nAdmission: Kubewarden\n"));
    assert_eq!(place.ok(&["version", "--client"]).out, format!("Client: {own}\n"));
}
