//! A world for one test at a time. The test removes one right of the controller and grants it again.

use std::path::PathBuf;

use hpa_override_testbed::{CONTROLLER_USER, Identity, World, apply_yaml, parse_yaml, wait_for};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
};
use serde_json::{Value, json};
use tokio::sync::MutexGuard;

use crate::support::{self, LIMIT, LockedWorld, TestNamespace, with_hpa};

/// A verb on a resource of a group.
pub type Right = (&'static str, &'static str, &'static str);

const ADVICE: &str = "apply `deploy/rbac`, which gives the controller its rights";

/// Without these nothing works, and the controller is not ready.
const NEEDED: [(&str, &str); 7] = [
    ("autoscaleroverrides", "list"),
    ("autoscaleroverrides", "watch"),
    ("autoscaleroverrides/status", "patch"),
    ("horizontalpodautoscalers", "get"),
    ("horizontalpodautoscalers", "list"),
    ("horizontalpodautoscalers", "watch"),
    ("horizontalpodautoscalers", "patch"),
];

/// The world of one test; the controller has every right at the start.
pub struct Exclusive {
    pub world: &'static World,
    client: Client,
    _guard: MutexGuard<'static, ()>,
}

impl Exclusive {
    pub async fn lock() -> Self {
        static WORLD: LockedWorld = LockedWorld::new();
        let (world, guard) = WORLD.lock(|| support::world(false, json!({}))).await;
        world.controller_through_proxy().unwrap();
        let exclusive = Self { world, client: world.plane().client(&Identity::Admin).await.unwrap(), _guard: guard };
        exclusive.set(&[]).await;
        exclusive.restart();
        exclusive
    }

    /// A namespace with an HPA of 2-5.
    pub async fn namespace(&self, name: &str) -> TestNamespace {
        with_hpa(self.world, name).await.0
    }

    /// Restarts the controller without a right.
    pub async fn without(&self, right: Right) {
        self.world.kill_controller().unwrap();
        self.set(&[right]).await;
        self.restart();
        self.wait_probe(right).await;
    }

    /// The probe names a right without which nothing works, and passes without another one.
    async fn wait_probe(&self, (group, resource, verb): Right) {
        let missing = format!("[-]permissions failed: missing: {verb} {resource}.{group}\n");
        let probed = wait_for("the probe", LIMIT, async || {
            let (status, text) = self.world.admin().get("/readyz?verbose")?;
            let is_right = if NEEDED.contains(&(resource, verb)) {
                status == 503 && text.contains(&missing)
            } else {
                status == 200
            };
            let counted = self.world.admin().metrics()?.sum("hpa_override_rights_missing", &[]) > 0.0;
            anyhow::ensure!(is_right && counted == (status == 503), "{status}: {text}");
            Ok(())
        });
        probed.await.unwrap();
    }

    pub async fn grant(&self, right: Right) {
        self.set(&[]).await;
        self.wait_has(right, true).await;
    }

    fn restart(&self) {
        self.world.kill_controller().unwrap();
        std::fs::write(self.log_file(), "").unwrap();
        self.world.start_controller().unwrap();
    }

    /// Applies the shipped role, without these rights.
    pub async fn set(&self, missing: &[Right]) {
        let mut role = role();
        for right in missing {
            remove(&mut role, *right);
        }
        apply_yaml(&self.client, &serde_json::to_string(&role).unwrap(), "installer", true).await.unwrap();
        for right in missing {
            self.wait_has(*right, false).await;
        }
    }

    /// The API server applies changed rules a moment later.
    async fn wait_has(&self, (group, resource, verb): Right, expected: bool) {
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review: SubjectAccessReview = serde_json::from_value(json!({"spec": {
            "user": CONTROLLER_USER,
            "resourceAttributes": {
                "group": group, "resource": resource, "subresource": subresource, "verb": verb,
                "name": (resource == "mutatingwebhookconfigurations").then_some("hpa-override-merge"),
            },
        }}))
        .unwrap();
        let asked = wait_for("the rules to hold", LIMIT, async || {
            let status = reviews.create(&PostParams::default(), &review).await?.status.unwrap_or_default();
            anyhow::ensure!(status.allowed == expected, "{status:?}");
            Ok(())
        });
        asked.await.unwrap();
    }

    fn log_file(&self) -> PathBuf {
        self.world.plane().folder().join("controller.log")
    }

    /// In how many lines of the log there is both the step and the message.
    fn count_logged(&self, step: &str, message: &str) -> usize {
        let log = std::fs::read_to_string(self.log_file()).unwrap();
        log.lines().filter(|line| line.contains(step) && line.contains(message)).count()
    }

    pub async fn wait_logged(&self, step: &str, message: &str) {
        let logged = wait_for("a line of the log", LIMIT, async || {
            let log = || self.world.controller_log();
            anyhow::ensure!(self.count_logged(step, message) > 0, "not `{step}` with `{message}`\n{}", log());
            Ok(())
        });
        logged.await.unwrap();
    }

    pub async fn wait_logged_again(&self, step: &str) {
        let first = self.count_logged(step, ADVICE);
        let logged = wait_for("another line of the log", LIMIT, async || {
            anyhow::ensure!(self.count_logged(step, ADVICE) > first, "{}", self.world.controller_log());
            Ok(())
        });
        logged.await.unwrap();
    }

    /// Deletes the override; the HPA is as before.
    pub async fn end(&self, ns: TestNamespace) {
        ns.delete("ovr").await;
        ns.wait_traceless(2, 5).await;
    }
}

/// The shipped role of the controller.
pub fn role() -> DynamicObject {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/rbac/rbac.yaml")).unwrap();
    let objects = parse_yaml(&text).unwrap();
    objects.into_iter().find(|object| object.types.as_ref().is_some_and(|types| types.kind == "ClusterRole")).unwrap()
}

/// Removes one right from a role: of several resources of a rule one, else the verb, and with the last verb the rule.
fn remove(role: &mut DynamicObject, (group, resource, verb): Right) {
    let rules = role.data["rules"].as_array_mut().unwrap();
    let names_it = |rule: &Value| rule["resources"].as_array().unwrap().iter().any(|name| name == resource);
    let position = rules.iter().position(|rule| rule["apiGroups"][0] == group && names_it(rule)).unwrap();
    let resources = rules[position]["resources"].as_array_mut().unwrap();
    if resources.len() > 1 {
        resources.retain(|name| name != resource);
        return;
    }
    let verbs = rules[position]["verbs"].as_array_mut().unwrap();
    let count = verbs.len();
    verbs.retain(|there| there != verb);
    assert_eq!(verbs.len() + 1, count, "{verb}");
    if verbs.is_empty() {
        rules.remove(position);
    }
}

pub fn in_namespace(ns: &TestNamespace) -> String {
    format!(" in the namespace \"{}\"", ns.name)
}

/// The API server's message about one object or about all of them, and the advice.
pub fn refusal((group, resource, verb): Right, object: Option<(&str, &TestNamespace)>) -> String {
    let whole = resource.split('/').next().unwrap();
    let name = object.map(|(name, _)| format!(" \"{name}\"")).unwrap_or_default();
    let place = object.map_or_else(|| " at the cluster scope".to_owned(), |(_, ns)| in_namespace(ns));
    let whole = if group.is_empty() { whole.to_owned() } else { format!("{whole}.{group}") };
    format!(
        "{whole}{name} is forbidden: User \"{CONTROLLER_USER}\" cannot {verb} resource \"{resource}\" in API group \
         \"{group}\"{place}; {ADVICE}"
    )
}
