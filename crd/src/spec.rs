//! The spec: what a user writes. The field documentation is user documentation (`kubectl explain`).

#![cfg_attr(feature = "schema", expect(clippy::duplicated_attributes, reason = "each column names its type"))]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Amount;
#[cfg(feature = "schema")]
use crate::{AutoscalerOverrideStatus, schema};

/// An `AutoscalerOverride` overrules the replica bounds of a HorizontalPodAutoscaler for a while, then restores what
/// its owner wants.
#[cfg_attr(feature = "schema", derive(kube_derive::CustomResource, schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = schema::of_spec())))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerOverrideSpec {
    /// namespace is the namespace of the HorizontalPodAutoscaler.
    ///
    /// Default: the namespace of this override. Another one is refused unless the platform team allows it. Immutable: to
    /// override a target elsewhere, delete this override and create another.
    #[cfg_attr(feature = "schema", schemars(length(max = 63), regex(pattern = schema::LABEL), extend("x-kubernetes-validations" = schema::of_namespace())))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,

    /// hpa is the name of the HorizontalPodAutoscaler to override.
    ///
    /// It need not exist yet: the override becomes active on it when it is created. Exactly one of hpa and selector is
    /// needed. Immutable.
    #[cfg_attr(feature = "schema", schemars(length(max = 253), regex(pattern = schema::SUBDOMAIN), extend("x-kubernetes-validations" = schema::of_hpa())))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hpa: Option<String>,

    /// selector selects HorizontalPodAutoscalers by their labels, also those that are created or labelled later.
    ///
    /// It must not be empty. Exactly one of hpa and selector is needed. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,

    /// minReplicas is the lower bound while the override is active.
    ///
    /// One of
    /// - a whole number, like 40;
    /// - relative to the bound that the owner wants: "150%" (rounded up), desired+5, desired-5. These follow the owner;
    /// - relative to the replicas that the HorizontalPodAutoscaler asks for when the override becomes active: current,
    ///   current+5, current-5, current+50%, current-50% (rounded up). These stay as they were then; while it asks for
    ///   none, they count as not given.
    ///
    /// Each number is from 1 to 2147483647. Write a percentage in quotes; there is no +5, which YAML reads as 5. No result
    /// is below 1.
    ///
    /// At least one of minReplicas and maxReplicas is needed. Alone it also raises the upper bound, where that is lower.
    /// Of two whole numbers minReplicas must not be the larger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<Amount>,

    /// maxReplicas is the upper bound while the override is active, in the forms of minReplicas.
    ///
    /// Alone it also lowers the lower bound, where that is higher. Where both are given and relative numbers cross, it
    /// rises to minReplicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<Amount>,

    /// mode says how minReplicas and maxReplicas change the bounds below this override, which are the owner's or those of
    /// an override that this one takes precedence over.
    ///
    /// Set replaces them. Raise gives at least these numbers, Cap at most these numbers; where the bounds are so already,
    /// nothing changes. Default: Set.
    #[cfg_attr(feature = "schema", schemars(
        with = "Option<String>", extend("enum" = ["Set", "Raise", "Cap"], "default" = "Set")
    ))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,

    /// priority decides between overrides of one HorizontalPodAutoscaler: the highest takes precedence.
    ///
    /// Of equal ones the newer object does, then the first by namespace and name. Negative numbers are allowed; the
    /// platform team sets the highest one allowed, 1000 unless they say otherwise. Default: 0.
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,

    /// startsAt is the instant from which on the override is active, like 2026-11-27T06:00:00Z or
    /// 2026-11-27T07:00:00+01:00.
    ///
    /// In the years 2000 to 9000; fractions of a second are cut off. Default: the creation of this object. Once it has
    /// passed it cannot be moved. With a schedule, the instant from which on it recurs.
    #[cfg_attr(feature = "schema", schemars(
        length(max = 64), regex(pattern = schema::INSTANT), extend("format" = "date-time")
    ))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,

    /// expiresAt is the instant at which the override ends, in the form of startsAt and after it.
    ///
    /// It can be moved at any time; into the past means now. At most one of expiresAt and duration; with neither, the
    /// platform team's default length counts from the start (24h unless they say otherwise). With a schedule, the instant
    /// at which it recurs no more, beside duration.
    #[cfg_attr(feature = "schema", schemars(
        length(max = 64), regex(pattern = schema::INSTANT), extend("format" = "date-time")
    ))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,

    /// duration is how long the override is active, counted from its start, like 90m or 1d12h.
    ///
    /// Whole numbers with the units d (24 hours), h, m and s, each at most once and in that order; in all more than 0 and
    /// at most 36500d. At most one of expiresAt and duration. With a schedule it is required, and is the length of each
    /// occurrence.
    #[cfg_attr(feature = "schema", schemars(
        length(max = 64), regex(pattern = schema::DURATION), extend("x-kubernetes-validations" = schema::of_duration())
    ))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,

    /// schedule makes the override recur: it is active for duration from each of these starts on.
    ///
    /// It recurs from startsAt, or the creation of this object, until expiresAt, or the deletion of this object. Created
    /// inside an occurrence, the override is active at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,

    /// returnOver makes the bounds return gradually after the end, in small steps over that time.
    ///
    /// A duration of at most 24h, like 10m. Default: they return at once.
    #[cfg_attr(feature = "schema", schemars(
        length(max = 64), regex(pattern = schema::DURATION), extend("x-kubernetes-validations" = schema::of_duration())
    ))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_over: Option<String>,

    /// suspend makes the override inactive for as long as it is true; its end does not move. Default: false.
    #[cfg_attr(feature = "schema", schemars(extend("default" = false)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// reason says why the override exists, for other people: a ticket, an incident, a campaign.
    ///
    /// At most 1024 characters. Optional, unless the platform team requires it.
    #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// ttlAfterFinished is how long after its end this object is deleted, a duration like 24h.
    ///
    /// It needs an end that does not depend on when the object was created: expiresAt, or startsAt with duration.
    /// Otherwise a GitOps tool that creates the object again would make it active again. Default: it is not deleted.
    #[cfg_attr(feature = "schema", schemars(
        length(max = 64), regex(pattern = schema::DURATION), extend("x-kubernetes-validations" = schema::of_duration())
    ))]
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
#[cfg_attr(feature = "schema", schemars(extend(
    "x-kubernetes-map-type" = "atomic", "x-kubernetes-validations" = schema::of_selector()
)))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// matchLabels are labels with the values that they must have, at most 32.
    #[cfg_attr(feature = "schema", schemars(extend(
        "maxProperties" = 32, "additionalProperties" = {"type": "string", "maxLength": 63}
    )))]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,

    /// matchExpressions are requirements on labels, at most 32.
    #[cfg_attr(feature = "schema", schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic")))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// A requirement on one label, like `{key: tier, operator: In, values: [front, edge]}`.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelectorRequirement {
    /// key is the label.
    #[cfg_attr(feature = "schema", schemars(length(max = 317)))]
    pub key: String,

    /// operator says how the label relates to values: In and NotIn (also where there is no such label), or how it relates
    /// to none: Exists and DoesNotExist.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["In", "NotIn", "Exists", "DoesNotExist"])))]
    pub operator: String,

    /// values are compared with the value of the label: at least one and at most 64 for In and NotIn, none for Exists and
    /// DoesNotExist.
    #[cfg_attr(feature = "schema", schemars(
        length(max = 64), inner(length(max = 63)), extend("x-kubernetes-list-type" = "atomic")
    ))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// When a recurring override starts.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// cron is when it starts, in the five fields of a CronJob: minute, hour, day of month, month, day of week.
    ///
    /// `0 8 * * MON-FRI` is 8:00 from Monday to Friday, `55 * * * *` five minutes before each full hour. At most 200
    /// characters; no seconds, no macros like @daily, none of ? L W #.
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    pub cron: String,

    /// timeZone is the time zone of cron and except, by its IANA name, like Europe/Rome; case counts. Default: UTC.
    ///
    /// Where clocks go forward over a start, it is that much later; where they go back, the first of the two counts.
    #[cfg_attr(feature = "schema", schemars(length(max = 64), extend("default" = "UTC")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,

    /// except are the dates on which it does not start, like "2026-12-25", at most 366.
    #[cfg_attr(feature = "schema", schemars(
        length(max = 366), inner(length(max = 10)), extend("x-kubernetes-list-type" = "atomic")
    ))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}
