//! The spec: what a user writes. The field documentation is user documentation (`kubectl explain`).

#![cfg_attr(feature = "schema", expect(clippy::duplicated_attributes, reason = "each column names its type"))]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Amount;
#[cfg(feature = "schema")]
use crate::AutoscalerOverrideStatus;

/// An `AutoscalerOverride` overrules the replica bounds of a HorizontalPodAutoscaler for a while, then restores what
/// its owner wants.
#[cfg_attr(feature = "schema", derive(kube_derive::CustomResource, kube_derive::KubeSchema))]
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
        doc = "AutoscalerOverride overrules the replica bounds of a HorizontalPodAutoscaler for a while, then restores \
               what its owner wants.",
        crates(kube_core = "::kube_core"),
        printcolumn(name = "HPA", type_ = "string", json_path = ".spec.hpa"),
        printcolumn(name = "Targets", type_ = "integer", json_path = ".status.targets"),
        printcolumn(name = "Min", type_ = "string", json_path = ".spec.minReplicas"),
        printcolumn(name = "Max", type_ = "string", json_path = ".spec.maxReplicas"),
        printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
        printcolumn(name = "Ends", type_ = "string", json_path = ".status.endsAt"),
        printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
        printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode", priority = 1),
        printcolumn(name = "Priority", type_ = "integer", json_path = ".spec.priority", priority = 1),
        printcolumn(name = "By", type_ = "string", json_path = ".status.requestedBy", priority = 1),
        printcolumn(
            name = "Reason",
            type_ = "string",
            json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
            priority = 1
        ),
        selectable = ".spec.hpa",
    )
)]
// Rules on the spec, never at the root: there they would be evaluated on every status write, and an object that was stored
// under an older schema could get no status.
#[cfg_attr(
    feature = "schema",
    x_kube(
        crates(kube_core = "::kube_core"),
        validation = kube_core::Rule::new(
            "has(self.hpa) == has(oldSelf.hpa) && (!has(self.hpa) || self.hpa == oldSelf.hpa)"
        ).message("hpa is immutable; delete this override and create another for the other target"),
        validation = kube_core::Rule::new(
            "has(self.selector) == has(oldSelf.selector) && (!has(self.selector) || self.selector == oldSelf.selector)"
        ).message("selector is immutable; delete this override and create another for the other target"),
        validation = kube_core::Rule::new(
            "has(self.__namespace__) == has(oldSelf.__namespace__) && \
             (!has(self.__namespace__) || self.__namespace__ == oldSelf.__namespace__)"
        ).message("namespace is immutable; delete this override and create another for the other target"),
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

    /// hpa is the name of the HorizontalPodAutoscaler to override. Exactly one of hpa and selector is needed.
    /// Immutable: to change the target, create another override.
    #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hpa: Option<String>,

    /// selector selects HorizontalPodAutoscalers by their labels, including those created or labelled later.
    /// It must not be empty. Exactly one of hpa and selector is needed. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,

    /// minReplicas is the lower bound while the override is active: a number from 1 to 2147483647, or relative to what
    /// the owner wants, like "150%" (rounded up), "desired+5" or "desired-5". At least one of minReplicas and
    /// maxReplicas is needed. Alone, it also raises maxReplicas where that is lower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<Amount>,

    /// maxReplicas is the upper bound while the override is active, in the form of minReplicas and at least that.
    /// Alone, it also lowers minReplicas where that is higher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<Amount>,

    /// mode says how the numbers change the bounds below this override, the owner's or another override's: Set replaces
    /// them, Raise gives at least these numbers, Cap gives at most these numbers. Default: Set.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", length(max = 16)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,

    /// priority decides between overrides of one HorizontalPodAutoscaler: the higher wins, then the newer one, then
    /// the first by namespace and name. Default: 0. The platform team sets the highest value allowed (default: 1000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,

    /// startsAt is when the override becomes active, like `2026-11-27T06:00:00Z` or `2026-11-27T07:00:00+01:00`.
    /// Default: when it is created. It cannot be moved once it has passed.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,

    /// expiresAt is when the override ends, in the form of startsAt. At most one of expiresAt and duration; with
    /// neither, the platform team's default length applies (24h). It can be moved at any time; into the past means now.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,

    /// duration is how long the override is active from its start: whole numbers with the units d, h, m, s in that
    /// order, like `90m` or `1d12h`, at most 36500d. At most one of expiresAt and duration, except with a schedule:
    /// then it is required, and is the length of each occurrence.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,

    /// schedule makes the override recur: it is active for duration from each start on. startsAt and expiresAt, where
    /// given, limit when it recurs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,

    /// returnOver makes the bounds return gradually at the end, over that time and in small steps, instead of at once:
    /// a duration of at most 24h.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_over: Option<String>,

    /// suspend makes the override inactive for as long as it is true. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// reason says why the override exists, for other people: a ticket, an incident, a campaign. Optional unless the
    /// platform team requires it.
    #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// ttlAfterFinished deletes this object that long after its end, a duration. It needs an end that does not depend
    /// on when the object was created (expiresAt, or startsAt with duration): otherwise a GitOps tool that creates the
    /// object again would start it again.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_after_finished: Option<String>,
}

/// How an override's numbers change the bounds below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// These numbers.
    #[default]
    Set,
    /// At least these numbers.
    Raise,
    /// At most these numbers.
    Cap,
}

/// Labels that a HorizontalPodAutoscaler must have: all of matchLabels and all of matchExpressions.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// matchLabels are labels with their values.
    #[cfg_attr(feature = "schema", schemars(extend(
        "maxProperties" = 32, "additionalProperties" = {"type": "string", "maxLength": 63}
    )))]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,

    /// matchExpressions are requirements on labels.
    #[cfg_attr(feature = "schema", schemars(length(max = 32)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// A requirement on one label.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelectorRequirement {
    /// key is the label.
    #[cfg_attr(feature = "schema", schemars(length(max = 317)))]
    #[serde(default)]
    pub key: String,

    /// operator is In, NotIn, Exists or DoesNotExist.
    #[cfg_attr(feature = "schema", schemars(length(max = 16)))]
    #[serde(default)]
    pub operator: String,

    /// values are compared with the label: at least one for In and NotIn, none for Exists and DoesNotExist.
    #[cfg_attr(feature = "schema", schemars(length(max = 64), inner(length(max = 63))))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// When a recurring override starts.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// cron is when it starts, in the form of a CronJob: minute, hour, day of month, month, day of week, like
    /// `0 8 * * MON-FRI`.
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    #[serde(default)]
    pub cron: String,

    /// timeZone is the IANA name of the time zone of cron, like `Europe/Rome`. Default: UTC.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,

    /// except are dates, like `2026-12-25`, in that time zone, on which it does not start.
    #[cfg_attr(feature = "schema", schemars(length(max = 366), inner(length(max = 10))))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}
