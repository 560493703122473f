//! Owners of an HPA and the tools that they write with. Each has its manifest.

use hpa_override_core::{RECORD_ANNOTATION, RELEASE_ANNOTATION};
use serde_json::{Value, json};

use super::server::{Refused, Server, Writer, annotation};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One write of an owner.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Server-side apply of the manifest.
    Apply { manager: &'static str, force: bool },
    /// Full update with the manifest, our annotation not in it (`kubectl replace`, KEDA).
    Replace { manager: &'static str },
    /// Full update of what was just read, unchanged.
    Echo { manager: &'static str },
    /// Full update of what was just read, with the manifest's numbers (`kubectl edit`).
    Edit { manager: &'static str },
    /// `kubectl apply`, with its last-applied-configuration.
    ClientSideApply,
    /// A merge patch of one bound (0: lower, 1: upper) to the manifest's number.
    PatchOne { manager: &'static str, bound: usize },
    /// An attempt to remove the record, to garble it, or to put other numbers into it.
    Tamper { manager: &'static str, how: Tampering },
    /// A release by hand.
    Release { manager: &'static str },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tampering {
    Remove,
    Garble,
    Forge,
}

/// What the owner wants, as its manifest has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    pub min: Option<i32>,
    pub max: i32,
}

impl Manifest {
    pub fn body(&self) -> Value {
        let mut body = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"namespace": "shop", "name": "web", "labels": {"app": "web"}},
            "spec": {"maxReplicas": self.max, "metrics": [{"type": "Resource", "unknown": 1.50}],
                     "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
        });
        if let Some(min) = self.min {
            body["spec"]["minReplicas"] = min.into();
        }
        body
    }

    fn number(&self, bound: usize) -> i32 {
        if bound == 0 { self.min.unwrap_or(1) } else { self.max }
    }
}

impl Write {
    /// Whether it sets the bounds at all.
    pub fn sets_bounds(&self) -> bool {
        !matches!(self, Self::Echo { .. } | Self::Tamper { .. } | Self::Release { .. })
    }

    /// Whether both bounds are those of the manifest.
    pub fn names_both_bounds(&self) -> bool {
        self.sets_bounds() && !matches!(self, Self::PatchOne { .. })
    }

    pub fn send(&self, server: &mut Server, manifest: &Manifest) -> Result<(), Refused> {
        match self {
            Self::Apply { manager, force } => server.apply(&Writer::owner(manager), &manifest.body(), *force),
            Self::Replace { manager } => server.put(&Writer::owner(manager), &manifest.body()),
            Self::Echo { manager } => server.put(&Writer::owner(manager), &server.hpa.clone()),
            Self::Edit { manager } => {
                let mut body = server.hpa.clone();
                body["spec"]["minReplicas"] = manifest.number(0).into();
                body["spec"]["maxReplicas"] = manifest.number(1).into();
                server.put(&Writer::owner(manager), &body)
            }
            Self::ClientSideApply => client_side_apply(server, manifest),
            Self::PatchOne { manager, bound } => {
                let key = ["minReplicas", "maxReplicas"][*bound];
                server.merge_patch(&Writer::owner(manager), &json!({"spec": {key: manifest.number(*bound)}}))
            }
            Self::Tamper { manager, how } => {
                let text = tampered(annotation(&server.hpa, RECORD_ANNOTATION), *how);
                server.merge_patch(&Writer::owner(manager), &annotate(RECORD_ANNOTATION, &text))
            }
            Self::Release { manager } => {
                server.merge_patch(&Writer::owner(manager), &annotate(RELEASE_ANNOTATION, &"true".into()))
            }
        }
    }
}

fn annotate(key: &str, text: &Value) -> Value {
    json!({"metadata": {"annotations": {key: text}}})
}

/// Changes nothing where there is no record.
fn tampered(record: Option<&str>, how: Tampering) -> Value {
    let Some(record) = record else { return Value::Null };
    match how {
        Tampering::Remove => Value::Null,
        Tampering::Garble => record.replace(':', ";").into(),
        Tampering::Forge => {
            let mut forged: Value = serde_json::from_str(record).unwrap();
            forged["desired"] = json!({"minReplicas": 98, "maxReplicas": 99});
            forged.to_string().into()
        }
    }
}

/// kubectl's three-way patch: fields of the manifest put, fields that have left it removed.
fn client_side_apply(server: &mut Server, manifest: &Manifest) -> Result<(), Refused> {
    let mut patch = manifest.body();
    patch["metadata"]["annotations"] = json!({LAST_APPLIED: manifest.body().to_string()});
    let before: Value =
        annotation(&server.hpa, LAST_APPLIED).map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    if manifest.min.is_none() && before["spec"].get("minReplicas").is_some() {
        patch["spec"]["minReplicas"] = Value::Null;
    }
    server.merge_patch(&Writer::owner("kubectl-client-side-apply"), &patch)
}

/// How an HPA is created, and by whom it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One owner that applies server-side.
    Applies,
    /// One owner that uses `kubectl apply`.
    AppliesClientSide,
    /// One owner that updates and patches.
    Updates,
    /// Two co-owners that apply server-side, and others beside them.
    Mixed,
}

/// An HPA that its owner has just created.
pub fn created(kind: Kind, manifest: &Manifest) -> Server {
    let empty = json!({
        "metadata": {"namespace": "shop", "name": "web", "uid": "hpa-1", "resourceVersion": "7",
                     "creationTimestamp": "2026-11-01T00:00:00Z",
                     "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
                        "apiVersion": "autoscaling/v2", "time": "2026-11-01T00:00:00Z", "fieldsType": "FieldsV1",
                        "fieldsV1": {"f:status": {"f:currentReplicas": {}}}}]},
        "spec": {}, "status": {"currentReplicas": 3, "desiredReplicas": 5_050_011, "strange": [1.0, null],
                                "conditions": [{"type": "AbleToScale", "status": "True"}]},
    });
    let mut server = Server { hpa: empty, merge_policy: None, clock: super::start(), seen: None, cap: None };
    match kind {
        Kind::Applies => server.apply(&Writer::owner("argocd"), &manifest.body(), false).unwrap(),
        Kind::AppliesClientSide => client_side_apply(&mut server, manifest).unwrap(),
        Kind::Updates => server.put(&Writer::owner("kubectl"), &manifest.body()).unwrap(),
        Kind::Mixed => {
            server.apply(&Writer::owner("argocd"), &manifest.body(), false).unwrap();
            let shared = json!({"metadata": {"labels": {"tier": "front"}}, "spec": {"maxReplicas": manifest.max}});
            server.apply(&Writer::owner("helm"), &shared, false).unwrap();
        }
    }
    server
}
