//! Plans the status of one override: what a person, Flux, Argo CD and `kubectl wait` read.
//!
//! Derived from the state of its targets and from the plans for them. The old status is read, as far as it can be, only to
//! leave alone what has not changed: since when a condition is as it is, and whether Reached has been True since this start.

use hpa_override_core::{
    Bound, Bounds, Id, Instant, ParsedOverride, Phase, Question, Reason, Record, Settings, hpa::raw::name_of,
};
use hpa_override_crd::{AutoscalerOverrideStatus, Condition, ConditionStatus, ConditionType, FailingTarget, Replicas};
use serde_json::{Value, json};

use crate::{
    conditions::{ActiveOn, KnownCondition, Said, active, ready, stalled},
    cut_bounds::cut_on_targets,
    eligibility::{Eligibility, MayPatchOf, TargetFacts, TargetState, check_eligibility},
    events::{About, Event},
    plan_hpa::HpaPlan,
    reached::{ActiveTarget, Reached, ReachedPlan, ReachedSoFar, reached, reading::ScaleReading},
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
    /// What was last read of what it scales; none where nothing was.
    pub reading: Option<&'a ScaleReading>,
    /// The bounds that it was read for: for others it does not count. None: for those that are effective now.
    pub read_for: Option<Bounds>,
}

/// What is to be done about one status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusPlan {
    /// The question to be answered first: until then the override is blocked.
    pub question: Option<Question>,
    /// The status to write; none where it is as it should be, or while a write to a target is due.
    pub status: Option<AutoscalerOverrideStatus>,
    /// The events to publish once the status is written.
    pub events: Vec<Event>,
    /// What to remember of Reached once the status is written, and which scale targets to read; none: as before.
    pub reached: Option<ReachedPlan>,
    /// Whether the override is to be deleted: `ttlAfterFinished` has passed since its end.
    pub delete: bool,
    /// The first instant at which the status differs, nothing else happening.
    pub next_transition: Option<Instant>,
}

/// Plans the status of `object`, parsed as `ovr`.
///
/// # Guarantees
/// Total, and independent of the order of `targets`. A status is planned only where it differs from the one on the object,
/// and not while the plan for a target still has a patch to write: it reports what is done, never what is about to be. A
/// status of another version is no error: what is not known in it counts as another value. While Reached is False for the
/// same reason, other numbers of replicas alone are no reason to write.
///
/// # What it assumes
/// `targets` are all HPAs that the override targets, each with the plan for it at `now` and with the problem, if any, that
/// kept an earlier plan from being written. The status on `object` is what was last sent, where the API server has stored
/// less than that. `so_far` is what the last plan gave to remember, none after a restart.
///
/// # What the caller does
/// Answers [`StatusPlan::question`] and plans again. Deletes the object where [`StatusPlan::delete`] is set. Otherwise writes
/// the status ([`status_patch`]), publishes the events, remembers and reads what [`StatusPlan::reached`] says, and plans again
/// when a target or a reading changes and at [`StatusPlan::next_transition`].
///
/// ```
/// use hpa_override_core::{Instant, MayPatch, ParsedOverride, Settings};
/// use hpa_override_plan::plan_status;
/// use serde_json::json;
///
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let object = json!({"metadata": {"namespace": "shop", "name": "a"},
///                     "spec": {"hpa": "web", "minReplicas": 10, "startsAt": "2026-11-28T06:00:00Z"}});
/// let ovr = ParsedOverride::parse(&object, now);
/// let plan = plan_status(&object, &ovr, &[], &Settings::default(), &|_| MayPatch::NotAsked, None, now);
/// assert_eq!(plan.status.unwrap().phase.as_deref(), Some("Pending"));
/// ```
#[must_use]
pub fn plan_status(
    object: &Value,
    ovr: &ParsedOverride,
    targets: &[TargetView<'_>],
    settings: &Settings,
    may_patch: MayPatchOf<'_>,
    so_far: Option<&ReachedSoFar>,
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
    let old = Old(object.get("status"));
    let outcome = Outcome::new(ovr, targets, eligibility, so_far, &old, now);
    if outcome.ready.status == ConditionStatus::True && deletion.is_some_and(|at| at <= now) {
        return StatusPlan { delete: true, ..StatusPlan::default() };
    }
    let status = outcome.status(ovr, targets, next_transition, &old, now);
    let is_known = old.is(&status, &outcome.reached);
    let (events, reached) = outcome.announced(ovr, &status, &old, now);
    let reached = Some(reached);
    if is_known {
        return StatusPlan { question, reached, next_transition, ..StatusPlan::default() };
    }
    StatusPlan { question, status: Some(status), events, reached, delete: false, next_transition }
}

/// The status as it was.
struct Old<'a>(Option<&'a Value>);

impl Old<'_> {
    fn condition(&self, type_: ConditionType) -> Option<KnownCondition<'_>> {
        KnownCondition::find(self.0, type_)
    }

    /// Whether `status` has nothing new to say: it is the same, but for how many replicas are missing.
    fn is(&self, status: &AutoscalerOverrideStatus, reached: &Reached) -> bool {
        let (mut status, known) = (status.clone(), self.condition(ConditionType::Reached));
        let is_reached = |condition: &&mut Condition| condition.type_ == ConditionType::Reached.as_str();
        if let Some((condition, known)) = status.conditions.iter_mut().find(is_reached).zip(known)
            && reached.is_reported_by(&known)
        {
            known.message.clone_into(&mut condition.message);
        }
        self.0.is_some_and(|old| serde_json::to_value(status).is_ok_and(|status| status == *old))
    }
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

/// The targets on which it is active and a limit cuts a bound, with what is cut.
fn cut_where_active<'a>(id: &Id, targets: &[TargetView<'a>]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let is_active = |target: &&TargetView<'a>| planned(id, target).is_some_and(|found| found.phase == Phase::Active);
    let cut = |target: &TargetView<'a>| Some((name_of(target.hpa).1, target.plan.cut_bounds.as_deref()?));
    targets.iter().filter(is_active).filter_map(cut)
}

/// The conditions, with what they come from.
struct Outcome {
    eligibility: Eligibility,
    ready: Said,
    active: Said,
    stalled: Said,
    reached: Reached,
    applied: usize,
    failing: Vec<FailingTarget>,
}

impl Outcome {
    fn new(
        ovr: &ParsedOverride,
        targets: &[TargetView<'_>],
        eligibility: Eligibility,
        so_far: Option<&ReachedSoFar>,
        old: &Old<'_>,
        now: Instant,
    ) -> Self {
        let is_wanted = matches!(eligibility.phase, Phase::Active | Phase::Superseded);
        let failing: Vec<_> = targets.iter().filter_map(|target| failure(ovr, target, is_wanted)).collect();
        let applied = targets.iter().filter(|target| is_applied(ovr, target)).count();
        // An edit that is refused on every target leaves it applied on every target.
        let is_partly = applied > 0 && (applied < targets.len() || failing.len() < targets.len());
        let failure = match failing.first() {
            Some((hpa, _, message)) if is_wanted && is_partly => {
                let message = format!("applied on {applied} of {} targets; {hpa}: {message}", targets.len());
                Some((Reason::PartlyApplied, message))
            }
            Some((_, reason, message)) => Some((*reason, message.clone())),
            None if is_wanted && targets.is_empty() => Some(not_found(ovr)),
            None => None,
        };
        let active_targets: Vec<_> = targets.iter().filter_map(|target| active_target(ovr, target)).collect();
        let active_on = ActiveOn { hpas: names(&active_targets), targets: targets.len() };
        let ready = ready(&eligibility, failure.as_ref());
        let active = active(&eligibility, &active_on, &ready);
        let stalled = stalled(&eligibility, &ready);
        let reached = reached(&active_targets, so_far, old.condition(ConditionType::Reached).as_ref(), now);
        let failing = failing.into_iter().map(|(hpa, reason, message)| failing_target(hpa, reason, message)).collect();
        let cut = cut_on_targets(targets.len(), cut_where_active(&ovr.id, targets));
        let [ready, active] = [ready, active].map(|said| said.and(cut.as_deref()));
        Self { eligibility, ready, active, stalled, reached, applied, failing }
    }

    fn status(
        &self,
        ovr: &ParsedOverride,
        targets: &[TargetView<'_>],
        next_transition: Option<Instant>,
        old: &Old<'_>,
        now: Instant,
    ) -> AutoscalerOverrideStatus {
        let record = match targets {
            [only] => Record::from_hpa(only.hpa).and_then(Result::ok),
            _ => None,
        };
        let window = self.eligibility.window;
        AutoscalerOverrideStatus {
            observed_generation: ovr.generation,
            phase: Some(self.eligibility.phase.as_str().into()),
            starts_at: window.map(|window| window.from),
            ends_at: window.and_then(|window| window.until),
            next_transition,
            targets: count(targets.len()),
            applied: count(self.applied),
            desired: record.as_ref().map(|record| replicas(record.desired)),
            effective: record.as_ref().map(|record| replicas(record.effective)),
            failing: self.failing.iter().take(MOST_FAILING).cloned().collect(),
            requested_by: ovr.requester.as_ref().map(|requester| requester.user.clone()),
            conditions: self.conditions(ovr, old, now),
        }
    }

    fn conditions(&self, ovr: &ParsedOverride, old: &Old<'_>, now: Instant) -> Vec<Condition> {
        let Reached { status, reason, message, .. } = &self.reached;
        let reached = Said::new(*status, *reason, message);
        let all = [
            (ConditionType::Ready, &self.ready),
            (ConditionType::Active, &self.active),
            (ConditionType::Stalled, &self.stalled),
            (ConditionType::Reached, &reached),
        ];
        all.into_iter().map(|(type_, said)| said.condition(type_, ovr, old.0, now)).collect()
    }

    /// The events of the change from the old status, and what to remember: the start whose Reached is announced.
    fn announced(
        self,
        ovr: &ParsedOverride,
        status: &AutoscalerOverrideStatus,
        old: &Old<'_>,
        now: Instant,
    ) -> (Vec<Event>, ReachedPlan) {
        let is_active = |condition: &&Condition| condition.type_ == ConditionType::Active.as_str();
        let start = status.conditions.iter().find(is_active).map(|active| active.last_transition_time);
        let was = old.condition(ConditionType::Reached).filter(|old| old.holds(ConditionStatus::True));
        let was_reached = was.is_some();
        let was_since_the_start = was.zip(start).is_some_and(|(was, start)| was.is_since(start));
        let failed = self.failed(ovr, old);
        let Reached { status, message, mut plan, .. } = self.reached;
        let is_reached = status == ConditionStatus::True;
        let is_new = is_reached && !was_reached && plan.so_far.announced != start;
        if is_reached || was_since_the_start {
            plan.so_far.announced = start;
        }
        let took = start.map_or(0, |start| now.since(start).max(0));
        let note = format!("{message}, {took} s after it became active");
        let reached = is_new.then(|| event(ovr, false, "Reached", note));
        (failed.into_iter().chain(reached).collect(), plan)
    }

    /// A warning when it is not ready, once per reason.
    fn failed(&self, ovr: &ParsedOverride, old: &Old<'_>) -> Option<Event> {
        let Said { status, reason, message } = &self.ready;
        let is_known = old.condition(ConditionType::Ready).is_some_and(|ready| ready.is_because_of(*reason));
        if *status == ConditionStatus::True || is_known {
            return None;
        }
        Some(event(ovr, true, reason.as_str(), message.clone()))
    }
}

fn event(ovr: &ParsedOverride, warning: bool, reason: &'static str, note: String) -> Event {
    Event { about: About::Override(ovr.id.clone(), ovr.uid.clone()), warning, reason, note }
}

/// The target, where the phase of the override on it is Active.
fn active_target<'a>(ovr: &ParsedOverride, target: &TargetView<'a>) -> Option<ActiveTarget<'a>> {
    planned(&ovr.id, target).filter(|found| found.phase == Phase::Active)?;
    let record = Record::from_hpa(target.hpa).and_then(Result::ok).filter(|record| is_layer_in(record, ovr));
    let is_live = record.as_ref().map(|record| record.effective) == Bounds::from_hpa(target.hpa);
    Some(ActiveTarget { hpa: target.hpa, record, is_live, reading: target.reading, read_for: target.read_for })
}

/// The names of the targets whose record holds the override.
fn names<'a>(targets: &[ActiveTarget<'a>]) -> Vec<&'a str> {
    targets.iter().filter(|target| target.record.is_some()).map(|target| name_of(target.hpa).1).collect()
}

fn failing_target(hpa: &str, reason: Reason, message: String) -> FailingTarget {
    FailingTarget { hpa: hpa.into(), reason: reason.as_str().into(), message }
}

/// What is due on a target and not done.
fn failure<'a>(ovr: &ParsedOverride, target: &TargetView<'a>, is_wanted: bool) -> Option<(&'a str, Reason, String)> {
    let (reason, message) = match (target.problem, planned(&ovr.id, target)) {
        (Some(problem), _) if is_wanted || has_layer(ovr, target) => (problem.reason, &problem.message),
        (_, Some(Eligibility { refused_edit: Some((reason, message)), .. })) => (*reason, message),
        (_, Some(found)) if is_wanted && is_blocked_or_waits(found) => (found.reason, &found.message),
        _ => return None,
    };
    Some((name_of(target.hpa).1, reason, message.clone()))
}

fn is_blocked_or_waits(found: &Eligibility) -> bool {
    found.phase == Phase::Blocked || found.reason == Reason::NoHpaStatus
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
