//! One world for many tests that each need it whole: they take turns. A test takes one right of the controller away, and
//! gives it back.

use std::{path::PathBuf, sync::OnceLock};

use hpa_override_testbed::{CONTROLLER_USER, Identity, World, apply_yaml, parse_yaml, wait_for};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

use crate::support::{self, LIMIT, Shop};

/// A verb on a resource of a group.
pub type Right = (&'static str, &'static str, &'static str);

const ADVICE: &str = "apply `deploy/rbac`, which gives the controller its rights";

/// The turn of one test: the world is its own, and whole at the start.
pub struct Turn {
    pub world: &'static World,
    client: Client,
    _alone: MutexGuard<'static, ()>,
}

impl Turn {
    pub async fn take() -> Self {
        static WORLD: OnceLock<World> = OnceLock::new();
        static TURN: Mutex<()> = Mutex::const_new(());
        let alone = TURN.lock().await;
        let world = WORLD.get_or_init(|| support::world(false, json!({})));
        world.controller_through_proxy().unwrap();
        let turn = Self { world, client: world.plane().client(&Identity::Admin).await.unwrap(), _alone: alone };
        turn.set(None).await;
        turn.restart();
        turn
    }

    /// A namespace with an HPA of 2–5.
    pub async fn shop(&self, namespace: &str) -> Shop {
        let shop = Shop::open(self.world, namespace).await;
        shop.apply("argocd", 2, 5, false).await.unwrap();
        shop
    }

    /// The controller starts anew without a right.
    pub async fn without(&self, right: Right) {
        self.world.kill_controller().unwrap();
        self.set(Some(right)).await;
        self.restart();
    }

    pub async fn give_back(&self, right: Right) {
        self.set(None).await;
        self.wait_has(right, true).await;
    }

    fn restart(&self) {
        self.world.kill_controller().unwrap();
        std::fs::write(self.log_file(), "").unwrap();
        self.world.start_controller().unwrap();
    }

    /// The shipped role, or all of it but one right.
    pub async fn set(&self, missing: Option<Right>) {
        let mut role = role();
        if let Some(right) = missing {
            take(&mut role, right);
        }
        apply_yaml(&self.client, &serde_json::to_string(&role).unwrap(), "installer", true).await.unwrap();
        if let Some(right) = missing {
            self.wait_has(right, false).await;
        }
    }

    /// The API server learns of its own rules a moment later.
    async fn wait_has(&self, (group, resource, verb): Right, expected: bool) {
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review: SubjectAccessReview = serde_json::from_value(json!({"spec": {
            "user": CONTROLLER_USER,
            "resourceAttributes": {"group": group, "resource": resource, "subresource": subresource, "verb": verb},
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

    /// How often both stand in one line of the log: the step, and the API server's words with the advice behind them.
    fn told(&self, step: &str, words: &str) -> usize {
        let log = std::fs::read_to_string(self.log_file()).unwrap();
        log.lines().filter(|line| line.contains(step) && line.contains(words)).count()
    }

    pub async fn wait_told(&self, step: &str, words: &str) {
        let told = wait_for("the log to tell", LIMIT, async || {
            anyhow::ensure!(self.told(step, words) > 0, "not `{step}` with `{words}`\n{}", self.world.controller_log());
            Ok(())
        });
        told.await.unwrap();
    }

    pub async fn wait_told_again(&self, step: &str) {
        let first = self.told(step, ADVICE);
        let told = wait_for("the log to tell again", LIMIT, async || {
            anyhow::ensure!(self.told(step, ADVICE) > first, "{}", self.world.controller_log());
            Ok(())
        });
        told.await.unwrap();
    }

    /// Nothing was lost on the way.
    pub async fn end(&self, shop: Shop) {
        shop.delete("ovr").await;
        shop.wait_traceless(2, 5).await;
    }
}

/// The shipped role of the controller.
pub fn role() -> DynamicObject {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/rbac/rbac.yaml")).unwrap();
    let objects = parse_yaml(&text).unwrap();
    objects.into_iter().find(|object| object.types.as_ref().is_some_and(|types| types.kind == "ClusterRole")).unwrap()
}

/// Takes one right out of a role, and with the last verb the rule.
fn take(role: &mut DynamicObject, (group, resource, verb): Right) {
    let rules = role.data["rules"].as_array_mut().unwrap();
    let position = rules.iter().position(|rule| rule["apiGroups"][0] == group && rule["resources"][0] == resource);
    let position = position.unwrap();
    let verbs = rules[position]["verbs"].as_array_mut().unwrap();
    let count = verbs.len();
    verbs.retain(|there| there != verb);
    assert_eq!(verbs.len() + 1, count, "{verb}");
    if verbs.is_empty() {
        rules.remove(position);
    }
}

pub fn in_namespace(shop: &Shop) -> String {
    format!(" in the namespace \"{}\"", shop.namespace)
}

/// The API server's words about one object or about all of them, and the advice.
pub fn refusal((group, resource, verb): Right, object: Option<(&str, &Shop)>) -> String {
    let whole = resource.split('/').next().unwrap();
    let name = object.map(|(name, _)| format!(" \"{name}\"")).unwrap_or_default();
    let place = object.map_or_else(|| " at the cluster scope".to_owned(), |(_, shop)| in_namespace(shop));
    format!(
        "{whole}.{group}{name} is forbidden: User \"{CONTROLLER_USER}\" cannot {verb} resource \"{resource}\" in API group \
         \"{group}\"{place}; {ADVICE}"
    )
}
