//! What users and owners do: overrides of every kind on HPAs of ten namespaces, and other numbers in the manifests: none that
//! an override writes, since without the merge policy such a number in an owner's write is taken for ours.

use std::{collections::BTreeSet, sync::Arc};

use fastrand::Rng;
use hpa_override_core::Settings;
use hpa_override_testbed::{World, apply_yaml};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::{
    check::Owners,
    support::{TestNamespace, at, now},
};

pub const NAMESPACES: usize = 10;
const HPAS: usize = 200;
/// Labels of HPAs, for selectors.
const GROUPS: usize = 3;
/// With so many overrides none is created.
const MOST: usize = 120;

pub struct Load {
    namespaces: Vec<TestNamespace>,
    owners: Arc<Owners>,
    random: Rng,
    /// Overrides that may still be there, and the numbers of their namespaces.
    there: BTreeSet<(usize, String)>,
    /// Created in all.
    pub overrides: usize,
    /// Of owners, in all.
    pub writes: usize,
}

impl Load {
    pub fn new(namespaces: Vec<TestNamespace>, owners: Arc<Owners>, random: Rng) -> Self {
        Self { namespaces, owners, random, there: BTreeSet::new(), overrides: 0, writes: 0 }
    }

    pub async fn create_hpas(&mut self) {
        for number in 0..HPAS {
            self.write_hpa(number).await;
            let status = json!({"status": {"currentReplicas": 3, "desiredReplicas": 3, "conditions": [
                {"type": "AbleToScale", "status": "True"}]}});
            let (params, patch) = (PatchParams::default(), Patch::Merge(status));
            self.namespace_of(number).hpas("v2").patch_status(&format!("hpa-{number}"), &params, &patch).await.unwrap();
        }
    }

    /// One thing that somebody does.
    pub async fn step(&mut self) {
        match self.random.usize(..12) {
            0..6 if self.there.len() < MOST => self.create().await,
            0..9 => self.delete().await,
            9 => {
                let suspend = self.random.bool();
                self.edit(json!({ "suspend": suspend })).await;
            }
            10 => {
                let (min, priority) = (self.random.i32(25..40), self.random.i32(..5));
                self.edit(json!({"minReplicas": min, "priority": priority})).await;
            }
            _ => {
                let number = self.random.usize(..HPAS);
                self.write_hpa(number).await;
            }
        }
    }

    pub async fn delete_overrides(&mut self) {
        while !self.there.is_empty() {
            self.delete().await;
        }
    }

    /// The platform team writes other settings, every other time such as are not valid; those in force then.
    pub fn change_settings(&mut self, world: &World, before: &Settings) -> Settings {
        if self.random.bool() {
            world.write_settings("replicaCeiling: many\n").unwrap();
            return before.clone();
        }
        let ceiling = self.random.i32(60..99);
        world.write_settings(&format!("replicaCeiling: {ceiling}\n")).unwrap();
        Settings::parse(&json!({ "replicaCeiling": ceiling })).unwrap()
    }

    /// An owner applies a manifest with numbers of its own, and a label.
    async fn write_hpa(&mut self, number: usize) {
        let (min, max) = (20, self.random.i64(50..55));
        let name = format!("hpa-{number}");
        let group = format!("g{}", self.random.usize(..GROUPS));
        let TestNamespace { client, name: namespace, .. } = self.namespace_of(number);
        let hpa = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name, "namespace": namespace, "labels": {"group": group}},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                     "minReplicas": min, "maxReplicas": max,
                     "metrics": [{"type": "Resource", "resource": {
                         "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]},
        });
        // Before it is written: it may be seen at once.
        self.owners.wants(&format!("{namespace}/{name}"), (min, max));
        apply_yaml(client, &hpa.to_string(), "argocd", true).await.unwrap();
        self.writes += 1;
    }

    async fn create(&mut self) {
        let number = self.random.usize(..HPAS);
        let (name, spec) = (format!("ovr-{}", self.overrides), self.spec(number));
        self.namespace_of(number).try_create(&name, spec).await.unwrap();
        self.overrides += 1;
        self.there.insert((number % NAMESPACES, name));
    }

    fn spec(&mut self, number: usize) -> Value {
        let random = &mut self.random;
        let mut spec = match random.usize(..5) {
            0 => json!({"mode": "Raise", "minReplicas": random.i32(25..40)}),
            1 => json!({"mode": "Cap", "maxReplicas": random.i32(1..8)}),
            2 => json!({"minReplicas": format!("desired+{}", random.i32(1..5)), "maxReplicas": "200%"}),
            3 => json!({"minReplicas": format!("current+{}", random.i32(1..5)), "maxReplicas": 70}),
            _ => json!({"minReplicas": random.i32(25..40), "maxReplicas": random.i32(70..90)}),
        };
        let fields = spec.as_object_mut().unwrap();
        let (target, value) = match random.usize(..4) {
            0 => ("selector", json!({"matchLabels": {"group": format!("g{}", random.usize(..GROUPS))}})),
            _ => ("hpa", format!("hpa-{number}").into()),
        };
        fields.insert(target.into(), value);
        let length = random.i64(3..45);
        match random.usize(..4) {
            0 => drop(fields.insert("expiresAt".into(), at(now() + length).into())),
            1 => {
                fields.insert("startsAt".into(), at(now() + random.i64(2..15)).into());
                fields.insert("expiresAt".into(), at(now() + 15 + length).into());
            }
            2 => {
                fields.insert("schedule".into(), json!({"cron": "* * * * *"}));
                fields.insert("duration".into(), format!("{length}s").into());
                fields.insert("expiresAt".into(), at(now() + 150).into());
            }
            _ => drop(fields.insert("duration".into(), format!("{length}s").into())),
        }
        // Of the maximum it would write numbers that an owner may want.
        if random.bool() && !fields.contains_key("maxReplicas") {
            fields.insert("returnOver".into(), format!("{}s", random.i32(4..20)).into());
        }
        if random.usize(..4) == 0 && fields.contains_key("expiresAt") {
            fields.insert("ttlAfterFinished".into(), "5s".into());
        }
        fields.insert("priority".into(), random.i32(..3).into());
        spec
    }

    /// Of one that is there; it may be gone, and the change may be one that is refused.
    async fn edit(&mut self, spec: Value) {
        if let Some((namespace, name)) = self.any() {
            drop(self.namespaces[namespace].edit(&name, spec).await);
        }
    }

    async fn delete(&mut self) {
        if let Some((namespace, name)) = self.any() {
            match self.namespaces[namespace].overrides().delete(&name, &DeleteParams::default()).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => panic!("{error}"),
            }
            self.there.remove(&(namespace, name));
        }
    }

    fn any(&mut self) -> Option<(usize, String)> {
        let number = self.random.usize(..self.there.len().max(1));
        self.there.iter().nth(number).cloned()
    }

    /// Where that HPA is.
    fn namespace_of(&self, hpa: usize) -> &TestNamespace {
        &self.namespaces[hpa % NAMESPACES]
    }
}
