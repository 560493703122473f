//! What cannot be done, and what the plugin says then.

use hpa_override_testbed::{ControlPlane, Identity, Options};

use crate::support::{NOBODY, Place, said, world};

#[tokio::test]
async fn each_refusal_names_what_to_do() {
    let place = Place::new(world(), "refused").await;
    let typo = place.run(&["set", "wbe", "--min", "10", "--for", "1h"]);
    assert_eq!(typo.code, 1);
    assert_eq!(
        typo.err,
        "error: there is no HorizontalPodAutoscaler `wbe` in namespace `refused`\ndid you mean `web`?\n"
    );
    let shape = place.run(&["set", "web", "--min", "forty", "--for", "1h"]);
    assert_eq!(shape.code, 1);
    assert!(shape.err.starts_with("error: spec.minReplicas: "), "{}", shape.err);
    let limit = place.run(&["set", "web", "--min", "10", "--for", "1h", "--priority", "2000"]);
    assert_eq!(limit.code, 1);
    assert!(
        limit.err.contains("admission webhook") && limit.err.contains("spec.priority: "),
        "the guard's words: {}",
        limit.err
    );
    let none = said(place.command(NOBODY, &["list"]).output().unwrap());
    assert_eq!(none.code, 1);
    assert!(none.err.contains("cannot list resource") && none.err.contains("`hpa-override-viewer`"), "{}", none.err);
    let context = place.run(&["list", "--context", "nowhere"]);
    assert_eq!(context.code, 1);
    assert!(context.err.starts_with("error: there is no context `nowhere` in the kubeconfig\n"), "{}", context.err);
    let missing = place.run(&["end", "nothing"]);
    assert_eq!(missing.code, 1);
    assert!(
        missing
            .err
            .starts_with("error: there is neither an AutoscalerOverride nor an HPA `nothing` in namespace `refused`"),
        "{}",
        missing.err
    );
    let usage = place.run(&["set", "web", "--for", "1h"]);
    assert_eq!(usage.code, 2);
}

#[test]
fn without_a_cluster_it_says_so() {
    let run = |kubeconfig: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-hpa_override"));
        command
            .arg("list")
            .env("KUBECONFIG", kubeconfig)
            .env("HOME", "/nonexistent")
            .env_remove("KUBERNETES_SERVICE_HOST");
        said(command.output().unwrap())
    };
    let missing = run("/nonexistent/config");
    assert_eq!(missing.code, 1);
    assert!(missing.err.starts_with("error: failed to read the kubeconfig: "), "{}", missing.err);
    let folder = std::env::temp_dir().join(format!("kubeconfig-{}", std::process::id()));
    let nobody = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                  contexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {}}]\n";
    std::fs::write(&folder, nobody).unwrap();
    let refused = run(folder.to_str().unwrap());
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("does not answer") && refused.err.contains("is it the right cluster?"),
        "{}",
        refused.err
    );
}

#[test]
fn a_cluster_without_the_crd_is_named() {
    let plane = ControlPlane::start(&Options::default()).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-hpa_override"));
    command
        .arg("list")
        .env("KUBECONFIG", plane.kubeconfig_file(&Identity::Admin).unwrap())
        .env("NO_PROXY", "127.0.0.1");
    let answer = said(command.output().unwrap());
    assert_eq!(
        (answer.code, answer.err.as_str()),
        (
            1,
            "error: failed to list AutoscalerOverride objects: this cluster does not know AutoscalerOverride\n\
             hpa-override is not installed here; its README says how\n"
        )
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_said() {
    let place = Place::new(world(), "taken").await;
    place.ok(&["set", "web", "--min", "10", "--for", "1h", "--name", "a"]);
    let again = place.run(&["set", "web", "--min", "10", "--for", "1h", "--name", "a"]);
    assert_eq!(again.code, 1);
    assert!(again.err.ends_with("already exists\ngive another --name\n"), "{}", again.err);
}
