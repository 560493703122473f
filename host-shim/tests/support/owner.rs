//! The ways in which an owner writes an HPA.

use kube::api::{Patch, PostParams};
use serde_json::{Value, json};

use super::TestNamespace;

/// How an owner writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    Apply,
    ForcedApply,
    KubectlApply,
    KubectlReplace,
    V1Update,
    MergePatch,
    JsonPatch,
}

impl Way {
    pub const ALL: [Self; 7] = [
        Self::Apply,
        Self::ForcedApply,
        Self::KubectlApply,
        Self::KubectlReplace,
        Self::V1Update,
        Self::MergePatch,
        Self::JsonPatch,
    ];
}

impl TestNamespace {
    /// The owner's first write, which creates the HPA.
    pub async fn begin(&self, way: Way, min: i32, max: i32) -> Value {
        match way {
            Way::Apply | Way::ForcedApply => drop(self.apply("argocd", min, max, false).await.unwrap()),
            Way::KubectlApply => self.kubectl_ok(&["apply", "-f", "-"], &self.manifest(min, max)),
            _ => {
                // Other numbers first, so that it is the second write that owns the bounds.
                self.kubectl_ok(&["create", "-f", "-"], &self.manifest(1, 4));
                self.write(way, min, max).await;
            }
        }
        self.hpa().await
    }

    /// A write of the owner that names both bounds and succeeds.
    pub async fn write(&self, way: Way, min: i32, max: i32) -> Value {
        match way {
            Way::Apply => drop(self.apply("argocd", min, max, false).await.unwrap()),
            Way::ForcedApply => drop(self.apply("argocd", min, max, true).await.unwrap()),
            Way::KubectlApply => self.kubectl_ok(&["apply", "-f", "-"], &self.manifest(min, max)),
            Way::KubectlReplace => self.kubectl_ok(&["replace", "-f", "-"], &self.manifest(min, max)),
            Way::V1Update => {
                let mut hpa = serde_json::to_value(self.hpas("v1").get("web").await.unwrap()).unwrap();
                hpa["spec"]["minReplicas"] = min.into();
                hpa["spec"]["maxReplicas"] = max.into();
                let hpa = serde_json::from_value(hpa).unwrap();
                let params = PostParams { field_manager: Some("old-client".into()), ..PostParams::default() };
                self.hpas("v1").replace("web", &params, &hpa).await.unwrap();
            }
            Way::MergePatch => {
                let patch = json!({"spec": {"minReplicas": min, "maxReplicas": max}});
                self.patch("merger", &Patch::Merge(patch)).await;
            }
            Way::JsonPatch => {
                let patch = json!([
                    {"op": "replace", "path": "/spec/minReplicas", "value": min},
                    {"op": "replace", "path": "/spec/maxReplicas", "value": max},
                ]);
                self.patch("patcher", &Patch::Json::<()>(serde_json::from_value(patch).unwrap())).await;
            }
        }
        self.hpa().await
    }

    pub fn kubectl_ok(&self, arguments: &[&str], input: &str) {
        let (success, output) = self.kubectl(arguments, input);
        assert!(success, "kubectl {arguments:?}: {output}");
    }
}
