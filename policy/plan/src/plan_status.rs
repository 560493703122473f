//! Plans the status of one override: what a person, Flux, Argo CD and `kubectl wait` read.
//!
//! Derived from the state of its targets and from the plans for them. The old status is read only to leave alone what has
//! not changed.

use hpa_override_core::{
    Bound, Bounds, Id, Instant, ParsedOverride, Phase, Question, Reason, Record, Settings, hpa::raw::name_of,
};
use hpa_override_crd::{AutoscalerOverrideStatus, FailingTarget, Replicas};
use serde_json::{Value, json};

use crate::{
    conditions::conditions,
    eligibility::{Eligibility, MayPatchOf, TargetFacts, TargetState, check_eligibility},
    events::{About, Event},
    plan_hpa::HpaPlan,
};

/// The most failing targets that a status lists.
const MOST_FAILING: usize = 10;

/// Why a write to a target did not do what was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In a word.
    pub reason: Reason,
    /// In a sentence.
    pub message: String,
}

/// A target of an override, as it is.
#[derive(Clone, Copy, Debug)]
pub struct TargetView<'a> {
    /// The HPA.
    pub hpa: &'a Value,
    /// The plan for it.
    pub plan: &'a HpaPlan,
    /// What kept the plan from being written.
    pub problem: Option<&'a Problem>,
}

/// What is to be done about one status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusPlan {
    /// The question to be answered first: until then the override is blocked.
    pub question: Option<Question>,
    /// The status to write; none where it is as it should be, or while a write to a target is due.
    pub status: Option<AutoscalerOverrideStatus>,
    /// The event to publish once the status is written.
    pub event: Option<Event>,
    /// Whether the override is to be deleted: `ttlAfterFinished` has passed since its end.
    pub delete: bool,
    /// The first instant at which the status differs, nothing else happening.
    pub next_transition: Option<Instant>,
}

/// Plans the status of `object`, parsed as `ovr`.
///
/// # Guarantees
/// Total, and independent of the order of `targets`. A status is planned only where it differs from the one on the object,
/// and not while the plan for a target still has a patch to write: it reports what is done, never what is about to be.
///
/// # What it assumes
/// `targets` are all HPAs that the override targets, each with the plan for it at `now` and with the problem, if any, that
/// kept an earlier plan from being written.
///
/// # What the caller does
/// Answers [`StatusPlan::question`] and plans again. Deletes the object where [`StatusPlan::delete`] is set. Otherwise writes
/// the status ([`status_patch`]), publishes the event, and plans again when a target changes and at
/// [`StatusPlan::next_transition`].
///
/// ```
/// use hpa_override_core::{Instant, MayPatch, ParsedOverride, Phase, Settings};
/// use hpa_override_plan::plan_status;
/// use serde_json::json;
///
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let object = json!({"metadata": {"namespace": "shop", "name": "a"},
///                     "spec": {"hpa": "web", "minReplicas": 10, "startsAt": "2026-11-28T06:00:00Z"}});
/// let ovr = ParsedOverride::parse(&object, now);
/// let plan = plan_status(&object, &ovr, &[], &Settings::default(), &|_| MayPatch::NotAsked, now);
/// assert_eq!(plan.status.unwrap().phase, Some(Phase::Pending));
/// ```
#[must_use]
pub fn plan_status(
    object: &Value,
    ovr: &ParsedOverride,
    targets: &[TargetView<'_>],
    settings: &Settings,
    may_patch: MayPatchOf<'_>,
    now: Instant,
) -> StatusPlan {
    let mut targets = targets.to_vec();
    targets.sort_by_key(|target| name_of(target.hpa));
    let targets = targets.as_slice();
    let eligibility = eligibility(ovr, targets, settings, may_patch, now);
    let (deletion, question) = (deletion(ovr, &eligibility), eligibility.question.clone());
    let next_transition = eligibility.next.into_iter().chain(deletion.filter(|at| *at > now)).min();
    if targets.iter().any(|target| target.plan.patch.is_some() && target.problem.is_none()) {
        return StatusPlan { question, next_transition, ..StatusPlan::default() };
    }
    let outcome = Outcome::new(ovr, targets, eligibility);
    if outcome.is_ready && deletion.is_some_and(|at| at <= now) {
        return StatusPlan { delete: true, ..StatusPlan::default() };
    }
    let old: Option<AutoscalerOverrideStatus> =
        object.get("status").and_then(|status| serde_json::from_value(status.clone()).ok());
    let status = outcome.status(ovr, targets, next_transition, old.as_ref(), now);
    if old.as_ref() == Some(&status) {
        return StatusPlan { question, next_transition, ..StatusPlan::default() };
    }
    let event = outcome.event(ovr, old.as_ref());
    StatusPlan { question, status: Some(status), event, delete: false, next_transition }
}

/// When an override that has ended is to be deleted. Not during its gradual return, nor while it is being deleted.
fn deletion(ovr: &ParsedOverride, eligibility: &Eligibility) -> Option<Instant> {
    if eligibility.phase != Phase::Expired || ovr.deleting {
        return None;
    }
    Some(eligibility.window?.until?.saturating_add(ovr.ttl.value()?.as_secs()))
}

/// The merge patch that makes `status` the status of `object`, and of no other object of that name.
#[must_use]
pub fn status_patch(object: &Value, status: &AutoscalerOverrideStatus) -> Value {
    let mut fields = serde_json::to_value(status).unwrap_or_default();
    let old = object.get("status").and_then(Value::as_object);
    if let Some((old, fields)) = old.zip(fields.as_object_mut()) {
        for key in old.keys() {
            fields.entry(key).or_insert(Value::Null);
        }
    }
    let uid = object.get("metadata").and_then(|metadata| metadata.get("uid"));
    json!({ "metadata": { "uid": uid }, "status": fields })
}

/// By the plans for its targets, of which one that is active is enough; without a target by spec and settings alone.
fn eligibility(
    ovr: &ParsedOverride,
    targets: &[TargetView<'_>],
    settings: &Settings,
    may_patch: MayPatchOf<'_>,
    now: Instant,
) -> Eligibility {
    let planned: Vec<&Eligibility> = targets.iter().filter_map(|target| planned(&ovr.id, target)).collect();
    let first = planned.iter().min_by_key(|found| (found.phase != Phase::Active, found.phase));
    let Some(first) = first else {
        let absent = TargetFacts { state: TargetState::Absent, current: None };
        return check_eligibility(ovr, absent, None, settings, may_patch(ovr), now);
    };
    let next = planned.iter().filter_map(|found| found.next).min();
    Eligibility { next, ..(*first).clone() }
}

fn planned<'a>(id: &Id, target: &TargetView<'a>) -> Option<&'a Eligibility> {
    target.plan.eligibility.get(id)
}

/// The eligibility with what happened on the targets.
struct Outcome {
    eligibility: Eligibility,
    is_ready: bool,
    applied: usize,
    failing: Vec<FailingTarget>,
}

impl Outcome {
    fn new(ovr: &ParsedOverride, targets: &[TargetView<'_>], mut eligibility: Eligibility) -> Self {
        let is_wanted = matches!(eligibility.phase, Phase::Active | Phase::Superseded);
        let is_stalled = matches!(eligibility.phase, Phase::Invalid | Phase::Blocked);
        let failing: Vec<FailingTarget> = targets.iter().filter_map(|target| failure(ovr, target, is_wanted)).collect();
        let applied = targets.iter().filter(|target| is_applied(ovr, target)).count();
        let has_no_target = is_wanted && targets.is_empty();
        let changed = match failing.first() {
            // The reason of the override itself is what a person has to act on.
            _ if is_stalled => None,
            Some(first) if is_wanted && applied > 0 && applied < targets.len() => {
                let FailingTarget { hpa, message, .. } = first;
                let message = format!("applied on {applied} of {} targets; {hpa}: {message}", targets.len());
                Some((Reason::PartlyApplied, message))
            }
            Some(first) => Some((first.reason, first.message.clone())),
            None if has_no_target => Some(not_found(ovr)),
            None => None,
        };
        if let Some((reason, message)) = changed {
            (eligibility.reason, eligibility.message) = (reason, message);
        }
        let is_ready = !is_stalled && failing.is_empty() && !has_no_target;
        Self { eligibility, is_ready, applied, failing }
    }

    fn status(
        &self,
        ovr: &ParsedOverride,
        targets: &[TargetView<'_>],
        next_transition: Option<Instant>,
        old: Option<&AutoscalerOverrideStatus>,
        now: Instant,
    ) -> AutoscalerOverrideStatus {
        let record = match targets {
            [only] => Record::from_hpa(only.hpa).and_then(Result::ok),
            _ => None,
        };
        let window = self.eligibility.window;
        AutoscalerOverrideStatus {
            observed_generation: ovr.generation,
            phase: Some(self.eligibility.phase),
            starts_at: window.map(|window| window.from),
            ends_at: window.and_then(|window| window.until),
            next_transition,
            targets: count(targets.len()),
            applied: count(self.applied),
            desired: record.as_ref().map(|record| replicas(record.desired)),
            effective: record.as_ref().map(|record| replicas(record.effective)),
            failing: self.failing.iter().take(MOST_FAILING).cloned().collect(),
            requested_by: ovr.requester.as_ref().map(|requester| requester.user.clone()),
            conditions: conditions(ovr, &self.eligibility, self.is_ready, old, now),
        }
    }

    /// A warning when it is not ready, once per reason.
    fn event(&self, ovr: &ParsedOverride, old: Option<&AutoscalerOverrideStatus>) -> Option<Event> {
        let reason = self.eligibility.reason;
        let is_known = old.and_then(|old| old.conditions.first()).is_some_and(|ready| ready.reason == reason);
        if self.is_ready || is_known {
            return None;
        }
        let about = About::Override(ovr.id.clone(), ovr.uid.clone());
        Some(Event { about, warning: true, reason: reason.as_str(), note: self.eligibility.message.clone() })
    }
}

/// What is due on a target and not done.
fn failure(ovr: &ParsedOverride, target: &TargetView<'_>, is_wanted: bool) -> Option<FailingTarget> {
    let is_due = |found: &&Eligibility| {
        found.is_edit_refused || found.phase == Phase::Blocked || found.reason == Reason::NoHpaStatus
    };
    let due = planned(&ovr.id, target).filter(is_due);
    let (reason, message) = match (target.problem, due) {
        (Some(problem), _) if is_wanted || has_layer(ovr, target) => (problem.reason, &problem.message),
        (_, Some(due)) if is_wanted => (due.reason, &due.message),
        _ => return None,
    };
    Some(FailingTarget { hpa: name_of(target.hpa).1.into(), reason, message: message.clone() })
}

fn is_layer_in(record: &Record, ovr: &ParsedOverride) -> bool {
    record.layers.iter().any(|layer| layer.is_of(&ovr.id, &ovr.uid))
}

/// It is in the target's record, so that removing it is due, or keeping it.
fn has_layer(ovr: &ParsedOverride, target: &TargetView<'_>) -> bool {
    Record::from_hpa(target.hpa).and_then(Result::ok).is_some_and(|record| is_layer_in(&record, ovr))
}

/// It is in the target's record, and the bounds are those of the record.
fn is_applied(ovr: &ParsedOverride, target: &TargetView<'_>) -> bool {
    let has = |record: Record| is_layer_in(&record, ovr) && Bounds::from_hpa(target.hpa) == Some(record.effective);
    Record::from_hpa(target.hpa).and_then(Result::ok).is_some_and(has)
}

fn not_found(ovr: &ParsedOverride) -> (Reason, String) {
    let namespace = ovr.target_namespace().unwrap_or_default();
    if let Some(hpa) = ovr.hpa.value() {
        let what = format!("there is no HorizontalPodAutoscaler {namespace}/{hpa}");
        return (Reason::TargetNotFound, format!("{what}; the override becomes active as soon as there is one"));
    }
    let what = format!("no HorizontalPodAutoscaler in namespace {namespace} matches the selector");
    (Reason::NoTargets, format!("{what}; the override becomes active as soon as one does"))
}

fn replicas(bounds: Bounds) -> Replicas {
    Replicas { min_replicas: bounds.get(Bound::Min), max_replicas: bounds.get(Bound::Max) }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
