//! Another mutating admission on a real API server: a `MutatingAdmissionPolicy` that lets no HPA have more than 15 replicas.
//! Met first by our write, by the owner's, or by the end, with the merge policy and without.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use hpa_override_testbed::{AuditLog, World, api_for, apply_yaml, parse_yaml, wait_for};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use support::*;

fn with_policies() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| world(true, json!({})))
}

fn alone() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| world(false, json!({})))
}

/// The first delays between two tries.
const PERIOD: i64 = 20;
/// Tries in that period, each after a delay that has doubled, of two writes at most; and the patch of the record.
const MOST_WRITES: usize = 2 * 6 + 1;

const SENTENCE: &str = "maxReplicas was written as 20 and came back as 15; look for another mutating admission policy";

/// Installs the policy for the namespace, and waits until it is in force. It comes before all webhooks, and again after one
/// that has changed the object.
async fn cap(ns: &TestNamespace) {
    let name = &ns.name;
    let policy = format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: cap-{name}}}
spec:
  failurePolicy: Fail
  reinvocationPolicy: IfNeeded
  matchConstraints:
    resourceRules:
      - {{apiGroups: [autoscaling], apiVersions: [v2], operations: [CREATE, UPDATE], resources: [horizontalpodautoscalers]}}
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: >-
          Object{{spec: Object.spec{{maxReplicas: object.spec.maxReplicas > 15 ? 15 : object.spec.maxReplicas}}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: cap-{name}}}
spec:
  policyName: cap-{name}
  matchResources: {{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}
"
    );
    apply_yaml(&ns.client, &policy, "platform", true).await.unwrap();
    let probe = parse_yaml(&ns.manifest(1, 99).replace("name: web, namespace", "name: probe, namespace")).unwrap();
    let dry = PatchParams::apply("platform").dry_run();
    let waited = wait_for("the policy to be in force", LIMIT, async || {
        let answer = api_for(&ns.client, &probe[0])?.patch("probe", &dry, &Patch::Apply(&probe[0])).await?;
        let max = answer.data["spec"]["maxReplicas"].clone();
        anyhow::ensure!(max == 15, "maxReplicas is {max}");
        Ok(())
    });
    waited.await.unwrap();
}

/// Waits until the altered number is known as ours, and we own no bound.
async fn wait_known(ns: &TestNamespace) -> Value {
    ns.wait_hpa("15 among ours", |hpa| {
        let ours = record(hpa).map(|record| record["ours"]["maxReplicas"].clone());
        anyhow::ensure!(ours == Some(json!([20, 15])) && !we_own_a_bound(hpa), "{hpa}");
        Ok(())
    })
    .await
}

fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
    status["conditions"].as_array().unwrap().iter().find(|condition| condition["type"] == kind).unwrap()
}

async fn wait_write_altered(ns: &TestNamespace) {
    let status = ns.wait_status("ovr", "WriteAltered", |status| {
        let ready =
            status["conditions"].as_array().and_then(|conditions| conditions.iter().find(|c| c["type"] == "Ready"));
        ready.is_some_and(|ready| ready["reason"] == "WriteAltered")
    });
    let status = status.await;
    assert_eq!(condition(&status, "Ready")["status"], "False");
    assert_eq!(status["failing"][0]["message"], SENTENCE, "{status}");
}

/// For a while there are few writes, and what the owner wants stays what it was.
async fn assert_bounded(ns: &TestNamespace, audit: &AuditLog) {
    until(instant(now() + PERIOD)).await;
    let writes = ns.controller_writes(audit).len();
    println!("{}: {writes} writes in {PERIOD} s", ns.name);
    assert!(writes <= MOST_WRITES, "{writes} writes");
    assert_eq!(desired(&ns.hpa().await), Some((2, 5)));
}

/// The end is two writes, and nothing is left.
async fn assert_ended_as_before(ns: &TestNamespace, before: &Value) {
    let audit = ns.world.plane().audit().from_now().unwrap();
    ns.delete("ovr").await;
    let after = ns.wait_traceless(2, 5).await;
    assert_eq!(traces(&after), traces(before));
    assert!(ns.wait_writes(&audit, 2).await.len() <= 4, "a try that was under way, and the end");
    ns.apply("argocd", 3, 9, false).await.unwrap();
    assert_eq!(bounds(&ns.hpa().await), (3, 9));
}

async fn met_first_by_our_write(world: &'static World, name: &str) {
    let (ns, before) = with_hpa(world, name).await;
    cap(&ns).await;
    let audit = world.plane().audit().from_now().unwrap();
    ns.create("ovr", for_an_hour()).await;
    let during = wait_known(&ns).await;
    assert_eq!((bounds(&during), desired(&during)), ((10, 15), Some((2, 5))));
    wait_write_altered(&ns).await;
    assert_bounded(&ns, &audit).await;
    assert_ended_as_before(&ns, &before).await;
}

/// Of its unchanged manifest. With the merge policy it is that write which the other policy alters.
async fn met_first_by_a_write_of_the_owner(world: &'static World, name: &str) {
    let (ns, before) = under_override(world, name).await;
    cap(&ns).await;
    let audit = world.plane().audit().from_now().unwrap();
    ns.apply("argocd", 2, 5, true).await.unwrap();
    let during = wait_known(&ns).await;
    assert_eq!((bounds(&during), desired(&during)), ((10, 15), Some((2, 5))));
    wait_write_altered(&ns).await;
    assert_bounded(&ns, &audit).await;
    assert_ended_as_before(&ns, &before).await;
}

/// Without the merge policy also by a write that leaves the bounds alone: 20 becomes 15 in somebody's write of a label.
#[tokio::test]
async fn met_first_by_a_write_of_a_label() {
    let (ns, _) = under_override(alone(), "label-alone").await;
    cap(&ns).await;
    let audit = alone().plane().audit().from_now().unwrap();
    ns.patch("labeller", &Patch::Merge(json!({"metadata": {"labels": {"tier": "front"}}}))).await;
    let during = wait_known(&ns).await;
    assert_eq!((bounds(&during), desired(&during)), ((10, 15), Some((2, 5))));
    assert_bounded(&ns, &audit).await;
    ns.delete("ovr").await;
    ns.wait_traceless(2, 5).await;
}

/// The owner has had more than the policy allows since before it came: what is stored at the end is final.
async fn met_first_by_the_end(world: &'static World, name: &str) {
    let ns = TestNamespace::new(world, name).await;
    ns.apply("argocd", 2, 30, false).await.unwrap();
    let before = ns.hpa().await;
    ns.create("ovr", json!({"minReplicas": 10, "maxReplicas": 12, "expiresAt": at(now() + 8)})).await;
    ns.wait_overridden(10, 12).await;
    cap(&ns).await;
    let audit = world.plane().audit().from_now().unwrap();
    let after = ns.wait_traceless(2, 15).await;
    assert_eq!(ownership(&after), ownership(&before));
    assert_eq!(ns.wait_writes(&audit, 2).await.len(), 2, "an end is two writes");
    let status = ns.wait_phase("ovr", "Expired").await;
    let ready = condition(&status, "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&"True".into(), &"Ended".into()));
}

mod with_the_policies {
    use super::*;

    #[tokio::test]
    async fn met_first_by_our_write() {
        super::met_first_by_our_write(with_policies(), "ours-with").await;
    }

    #[tokio::test]
    async fn met_first_by_a_write_of_the_owner() {
        super::met_first_by_a_write_of_the_owner(with_policies(), "owner-with").await;
    }

    #[tokio::test]
    async fn met_first_by_the_end() {
        super::met_first_by_the_end(with_policies(), "end-with").await;
    }
}

mod without_a_policy_of_ours {
    use super::*;

    #[tokio::test]
    async fn met_first_by_our_write() {
        super::met_first_by_our_write(alone(), "ours-alone").await;
    }

    #[tokio::test]
    async fn met_first_by_a_write_of_the_owner() {
        super::met_first_by_a_write_of_the_owner(alone(), "owner-alone").await;
    }

    #[tokio::test]
    async fn met_first_by_the_end() {
        super::met_first_by_the_end(alone(), "end-alone").await;
    }
}
