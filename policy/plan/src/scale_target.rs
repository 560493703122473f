//! The workload that an HPA scales, as the HPA names it.

use std::fmt;

use hpa_override_core::hpa::raw::name_of;
use serde_json::Value;

/// What an HPA scales: its `spec.scaleTargetRef`, and the namespace of the HPA.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScaleTarget {
    /// Group and version, like `apps/v1`; of the core group the version alone.
    pub api_version: String,
    /// The kind, like `Deployment`.
    pub kind: String,
    /// The namespace of the HPA, which is that of the workload.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// A kind of workload whose status says how many replicas are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` `StatefulSet`.
    StatefulSet,
    /// `apps/v1` `ReplicaSet`.
    ReplicaSet,
}

impl Workload {
    /// Its resource in the group `apps`.
    #[must_use]
    pub fn resource(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::ReplicaSet => "replicasets",
        }
    }
}

impl ScaleTarget {
    /// What `hpa` scales; none where it does not name anything, which no API server stores.
    #[must_use]
    pub fn from_hpa(hpa: &Value) -> Option<Self> {
        let target = hpa.get("spec")?.get("scaleTargetRef")?;
        let text = |key: &str| target.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            api_version: text("apiVersion").unwrap_or_default(),
            kind: text("kind")?,
            namespace: name_of(hpa).0.into(),
            name: text("name")?,
        })
    }

    /// Its group, empty for the core group, and its version.
    #[must_use]
    pub fn group_and_version(&self) -> (&str, &str) {
        self.api_version.split_once('/').unwrap_or(("", &self.api_version))
    }

    /// The workload whose status says how many replicas are ready; none: only the subresource `scale` is known, which says
    /// how many there are. An HPA finds its target by group and kind, in whatever version.
    #[must_use]
    pub fn workload(&self) -> Option<Workload> {
        match (self.group_and_version().0, self.kind.as_str()) {
            ("apps", "Deployment") => Some(Workload::Deployment),
            ("apps", "StatefulSet") => Some(Workload::StatefulSet),
            ("apps", "ReplicaSet") => Some(Workload::ReplicaSet),
            _ => None,
        }
    }
}

impl fmt::Display for ScaleTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::deployment("apps/v1", "Deployment", Some(Workload::Deployment))]
    #[case::another_version("apps/v1beta1", "StatefulSet", Some(Workload::StatefulSet))]
    #[case::replica_set("apps/v1", "ReplicaSet", Some(Workload::ReplicaSet))]
    #[case::core("v1", "ReplicationController", None)]
    #[case::custom("example.com/v1", "Deployment", None)]
    #[case::no_version("", "Deployment", None)]
    fn what_says_how_many_are_ready(#[case] version: &str, #[case] kind: &str, #[case] expected: Option<Workload>) {
        let target = json!({"apiVersion": version, "kind": kind, "name": "web"});
        let hpa = json!({"metadata": {"namespace": "shop", "name": "h"}, "spec": {"scaleTargetRef": target}});
        let target = ScaleTarget::from_hpa(&hpa).unwrap();
        assert_eq!((target.workload(), target.to_string()), (expected, format!("{kind} shop/web")));
    }

    #[test]
    fn an_hpa_without_a_target_has_none() {
        assert_eq!(ScaleTarget::from_hpa(&json!({"spec": {}})), None);
    }
}
