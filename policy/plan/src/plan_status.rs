//! Plans the status of one override: what a person, Flux, Argo CD and `kubectl wait` read.
//!
//! Derived from the summary of its targets. The old status is read, as far as it can be, only to leave alone what has not
//! changed: since when a condition is as it is, and whether Reached has been True since this start.

use hpa_override_core::{Bound, Bounds, Instant, ParsedOverride, Phase, Question, Reason, Settings};
use hpa_override_crd::{AutoscalerOverrideStatus, Condition, ConditionStatus, ConditionType, FailingTarget, Replicas};
use serde_json::{Value, json};

use crate::{
    conditions::{ActiveOn, KnownCondition, Said, active, ready, stalled},
    cut_bounds::cut_on_targets,
    eligibility::{Eligibility, MayPatchOf, TargetFacts, TargetState, check_eligibility},
    events::{About, Event},
    reached::{Reached, reached},
    target_summary::{Overview, TargetSummary},
};

/// The most failing targets that a status lists.
const MOST_FAILING: usize = 10;

/// The second admission takes back what the first has released (DESIGN §4, rule 5).
const ADMITTED_TWICE: &str = "the policies and the webhook of the controller are both installed, so the annotation \
                              hpa-override.dev/release has no effect: remove one of them";

/// What is to be done about one status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusPlan {
    /// The question to be answered first: until then the override is blocked, and its status is held back.
    pub question: Option<Question>,
    /// The status to write; none where it is as it should be, or while a target is about to change.
    pub status: Option<AutoscalerOverrideStatus>,
    /// The events to publish once the status is written.
    pub events: Vec<Event>,
    /// The start whose Reached is announced once the status is written; none: as before.
    pub announced: Option<Instant>,
    /// Whether the override is to be deleted: `ttlAfterFinished` has passed since its end.
    pub delete: bool,
    /// When to plan again although no target has changed: for a caller that gives every new plan for a target to the summary.
    /// Those come at the targets' own transitions, so this is when the override is to be deleted, and without a target when
    /// it changes by itself.
    pub next_transition: Option<Instant>,
    /// The first instant at which the status differs, nothing else happening, the transitions of the targets included.
    pub next_change: Option<Instant>,
    /// Whether there is no status since a target is about to change, or a question is open: it is planned again then.
    pub waits: bool,
}

/// Plans the status of `ovr`. `old` is its `status` on the object.
///
/// # Guarantees
/// Total; the cost does not depend on the number of targets. A status is planned only where it differs from the old one, and
/// not while a target is about to change: it reports what is done, never what is about to be. So there is none while the
/// plan for a target has a patch to write that no problem keeps from being written, while such a plan is older than its own
/// next transition, and while a question is open, unless the summary is of a caller that [never
/// asks](TargetSummary::never_asking). A status of another version is no error: what is not known in it counts as another
/// value. While Reached is False for the same reason, other numbers of replicas alone are no reason to write.
///
/// # What it assumes
/// `summary` holds the last plan for every HPA that the override targets and no other, and [`TargetSummary::recall`] was
/// called with `old`. `old` is what was last sent, where the API server has stored less than that.
///
/// # What the caller does
/// Answers [`StatusPlan::question`] and plans again. Deletes the object where [`StatusPlan::delete`] is set. Otherwise writes
/// the status ([`status_patch`]), publishes the events, gives [`StatusPlan::announced`] to the summary
/// ([`TargetSummary::note_announced`]), reads the scale targets that [`TargetSummary::to_read`] names (not while
/// [`StatusPlan::waits`]: nothing of them can be reported yet, and they change), and plans again when
/// the summary says that a change of it is news, when the override changes, and at [`StatusPlan::next_transition`].
///
/// ```
/// use hpa_override_core::{Instant, MayPatch, ParsedOverride, Settings};
/// use hpa_override_plan::{TargetSummary, plan_status};
/// use serde_json::json;
///
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let object = json!({"metadata": {"namespace": "shop", "name": "a"},
///                     "spec": {"hpa": "web", "minReplicas": 10, "startsAt": "2026-11-28T06:00:00Z"}});
/// let (ovr, summary) = (ParsedOverride::parse(&object, now), TargetSummary::default());
/// let plan = plan_status(None, &ovr, &summary, &Settings::default(), &|_| MayPatch::NotAsked, now);
/// assert_eq!(plan.status.unwrap().phase.as_deref(), Some("Pending"));
/// ```
#[must_use]
pub fn plan_status(
    old: Option<&Value>,
    ovr: &ParsedOverride,
    summary: &TargetSummary,
    settings: &Settings,
    may_patch: MayPatchOf<'_>,
    now: Instant,
) -> StatusPlan {
    let targets = summary.overview();
    let planned = targets.eligibility();
    let by_itself = planned.is_none();
    let eligibility = planned.unwrap_or_else(|| without_target(ovr, settings, may_patch, now));
    let (deletion, question) = (deletion(ovr, &eligibility), eligibility.question.clone());
    let later_deletion = deletion.filter(|at| *at > now);
    let next_change = eligibility.next.into_iter().chain(later_deletion).min();
    let next_transition = if by_itself { next_change } else { later_deletion };
    let is_open = targets.is_open(question.is_some());
    let without_status = StatusPlan { question, next_transition, next_change, ..StatusPlan::default() };
    if is_open || targets.is_unsettled(now) {
        return StatusPlan { waits: true, ..without_status };
    }
    let old = Old(old);
    let outcome = Outcome::new(ovr, &targets, eligibility, &old, now);
    if outcome.ready.status == ConditionStatus::True && deletion.is_some_and(|at| at <= now) {
        return StatusPlan { delete: true, ..StatusPlan::default() };
    }
    let status = outcome.status(ovr, &targets, next_change, &old, now);
    let is_known = old.is(&status, &outcome.reached);
    let (events, announced) = outcome.announced(ovr, &status, targets.announced(), &old, now);
    let without_status = StatusPlan { announced, ..without_status };
    if is_known { without_status } else { StatusPlan { status: Some(status), events, ..without_status } }
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

/// The merge patch that makes `status` the status of the override with that uid, and of no other object of its name. `old` is
/// the status as it is stored.
#[must_use]
pub fn status_patch(uid: &str, old: Option<&Value>, status: &AutoscalerOverrideStatus) -> Value {
    let mut fields = serde_json::to_value(status).unwrap_or_default();
    if let Some((old, fields)) = old.and_then(Value::as_object).zip(fields.as_object_mut()) {
        for key in old.keys() {
            fields.entry(key).or_insert(Value::Null);
        }
    }
    json!({ "metadata": { "uid": uid }, "status": fields })
}

/// Without a target, by spec and settings alone.
fn without_target(ovr: &ParsedOverride, settings: &Settings, may_patch: MayPatchOf<'_>, now: Instant) -> Eligibility {
    let absent = TargetFacts { state: TargetState::Absent, current: None };
    check_eligibility(ovr, absent, None, settings, may_patch(ovr), now)
}

/// The conditions, with what they come from.
struct Outcome {
    eligibility: Eligibility,
    ready: Said,
    active: Said,
    stalled: Said,
    reached: Reached,
    failing: Vec<FailingTarget>,
}

impl Outcome {
    fn new(
        ovr: &ParsedOverride,
        targets: &Overview<'_>,
        eligibility: Eligibility,
        old: &Old<'_>,
        now: Instant,
    ) -> Self {
        let is_wanted = matches!(eligibility.phase, Phase::Active | Phase::Superseded);
        let (failing, count) = (targets.failing(is_wanted).1, targets.len());
        let failing = failing.take(MOST_FAILING).map(failing_target).collect();
        let active_on =
            ActiveOn { active: targets.active_in_record(), targets: count, only: targets.only().map(|(name, _)| name) };
        let ready = ready(&eligibility, failure(ovr, targets, is_wanted).as_ref());
        let active = active(&eligibility, &active_on, &ready);
        let stalled = stalled(&eligibility, &ready);
        let reached = reached(targets, old.condition(ConditionType::Reached).as_ref(), now);
        let cut = targets.cut().map(|cut| cut_on_targets(count, cut));
        let [ready, active] = [ready, active].map(|said| said.and(cut.as_deref()));
        let ready = ready.and((is_wanted && targets.is_admitted_twice()).then_some(ADMITTED_TWICE));
        Self { eligibility, ready, active, stalled, reached, failing }
    }

    fn status(
        &self,
        ovr: &ParsedOverride,
        targets: &Overview<'_>,
        next_change: Option<Instant>,
        old: &Old<'_>,
        now: Instant,
    ) -> AutoscalerOverrideStatus {
        let record = targets.only().and_then(|(_, only)| only.decision.record);
        let window = self.eligibility.window;
        AutoscalerOverrideStatus {
            observed_generation: ovr.generation,
            phase: Some(self.eligibility.phase.as_str().into()),
            starts_at: window.map(|window| window.from),
            ends_at: window.and_then(|window| window.until),
            next_transition: next_change,
            targets: count(targets.len()),
            applied: count(targets.applied()),
            desired: record.map(|record| replicas(record.desired)),
            effective: record.map(|record| replicas(record.effective)),
            failing: self.failing.clone(),
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

    /// The events of the change from the old status, and the start whose Reached is announced with them, or was.
    fn announced(
        self,
        ovr: &ParsedOverride,
        status: &AutoscalerOverrideStatus,
        so_far: Option<Instant>,
        old: &Old<'_>,
        now: Instant,
    ) -> (Vec<Event>, Option<Instant>) {
        let is_active = |condition: &&Condition| condition.type_ == ConditionType::Active.as_str();
        let start = status.conditions.iter().find(is_active).map(|active| active.last_transition_time);
        let was = old.condition(ConditionType::Reached).filter(|old| old.holds(ConditionStatus::True));
        let was_reached = was.is_some();
        let was_since_the_start = was.zip(start).is_some_and(|(was, start)| was.is_since(start));
        let failed = self.failed(ovr, old);
        let Reached { status, message, .. } = self.reached;
        let is_reached = status == ConditionStatus::True;
        let is_new = is_reached && !was_reached && so_far != start;
        let took = start.map_or(0, |start| now.since(start).max(0));
        let note = format!("{message}, {took} s after it became active");
        let reached = is_new.then(|| event(ovr, false, "Reached", note));
        let announced = start.filter(|_| is_reached || was_since_the_start);
        (failed.into_iter().chain(reached).collect(), announced)
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

/// Why not everything is done that is due.
fn failure(ovr: &ParsedOverride, targets: &Overview<'_>, is_wanted: bool) -> Option<(Reason, String)> {
    let (all, applied) = (targets.len(), targets.applied());
    let (count, mut failing) = targets.failing(is_wanted);
    // An edit that is refused on every target leaves it applied on every target.
    let is_partly = applied > 0 && (applied < all || count < all);
    match failing.next() {
        Some((hpa, _, message)) if is_wanted && is_partly => {
            Some((Reason::PartlyApplied, format!("applied on {applied} of {all} targets; {hpa}: {message}")))
        }
        Some((_, reason, message)) => Some((reason, message.into())),
        None if is_wanted && all == 0 => Some(not_found(ovr)),
        None => None,
    }
}

fn failing_target((hpa, reason, message): (&str, Reason, &str)) -> FailingTarget {
    FailingTarget { hpa: hpa.into(), reason: reason.as_str().into(), message: message.into() }
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
