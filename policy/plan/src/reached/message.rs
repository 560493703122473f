//! What the condition Reached says: how many replicas are missing or too many, what the HPA says of itself, and what to look
//! at next.

use hpa_override_core::{Bound, Bounds, Instant};

use super::reading::ScaleReading;
use crate::hpa_view::Scaling;

pub(super) const NOT_ACTIVE: &str = "it is not active, so there is nothing to reach";

/// The same for any number of targets, of which more and more are read.
pub(super) const UNREAD: &str = "the replicas of what it scales have not been read yet";

pub(super) fn not_applied(hpa: &str) -> String {
    format!("the effective bounds are not on HorizontalPodAutoscaler {hpa}; Ready says why")
}

/// Nothing in it changes while the bounds stay: it is no reason to write.
pub(super) fn within(scaling: &Scaling, bounds: Bounds) -> String {
    let unknown = if is_by_scale(scaling) { " (how many of them are ready is not known)" } else { "" };
    format!("the replicas of {} are within the effective bounds {bounds}{unknown}", target(scaling))
}

pub(super) fn within_on_all(count: usize) -> String {
    format!("the replicas are within the effective bounds on all {count} targets")
}

pub(super) fn unreadable(scaling: &Scaling, reading: &ScaleReading) -> String {
    let (target, or) = (target(scaling), if is_by_scale(scaling) { ", or it cannot be scaled" } else { "" });
    match reading {
        ScaleReading::Unreadable(why) => format!("the replicas of {target} cannot be read: {why}"),
        _ => format!("there is no {target}{or}; look at spec.scaleTargetRef of the HorizontalPodAutoscaler"),
    }
}

/// The workload is scaled to 0.
pub(super) fn disabled(scaling: &Scaling, missing: i64, now: Instant) -> String {
    let target = target(scaling);
    format!(
        "{missing} replicas were missing at {now}: {target} is scaled to 0, which disables the HorizontalPodAutoscaler and \
         which no bound changes; scale it to 1 or more"
    )
}

pub(super) fn missing(scaling: &Scaling, reading: &ScaleReading, bounds: Bounds, missing: i64, now: Instant) -> String {
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
    let look = match asked(scaling) {
        Some(asked) if asked < min => "look at the HorizontalPodAutoscaler".into(),
        _ if replicas < min => format!("look at the events of {}, of what it owns, and at quotas", target(scaling)),
        _ => format!("look at the pods of {} that are not ready", target(scaling)),
    };
    format!("{found}{}; {look}", said_by(scaling))
}

pub(super) fn above(scaling: &Scaling, bounds: Bounds, above: i64, now: Instant) -> String {
    let max = i64::from(bounds.get(Bound::Max));
    let look = match asked(scaling) {
        Some(asked) if asked > max => "look at the HorizontalPodAutoscaler".into(),
        _ => format!("look at the events of {} and at its pods that are ending", target(scaling)),
    };
    format!(
        "there were {} replicas at {now}, {above} more than {max}{}; {look}",
        above.saturating_add(max),
        said_by(scaling)
    )
}

fn target(scaling: &Scaling) -> String {
    scaling.target.as_ref().map_or_else(|| "the scale target".into(), ToString::to_string)
}

fn is_by_scale(scaling: &Scaling) -> bool {
    scaling.target.as_ref().is_some_and(|target| target.workload().is_none())
}

fn replicas(reading: &ScaleReading) -> i64 {
    match reading {
        ScaleReading::Replicas { replicas, .. } => *replicas,
        ScaleReading::NotFound | ScaleReading::Unreadable(_) => 0,
    }
}

/// How many replicas the HPA asks for; none before it has looked.
fn asked(scaling: &Scaling) -> Option<i64> {
    scaling.status.asked().map(Into::into)
}

/// What the HPA says of itself: how many replicas it asks for, and the conditions that explain something.
fn said_by(scaling: &Scaling) -> String {
    let asks = asked(scaling).map(|asked| format!("; the HorizontalPodAutoscaler asks for {asked}"));
    asks.unwrap_or_default() + scaling.status.explanation()
}
