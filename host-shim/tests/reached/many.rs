//! Two thousand targets: how much is read and written, by the audit log.

use hpa_override_testbed::{AuditEvent, CONTROLLER_USER, apply_yaml, wait_for};
use serde_json::json;

use crate::{condition, reads, support, support::*, workload::Workload};

const COUNT: usize = 2000;
/// Reading all of them once takes 40 s.
const WHILE: std::time::Duration = std::time::Duration::from_mins(5);

/// The most events within any second.
fn most_in_a_second(events: &[AuditEvent]) -> usize {
    let until = |event: &AuditEvent| event.received + jiff::SignedDuration::from_secs(1);
    let in_second = |(at, event): (usize, &AuditEvent)| {
        events[at..].iter().take_while(|other| other.received < until(event)).count()
    };
    events.iter().enumerate().map(in_second).max().unwrap_or_default()
}

#[tokio::test]
#[ignore = "takes minutes; run it alone"]
async fn two_thousand_targets_of_one_override() {
    let world = support::for_ever(support::world(false, json!({})));
    let ns = TestNamespace::new(world, "many").await;
    let stateful = Workload::stateful_set();
    stateful.create(&ns).await;
    stateful.set_status(&ns, 2, 2).await;
    let manifest = ns.manifest(2, 5).replace("kind: Deployment", "kind: StatefulSet");
    for index in 0..COUNT {
        let named = manifest.replace("metadata: {name: web,", &format!("metadata: {{name: web-{index},"));
        apply_yaml(&ns.client, &named, "argocd", false).await.unwrap();
    }
    let audit = world.plane().audit().from_now().unwrap();
    ns.try_create("ovr", with_fields(for_an_hour(), &json!({"selector": {"matchLabels": {"app": "web"}}})))
        .await
        .unwrap();
    let wait = async |status: &str| {
        let what = format!("Reached to be {status}");
        let waited = wait_for(&what, WHILE, async || {
            let reached = condition(&ns.override_("ovr").await["status"], "Reached");
            anyhow::ensure!(reached["status"] == status, "{reached}\n{}", world.controller_log());
            Ok(reached)
        });
        waited.await.unwrap()
    };
    println!("{}", wait("False").await["message"]);
    let missing = reads(&ns, "statefulsets", &audit).len();
    stateful.set_status(&ns, 10, 10).await;
    println!("{}", wait("True").await["message"]);
    let all = reads(&ns, "statefulsets", &audit);
    let written = ns.override_writes("ovr", &audit).len();
    let most = most_in_a_second(&all);
    println!(
        "{COUNT} targets: {missing} reads until False, {} until True, at most {most} in a second; {written} status writes",
        all.len()
    );
    // The API server notes when it received a request, not when it was sent.
    assert!(most <= 55, "{most} reads in a second");
    let patches = audit.writes_by(CONTROLLER_USER).unwrap();
    assert!(patches.iter().all(|event| event.code < 300 || event.code == 409), "{patches:?}");
}
