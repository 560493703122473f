//! What the condition Reached says: how many replicas are missing or too many, what the HPA says of itself, and what to look
//! at next.

use hpa_override_core::{Bound, Bounds, Instant};
use serde_json::Value;

use super::reading::ScaleReading;
use crate::{
    hpa_status::{HpaCondition, asked_for, conditions},
    scale_target::ScaleTarget,
};

pub(super) const NOT_ACTIVE: &str = "it is not active, so there is nothing to reach";

/// The same for any number of targets, of which more and more are read.
pub(super) const UNREAD: &str = "the replicas of what it scales have not been read yet";

pub(super) fn not_applied(hpa: &str) -> String {
    format!("the effective bounds are not on HorizontalPodAutoscaler {hpa}; Ready says why")
}

/// Nothing in it changes while the bounds stay: it is no reason to write.
pub(super) fn within(hpa: &Value, bounds: Bounds) -> String {
    let unknown = if is_by_scale(hpa) { " (how many of them are ready is not known)" } else { "" };
    format!("the replicas of {} are within the effective bounds {bounds}{unknown}", target(hpa))
}

pub(super) fn within_on_all(count: usize) -> String {
    format!("the replicas are within the effective bounds on all {count} targets")
}

pub(super) fn unreadable(hpa: &Value, reading: &ScaleReading) -> String {
    let (target, or) = (target(hpa), if is_by_scale(hpa) { ", or it cannot be scaled" } else { "" });
    match reading {
        ScaleReading::Unreadable(why) => format!("the replicas of {target} cannot be read: {why}"),
        _ => format!("there is no {target}{or}; look at spec.scaleTargetRef of the HorizontalPodAutoscaler"),
    }
}

/// The workload is scaled to 0.
pub(super) fn disabled(hpa: &Value, missing: i64, now: Instant) -> String {
    let target = target(hpa);
    format!(
        "{missing} replicas were missing at {now}: {target} is scaled to 0, which disables the HorizontalPodAutoscaler and \
         which no bound changes; scale it to 1 or more"
    )
}

pub(super) fn missing(hpa: &Value, reading: &ScaleReading, bounds: Bounds, missing: i64, now: Instant) -> String {
    let (min, replicas) = (i64::from(bounds.get(Bound::Min)), replicas(reading));
    let found = match reading {
        ScaleReading::Replicas { ready: Some(ready), .. } => {
            format!(
                "{ready} of at least {min} replicas were ready at {now}, {missing} were missing; there were {replicas}"
            )
        }
        _ => format!(
            "there were {replicas} of at least {min} replicas at {now}, {missing} were missing, and how many of them were \
             ready is not known"
        ),
    };
    let look = match asked(hpa) {
        Some(asked) if asked < min => "look at the HorizontalPodAutoscaler".into(),
        _ if replicas < min => format!("look at the events of {}, of what it owns, and at quotas", target(hpa)),
        _ => format!("look at the pods of {} that are not ready", target(hpa)),
    };
    format!("{found}{}; {look}", said_by(hpa))
}

pub(super) fn above(hpa: &Value, bounds: Bounds, above: i64, now: Instant) -> String {
    let max = i64::from(bounds.get(Bound::Max));
    let look = match asked(hpa) {
        Some(asked) if asked > max => "look at the HorizontalPodAutoscaler".into(),
        _ => format!("look at the events of {} and at its pods that are ending", target(hpa)),
    };
    format!(
        "there were {} replicas at {now}, {above} more than {max}{}; {look}",
        above.saturating_add(max),
        said_by(hpa)
    )
}

/// Whether the HPA is disabled, since the workload is scaled to 0.
pub(super) fn is_disabled(hpa: &Value) -> bool {
    conditions(hpa).any(|reported| reported.is("ScalingActive", "False") && reported.reason == "ScalingDisabled")
}

fn target(hpa: &Value) -> String {
    ScaleTarget::from_hpa(hpa).map_or_else(|| "the scale target".into(), |target| target.to_string())
}

fn is_by_scale(hpa: &Value) -> bool {
    ScaleTarget::from_hpa(hpa).is_some_and(|target| target.workload().is_none())
}

fn replicas(reading: &ScaleReading) -> i64 {
    match reading {
        ScaleReading::Replicas { replicas, .. } => *replicas,
        ScaleReading::NotFound | ScaleReading::Unreadable(_) => 0,
    }
}

/// How many replicas the HPA asks for; none before it has looked.
fn asked(hpa: &Value) -> Option<i64> {
    conditions(hpa).next()?;
    Some(asked_for(hpa).into())
}

/// Whether a condition explains something. That the HPA asks for no more, or no less, than our bounds does not.
fn explains(condition: &HpaCondition<'_>) -> bool {
    let is_by_bounds = matches!(condition.reason, "TooFewReplicas" | "TooManyReplicas");
    condition.is("AbleToScale", "False")
        || condition.is("ScalingActive", "False")
        || condition.is("ScalingLimited", "True") && !is_by_bounds
}

/// What the HPA says of itself: how many replicas it asks for, and the conditions that explain something.
fn said_by(hpa: &Value) -> String {
    let asks = asked(hpa).map(|asked| format!("the HorizontalPodAutoscaler asks for {asked}"));
    let says = conditions(hpa).filter(explains).map(|reported| {
        let HpaCondition { type_, status, reason, message } = reported;
        format!("its condition {type_} is {status}, {reason}: {message}")
    });
    asks.into_iter().chain(says).fold(String::new(), |all, text| all + "; " + &text)
}
