//! Targets of one override, `shop/all`, in every state that a plan and a write give.

use std::{collections::BTreeMap, iter, sync::Mutex};

use hpa_override_core::{
    Instant, MayPatch, ParsedOverride, RECORD_ANNOTATION, Reason, Settings, hpa::raw::set_annotation,
};
use serde_json::{Value, json};

use super::super::*;
use crate::{plan_hpa::HpaPlan, plan_hpa::plan_hpa};

pub(super) const NOW: &str = "2026-11-27T06:00:00Z";
const END: &str = "2026-11-27T07:00:00Z";

/// An HPA, and what its plan says of `shop/all`.
type Seen = (HpaView, OnTarget);

/// Random tests ask for the same again and again.
static MADE: Mutex<BTreeMap<(&str, Scene), Seen>> = Mutex::new(BTreeMap::new());

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scene {
    /// Active, applied, and a limit cuts a bound.
    Active,
    /// The patch is to be written.
    Due,
    /// The patch could not be written.
    Failed,
    /// Applied, and another patch could not be written.
    FailedLater,
    /// Somebody reverted the bounds, which are to be written again.
    Reverted,
    /// Somebody reverts them again and again.
    Contested,
    Superseded,
    /// The HPA has a controller owner.
    Owned,
    Unreadable,
    /// The edit is refused, what was accepted stays.
    EditRefused,
    /// It waits for the status of the HPA.
    Waiting,
    /// The requester has to be asked about.
    Open,
    /// Not planned.
    Unplanned,
    Returning,
    Expired,
    /// Active with other bounds.
    OtherBounds,
    /// Active, and the HPA scales something else.
    OtherWorkload,
    /// Active, and the workload is scaled to 0.
    Disabled,
}

impl Scene {
    pub(super) const ALL: [Self; 18] = [
        Self::Active,
        Self::Due,
        Self::Failed,
        Self::FailedLater,
        Self::Reverted,
        Self::Contested,
        Self::Superseded,
        Self::Owned,
        Self::Unreadable,
        Self::EditRefused,
        Self::Waiting,
        Self::Open,
        Self::Unplanned,
        Self::Returning,
        Self::Expired,
        Self::OtherBounds,
        Self::OtherWorkload,
        Self::Disabled,
    ];

    /// The HPA of that name, and what its plan says of `shop/all`.
    pub(super) fn of(self, name: &'static str) -> Seen {
        let mut made = MADE.lock().unwrap();
        made.entry((name, self)).or_insert_with(|| self.made(name)).clone()
    }

    fn made(self, name: &str) -> Seen {
        let (all, fresh) = (ovr("all", &json!({})), hpa(name));
        let settled = |hpa: Value| settled(hpa, &[&all], NOW);
        let denied = Problem { reason: Reason::WriteDenied, message: "denied: at most 15".into() };
        match self {
            Self::Active => seen(&all, &settled(fresh), &[], None, NOW),
            Self::Due => seen(&all, &fresh, &[], None, NOW),
            Self::Failed => seen(&all, &fresh, &[], Some(&denied), NOW),
            Self::FailedLater => seen(&all, &settled(fresh), &[], Some(&denied), NOW),
            Self::Reverted => seen(&all, &reverted(settled(fresh)), &[], None, NOW),
            Self::Contested => {
                let problem = Problem { reason: Reason::Contested, message: "`argocd` keeps writing".into() };
                seen(&all, &reverted(settled(fresh)), &[], Some(&problem), NOW)
            }
            Self::Superseded => {
                let high = ovr("high", &json!({"priority": 1}));
                seen(&all, &self::settled(fresh, &[&all, &high], NOW), &[&high], None, NOW)
            }
            Self::Owned => {
                let owned = with(fresh, "/metadata/ownerReferences", json!([{"controller": true}]));
                seen(&all, &owned, &[], None, NOW)
            }
            Self::Unreadable => {
                let unreadable = with(fresh, "/metadata/annotations", json!({RECORD_ANNOTATION: "?"}));
                seen(&all, &unreadable, &[], None, NOW)
            }
            Self::EditRefused => {
                let edited = edited(&json!({"priority": 6}));
                seen(&edited, &self::settled(settled(fresh), &[&edited], NOW), &[], None, NOW)
            }
            Self::Waiting => seen(&ovr("all", &json!({"minReplicas": "current"})), &fresh, &[], None, NOW),
            Self::Open => {
                let (hpa, settings) = (HpaView::parse(&fresh), Settings::parse(&json!({"authorizeRequester": true})));
                let plan = plan_hpa(&hpa, &[&all], &settings.unwrap(), &|_| MayPatch::NotAsked, at(NOW), None);
                let found = OnTarget::new(&all, &hpa, &plan, None);
                (hpa, found)
            }
            Self::Unplanned => {
                let hpa = HpaView::parse(&settled(fresh));
                let found = OnTarget::new(&all, &hpa, &HpaPlan::default(), None);
                (hpa, found)
            }
            Self::Returning => {
                let gentle = ovr("all", &json!({"returnOver": "10m"}));
                let active = self::settled(fresh, &[&gentle], NOW);
                seen(&gentle, &self::settled(active, &[&gentle], END), &[], None, END)
            }
            Self::Expired => seen(&all, &self::settled(settled(fresh), &[&all], END), &[], None, END),
            Self::OtherBounds => {
                let wide = with(fresh, "/spec/maxReplicas", json!(9));
                seen(&all, &settled(wide), &[], None, NOW)
            }
            Self::OtherWorkload => {
                let other = with(settled(fresh), "/spec/scaleTargetRef/name", json!("other"));
                seen(&all, &other, &[], None, NOW)
            }
            Self::Disabled => {
                let condition = json!({"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled",
                                       "message": "scaling is disabled"});
                let disabled = with(settled(fresh), "/status", json!({"conditions": [condition]}));
                seen(&all, &disabled, &[], None, NOW)
            }
        }
    }
}

pub(super) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(super) fn settings() -> Settings {
    Settings::parse(&json!({"maxPriority": 5, "maxFactor": 3})).unwrap()
}

/// For an hour, on all HPAs of the front.
pub(super) fn ovr(name: &str, fields: &Value) -> ParsedOverride {
    let mut spec = json!({"selector": {"matchLabels": {"tier": "front"}}, "minReplicas": 10, "maxReplicas": 20,
                          "expiresAt": END, "ttlAfterFinished": "1h"});
    for (key, value) in fields.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let metadata = json!({"namespace": "shop", "name": name, "uid": name, "creationTimestamp": NOW, "generation": 1,
                          "annotations": {"hpa-override.dev/requested-by": r#"{"user":"alice","groups":[]}"#}});
    ParsedOverride::parse(&json!({"metadata": metadata, "spec": spec}), at(NOW))
}

/// `shop/all` with other fields, later.
fn edited(fields: &Value) -> ParsedOverride {
    ParsedOverride { generation: Some(2), ..ovr("all", fields) }
}

fn hpa(name: &str) -> Value {
    json!({"metadata": {"namespace": "shop", "name": name, "labels": {"tier": "front"}},
           "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                    "minReplicas": 2, "maxReplicas": 5}})
}

fn with(mut hpa: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    hpa.pointer_mut(parent).unwrap()[key] = value;
    hpa
}

fn reverted(hpa: Value) -> Value {
    with(with(hpa, "/spec/minReplicas", json!(2)), "/spec/maxReplicas", json!(5))
}

/// The HPA once nothing is left to be written for these overrides.
fn settled(mut hpa: Value, overrides: &[&ParsedOverride], now: &str) -> Value {
    while let Some(patch) = planned(&HpaView::parse(&hpa), overrides, now).patch {
        for (bound, number) in patch.get("spec").and_then(Value::as_object).into_iter().flatten() {
            hpa["spec"][bound] = number.clone();
        }
        let record = patch["metadata"]["annotations"][RECORD_ANNOTATION].as_str().map(Into::into);
        set_annotation(&mut hpa, RECORD_ANNOTATION, record);
    }
    hpa
}

fn planned(hpa: &HpaView, overrides: &[&ParsedOverride], now: &str) -> HpaPlan {
    plan_hpa(hpa, overrides, &settings(), &|_| MayPatch::NotAsked, at(now), None)
}

/// The HPA, and what its plan says of `ovr`; `others` are the other overrides of it.
fn seen(ovr: &ParsedOverride, hpa: &Value, others: &[&ParsedOverride], problem: Option<&Problem>, now: &str) -> Seen {
    let overrides: Vec<_> = iter::once(ovr).chain(others.iter().copied()).collect();
    let hpa = HpaView::parse(hpa);
    let found = OnTarget::new(ovr, &hpa, &planned(&hpa, &overrides, now), problem);
    (hpa, found)
}

/// So many pods, all of them ready.
pub(super) fn pods(count: i64) -> ScaleReading {
    ScaleReading::Replicas { replicas: count, ready: Some(count) }
}

/// Too few, as many as are wanted, too many, none at all, and no reading.
pub(super) fn readings() -> [ScaleReading; 7] {
    let unreadable = |why: &str| ScaleReading::Unreadable(why.into());
    [pods(0), pods(9), pods(15), pods(70), ScaleReading::NotFound, unreadable("no right"), unreadable("no time")]
}
