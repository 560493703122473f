//! Plans the status of one override: what a person, Flux, Argo CD and `kubectl wait` read.
//!
//! Derived from what stands on its targets and from the plans for them; the old status is read only to leave alone what
//! has not changed.

use hpa_override_crd::{
    AutoscalerOverrideStatus, Condition, ConditionStatus, ConditionType, FailingTarget, Instant, Phase, Reason,
    Replicas,
};
use serde_json::{Value, json};

use crate::{
    bounds::{Bound, Bounds},
    event::{About, Event},
    judge::{Standing, Target as TargetState, judge},
    object::name_of,
    plan::HpaPlan,
    record::Record,
    requester::Question,
    settings::Settings,
    spec::Override,
};

/// The most failing targets that a status lists.
const MOST_FAILING: usize = 10;

/// Why a write to a target did not do what was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In a word.
    pub reason: Reason,
    /// In a sentence.
    pub message: String,
}

/// A target of an override, as it stands.
#[derive(Clone, Copy, Debug)]
pub struct TargetView<'a> {
    /// The HPA.
    pub hpa: &'a Value,
    /// The plan for it.
    pub plan: &'a HpaPlan,
    /// What kept the plan from being done.
    pub trouble: Option<&'a Trouble>,
}

/// What is to be done about one status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusPlan {
    /// What is to be answered first ([`Override::may_patch`]): until then it stands blocked.
    pub question: Option<Question>,
    /// The status to write; none when it stands, or while a target is being written to.
    pub status: Option<AutoscalerOverrideStatus>,
    /// What to tell once it is written.
    pub event: Option<Event>,
    /// Whether the override is to be deleted: it ended long enough ago.
    pub delete: bool,
    /// The first instant at which it differs, nothing else happening.
    pub next_transition: Option<Instant>,
}

/// Plans the status of `object`, read as `ovr`.
#[must_use]
pub fn plan_status(
    object: &Value,
    ovr: &Override,
    targets: &[TargetView<'_>],
    settings: &Settings,
    now: Instant,
) -> StatusPlan {
    // The order in which they come says nothing.
    let mut targets = targets.to_vec();
    targets.sort_by_key(|target| name_of(target.hpa));
    let targets = targets.as_slice();
    let standing = standing(ovr, targets, settings, now);
    let (next, deletion, question) = (standing.next, deletion(ovr, &standing), standing.question.clone());
    let next_transition = next.into_iter().chain(deletion.filter(|at| *at > now)).min();
    if targets.iter().any(|target| target.plan.patch.is_some() && target.trouble.is_none()) {
        return StatusPlan { question, next_transition, ..StatusPlan::default() };
    }
    let verdict = Verdict::of(ovr, targets, standing);
    if verdict.ready && deletion.is_some_and(|at| at <= now) {
        return StatusPlan { delete: true, ..StatusPlan::default() };
    }
    let old: Option<AutoscalerOverrideStatus> =
        object.get("status").and_then(|status| serde_json::from_value(status.clone()).ok());
    let status = verdict.status(ovr, targets, next_transition, old.as_ref(), now);
    let event = verdict.event(ovr, old.as_ref());
    let changed = old.as_ref() != Some(&status);
    let event = event.filter(|_| changed);
    StatusPlan { question, status: changed.then_some(status), event, delete: false, next_transition }
}

/// When an override that has ended is to be deleted. Not while its end is landing, nor while it is being deleted.
fn deletion(ovr: &Override, standing: &Standing) -> Option<Instant> {
    let ended = standing.window?.until.filter(|_| standing.phase == Phase::Expired && !ovr.deleting)?;
    Some(ended.saturating_add(ovr.ttl.value()?.as_secs()))
}

/// The merge patch that makes `status` the status of `object` and of no other of that name.
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

/// As the plans for its targets have it; without a target, as spec and settings have it. Of many targets one in force is
/// enough.
fn standing(ovr: &Override, targets: &[TargetView<'_>], settings: &Settings, now: Instant) -> Standing {
    let planned: Vec<&Standing> = targets.iter().filter_map(|target| planned(ovr, target)).collect();
    let first = planned.iter().min_by_key(|standing| (standing.phase != Phase::Active, standing.phase));
    let Some(first) = first else { return judge(ovr, TargetState::Free, None, settings, now) };
    let next = planned.iter().filter_map(|standing| standing.next).min();
    Standing { next, ..(*first).clone() }
}

fn planned<'a>(ovr: &Override, target: &TargetView<'a>) -> Option<&'a Standing> {
    target.plan.standings.get(&ovr.id)
}

/// Phase and reason once what happened on the targets is known.
struct Verdict {
    standing: Standing,
    ready: bool,
    applied: usize,
    failing: Vec<FailingTarget>,
}

impl Verdict {
    fn of(ovr: &Override, targets: &[TargetView<'_>], mut standing: Standing) -> Self {
        let wanted = matches!(standing.phase, Phase::Active | Phase::Superseded);
        let stalled = matches!(standing.phase, Phase::Invalid | Phase::Blocked);
        let failing: Vec<FailingTarget> = targets.iter().filter_map(|target| failure(ovr, target, wanted)).collect();
        let applied = targets.iter().filter(|target| is_applied(ovr, target)).count();
        if stalled {
            // Its own reason is what a person has to act on.
        } else if let Some(first) = failing.first() {
            let FailingTarget { hpa, reason, message } = first;
            (standing.reason, standing.message) = if wanted && applied > 0 && targets.len() > 1 {
                let message = format!("applied on {applied} of {} targets; {hpa}: {message}", targets.len());
                (Reason::PartlyApplied, message)
            } else {
                (*reason, message.clone())
            };
        } else if wanted && targets.is_empty() {
            (standing.reason, standing.message) = not_found(ovr);
        }
        let ready = !stalled && failing.is_empty() && !(wanted && targets.is_empty());
        Self { standing, ready, applied, failing }
    }

    fn status(
        &self,
        ovr: &Override,
        targets: &[TargetView<'_>],
        next_transition: Option<Instant>,
        old: Option<&AutoscalerOverrideStatus>,
        now: Instant,
    ) -> AutoscalerOverrideStatus {
        let record = match targets {
            [only] => Record::of_hpa(only.hpa).and_then(Result::ok),
            _ => None,
        };
        let window = self.standing.window;
        AutoscalerOverrideStatus {
            observed_generation: ovr.generation,
            phase: Some(self.standing.phase),
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

    fn conditions(&self, ovr: &Override, old: Option<&AutoscalerOverrideStatus>, now: Instant) -> Vec<Condition> {
        let stalled = matches!(self.standing.phase, Phase::Invalid | Phase::Blocked);
        let active = self.ready && self.standing.phase == Phase::Active;
        let states =
            [(ConditionType::Ready, self.ready), (ConditionType::Active, active), (ConditionType::Stalled, stalled)];
        states.into_iter().map(|(type_, holds)| self.condition(type_, holds, ovr, old, now)).collect()
    }

    fn condition(
        &self,
        type_: ConditionType,
        holds: bool,
        ovr: &Override,
        old: Option<&AutoscalerOverrideStatus>,
        now: Instant,
    ) -> Condition {
        let status = if holds { ConditionStatus::True } else { ConditionStatus::False };
        let same = |known: &&Condition| known.type_ == type_ && known.status == status;
        let since = old.and_then(|old| old.conditions.iter().find(same)).map(|known| known.last_transition_time);
        Condition {
            type_,
            status,
            observed_generation: ovr.generation,
            last_transition_time: since.unwrap_or(now),
            reason: self.standing.reason,
            message: self.standing.message.clone(),
        }
    }

    /// Told when it is not as it should be, once per reason.
    fn event(&self, ovr: &Override, old: Option<&AutoscalerOverrideStatus>) -> Option<Event> {
        let reason = self.standing.reason;
        let known = old.and_then(|old| old.conditions.first()).is_some_and(|ready| ready.reason == reason);
        let about = About::Override(ovr.id.clone(), ovr.uid.clone());
        let event = || Event::new(about, true, reason.as_str(), self.standing.message.clone());
        (!self.ready && !known).then(event)
    }
}

/// What is due on a target and not done.
fn failure(ovr: &Override, target: &TargetView<'_>, wanted: bool) -> Option<FailingTarget> {
    let due = wanted || has_layer(ovr, target);
    let blocked = planned(ovr, target).filter(|standing| wanted && standing.phase == Phase::Blocked);
    let blocked = blocked.map(|standing| (standing.reason, &standing.message));
    let trouble = target.trouble.filter(|_| due).map(|trouble| (trouble.reason, &trouble.message));
    let (reason, message) = trouble.or(blocked)?;
    Some(FailingTarget { hpa: name_of(target.hpa).1.into(), reason, message: message.clone() })
}

fn layer_in(record: &Record, ovr: &Override) -> bool {
    record.layers.iter().any(|layer| layer.is_of(&ovr.id, &ovr.uid))
}

/// It is on the target still, so that taking it off is due, or keeping it.
fn has_layer(ovr: &Override, target: &TargetView<'_>) -> bool {
    Record::of_hpa(target.hpa).and_then(Result::ok).is_some_and(|record| layer_in(&record, ovr))
}

/// Its layer stands in the record, and the bounds are those of the record.
fn is_applied(ovr: &Override, target: &TargetView<'_>) -> bool {
    let stands = |record: Record| layer_in(&record, ovr) && Bounds::of_hpa(target.hpa) == Some(record.effective);
    Record::of_hpa(target.hpa).and_then(Result::ok).is_some_and(stands)
}

fn not_found(ovr: &Override) -> (Reason, String) {
    let namespace = ovr.target_namespace().unwrap_or_default();
    if let Some(hpa) = ovr.hpa.value() {
        let what = format!("there is no HorizontalPodAutoscaler {namespace}/{hpa}");
        return (Reason::TargetNotFound, format!("{what}; the override acts as soon as there is"));
    }
    let what = format!("no HorizontalPodAutoscaler in namespace {namespace} matches the selector");
    (Reason::NoTargets, format!("{what}; the override acts as soon as one does"))
}

fn replicas(bounds: Bounds) -> Replicas {
    Replicas { min_replicas: bounds.get(Bound::Min), max_replicas: bounds.get(Bound::Max) }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
