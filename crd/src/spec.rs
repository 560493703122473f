//! The spec: what a person asks for. The field documentation is the user's documentation (`kubectl explain`).

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::AutoscalerOverrideStatus;

/// An `AutoscalerOverride` overrules the replica bounds of a HorizontalPodAutoscaler for a while and gives it back
/// as its owner wants it.
#[cfg_attr(feature = "schema", derive(kube::CustomResource, kube::KubeSchema))]
#[cfg_attr(
    feature = "schema",
    kube(
        group = "hpa-override.dev",
        version = "v1",
        kind = "AutoscalerOverride",
        plural = "autoscaleroverrides",
        shortname = "hpao",
        category = "autoscaling",
        namespaced,
        status = "AutoscalerOverrideStatus",
        doc = "AutoscalerOverride overrules the replica bounds of a HorizontalPodAutoscaler for a while and gives it \
               back as its owner wants it.",
        validation = kube::core::Rule::new(
            "has(self.spec.hpa) == has(oldSelf.spec.hpa) && (!has(self.spec.hpa) || self.spec.hpa == oldSelf.spec.hpa)"
        ).message("hpa is immutable: delete this override and create another for the other target"),
        validation = kube::core::Rule::new(
            "has(self.spec.__namespace__) == has(oldSelf.spec.__namespace__) && \
             (!has(self.spec.__namespace__) || self.spec.__namespace__ == oldSelf.spec.__namespace__)"
        ).message("namespace is immutable: delete this override and create another for the other target"),
        printcolumn(name = "Target", type_ = "string", json_path = ".spec.hpa"),
        printcolumn(name = "Min", type_ = "string", json_path = ".spec.minReplicas"),
        printcolumn(name = "Max", type_ = "string", json_path = ".spec.maxReplicas"),
        printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
        printcolumn(name = "Ends", type_ = "string", json_path = ".status.endsAt"),
        printcolumn(name = "By", type_ = "string", json_path = ".status.requestedBy", priority = 1),
        printcolumn(
            name = "Reason",
            type_ = "string",
            json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
            priority = 1
        ),
        printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    )
)]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerOverrideSpec {
    /// namespace is where the HorizontalPodAutoscaler is. Default: the namespace of this override. Another namespace
    /// is refused by default. Immutable.
    #[cfg_attr(feature = "schema", schemars(length(max = 253)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,

    /// hpa is the name of the HorizontalPodAutoscaler to override. Required. Immutable: to change the target, create
    /// another override.
    #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hpa: Option<String>,

    /// minReplicas is the lower bound while the override is in force, from 1 to 2147483647. At least one of
    /// minReplicas and maxReplicas is needed. Alone, it raises maxReplicas with it where that is lower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<i64>,

    /// maxReplicas is the upper bound while the override is in force, from 1 to 2147483647, at least minReplicas.
    /// Alone, it lowers minReplicas with it where that is higher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<i64>,

    /// priority decides between overrides of one HorizontalPodAutoscaler: the higher wins, then the newer one, then
    /// the first by namespace and name. Default: 0. The platform team sets the highest value allowed (1000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,

    /// startsAt is when the override comes into force, like `2026-11-27T06:00:00Z` or `2026-11-27T07:00:00+01:00`.
    /// Default: when it is created. It cannot be moved once it has passed.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,

    /// expiresAt is when the override ends, in the form of startsAt. At most one of expiresAt and duration; with
    /// neither, the platform team's default length holds (24h). It can be moved at any time; into the past means now.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,

    /// duration is how long the override is in force from its start: whole numbers with the units d, h, m, s in that
    /// order, like `90m` or `1d12h`, at most 36500d. At most one of expiresAt and duration.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,

    /// reason says why, for the people who find the override: a ticket, an incident, a campaign. Optional unless the
    /// platform team requires it.
    #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
