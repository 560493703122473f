//! The two loops: one keyed by HPA, which alone writes HPAs, and one keyed by override, which alone writes statuses.

use std::{sync::Arc, time::Duration};

use hpa_override_core::{Bounds, MayPatch, ParsedOverride, Question, Reason};
use hpa_override_plan::{Problem, ScaleReading, TargetView, plan_status, status_patch, targets};
use kube::runtime::{controller::Action, reflector::ObjectRef};

use crate::{
    access_review::known_answers,
    apply::{delete, patch_hpa, patch_status, reread},
    context::{Context, Moment},
    error::Error,
    events::PendingEvent,
    gather::{Planned, Situation, all_overrides},
    object::{Hpa, Override},
    watch::notify_targeting,
};

/// Writes to one HPA in a row; the others come with the next round, so that no HPA starves the others.
const MOST_WRITES: u32 = 4;
/// The pause before that round: should something undo every write of ours, there is no write storm.
const NEXT_ROUND: Duration = Duration::from_secs(1);

/// Gather, plan, apply, report; again until there is nothing to do.
///
/// # Errors
/// When a step fails; nothing more is written then.
pub async fn hpa(mut watched: Arc<Hpa>, context: Arc<Context>) -> Result<Action, Error> {
    for writes in 0..MOST_WRITES {
        let moment = Moment::now();
        let now = moment.instant();
        let mut situation = Situation::gather(&context, watched.clone(), &all_overrides(&context, now));
        let Planned { mut plan, mut plan_again_in } = situation.plan(&context, moment);
        if plan.confirm {
            situation = situation.confirmed(&context, moment).await?;
            Planned { plan, plan_again_in } = situation.plan(&context, moment);
        }
        let Some(patch) = plan.patch else {
            let contested = note_settled(&context, &situation.hpa, plan.remember, moment);
            if writes > 0 {
                // The watch may yet have to deliver our writes.
                notify_targeting(&context, &situation.hpa);
            }
            return Ok(moment.sleep_until(plan.next_transition, contested.into_iter().chain(plan_again_in).min()));
        };
        if let Some(manager) = &plan.reverted_by
            && let Some(delay) = context.known_hpas.revert_delay(&situation.hpa, moment)
        {
            note_contested(&context, &situation.hpa, manager);
            return Ok(moment.sleep_until(plan.next_transition, Some(delay)));
        }
        match patch_hpa(&context, &situation.hpa, &patch).await {
            Ok(written) => {
                if plan.reverted_by.is_some() {
                    context.known_hpas.note_undone(&written, moment);
                }
                context.known_hpas.note_record(&written, plan.remember);
                for event in plan.events {
                    send_event(&context, PendingEvent::from_hpa_plan(event, &written));
                }
            }
            // It may have been replaced by another HPA of that name, which the watch has yet to deliver.
            Err(Error::WriteHpa { source, .. }) if source.is_conflict() && writes + 1 < MOST_WRITES => {
                watched = reread(&context, &situation.hpa).await?;
            }
            Err(Error::WriteHpa { source, .. }) if source.is_not_found() => return Ok(Action::await_change()),
            Err(error) => return Err(error),
        }
    }
    Ok(Action::requeue(NEXT_ROUND))
}

/// Nothing is left to do, so earlier problems are over; but a contested HPA stays so for a time, which is returned.
fn note_settled(context: &Context, hpa: &Hpa, record: Option<String>, moment: Moment) -> Option<Duration> {
    context.known_hpas.note_record(hpa, record);
    context.known_hpas.note_success(hpa);
    let contested = context.known_hpas.contested_for(hpa, moment);
    if contested.is_none() && context.known_hpas.note_problem(hpa, None) {
        notify_targeting(context, hpa);
    }
    contested
}

/// Notes that somebody keeps reverting the bounds, which the merge policy would prevent.
fn note_contested(context: &Context, hpa: &Hpa, manager: &str) {
    let message = format!(
        "`{manager}` keeps writing other bounds over the override; install the merge policy, or stop `{manager}` from \
         writing the bounds while the override is active"
    );
    if context.known_hpas.note_problem(hpa, Some(Problem { reason: Reason::Contested, message })) {
        notify_targeting(context, hpa);
    }
}

/// In seconds, where a person has to act.
const LONGEST_FOR_A_PERSON: u64 = 300;
/// In seconds, where the failure passes by itself: an outage must not delay an end for long once it is over.
const LONGEST_FOR_AN_OUTAGE: u64 = 10;

/// Notes a problem that the status has to report, and when to try again: after 1 s, twice as long each time, at most 5 min
/// where a person has to act and 10 s where not.
pub fn hpa_failed(watched: &Hpa, error: &Error, context: &Context) -> Action {
    let problem = error.problem();
    let longest = if error.needs_a_person() { LONGEST_FOR_A_PERSON } else { LONGEST_FOR_AN_OUTAGE };
    if problem.is_some() && context.known_hpas.note_problem(watched, problem) {
        notify_targeting(context, watched);
    }
    back_off(context.known_hpas.note_failure(watched), longest)
}

/// Reports in the status of one override what is done on its targets, and deletes it after `ttlAfterFinished`.
///
/// # Errors
/// When the status cannot be written, or the override cannot be deleted.
pub async fn status(watched: Arc<Override>, context: Arc<Context>) -> Result<Action, Error> {
    let ovr = context.known_overrides.freshest(watched);
    let moment = Moment::now();
    // Every write to one of many targets queues it, and each time all of them are planned.
    if let Some(wait) = context.known_overrides.throttled_for(&ovr, moment) {
        return Ok(Action::requeue(wait));
    }
    let parsed = ParsedOverride::parse(ovr.json(), moment.instant());
    let targets = planned_targets(&context, &parsed, moment);
    let planned_at = Moment::now();
    context.known_overrides.throttle(&ovr, planned_at.since(moment), planned_at);
    let views: Vec<_> = targets.iter().map(PlannedTarget::view).collect();
    let (object, so_far) = (context.known_overrides.as_sent(&ovr), context.readings.so_far(&ovr));
    let plan_with = |may_patch: &dyn Fn(&ParsedOverride) -> MayPatch| {
        plan_status(&object, &parsed, &views, &context.settings, may_patch, so_far.as_ref(), moment.instant())
    };
    let mut plan = plan_with(&|_| MayPatch::NotAsked);
    let mut plan_again_in = targets.iter().filter_map(|target| target.planned.plan_again_in).min();
    if let Some(question) = &plan.question {
        let known = known_answers([question], &context, moment);
        plan_again_in = plan_again_in.into_iter().chain(known.plan_again_in).min();
        plan = plan_with(&|ovr| known.may_patch(ovr, &context.settings));
    }
    if is_open(&parsed, &targets, plan.question.as_ref(), &context) {
        return Ok(moment.sleep_until(plan.next_transition, plan_again_in));
    }
    if plan.delete {
        delete(&context, &ovr).await?;
    }
    if let Some(status) = &plan.status {
        let patch = status_patch(ovr.json(), status);
        patch_status(&context, &ovr, &patch, &serde_json::to_value(status).unwrap_or_default()).await?;
        for event in plan.events.into_iter().filter_map(PendingEvent::from_status_plan) {
            send_event(&context, event);
        }
    }
    // It may have been deleted while its status was written: nothing would forget it then.
    let is_there = context.overrides.get(&ovr.key()).is_some_and(|live| live.uid() == ovr.uid());
    if let Some(reached) = plan.reached.filter(|_| is_there) {
        let hpas: Vec<_> = targets.iter().map(|target| target.hpa.clone()).collect();
        context.readings.want(&ovr, reached, &hpas, moment.steady());
    }
    context.known_overrides.note_success(&ovr);
    Ok(moment.sleep_until(plan.next_transition, plan_again_in))
}

/// A target of an override, and the plan for it.
struct PlannedTarget {
    hpa: Arc<Hpa>,
    planned: Planned,
    problem: Option<Problem>,
    reading: Option<(ScaleReading, Bounds)>,
}

impl PlannedTarget {
    fn view(&self) -> TargetView<'_> {
        let (hpa, plan, problem) = (self.hpa.json(), &self.planned.plan, self.problem.as_ref());
        let reading = self.reading.as_ref();
        let (reading, read_for) = (reading.map(|(reading, _)| reading), reading.map(|(_, bounds)| *bounds));
        TargetView { hpa, plan, problem, reading, read_for }
    }
}

fn planned_targets(context: &Context, ovr: &ParsedOverride, moment: Moment) -> Vec<PlannedTarget> {
    let overrides = all_overrides(context, moment.instant());
    let mut targets = Vec::new();
    for hpa in targets_of(context, ovr) {
        let situation = Situation::gather(context, hpa, &overrides);
        let planned = situation.plan(context, moment);
        let problem = context.known_hpas.problem(&situation.hpa);
        let reading = context.readings.reading(&situation.hpa);
        targets.push(PlannedTarget { hpa: situation.hpa, planned, problem, reading });
    }
    targets
}

/// Whether an answer about the requester of `ovr` is still to come: nothing is reported before.
fn is_open(ovr: &ParsedOverride, targets: &[PlannedTarget], own: Option<&Question>, context: &Context) -> bool {
    let about = Question::about(ovr, &context.settings);
    let asked = |about: &Question| targets.iter().any(|target| target.planned.plan.questions.contains(about));
    own.is_some() || about.as_ref().is_some_and(asked)
}

/// When to try again.
pub fn status_failed(watched: &Override, context: &Context) -> Action {
    back_off(context.known_overrides.note_failure(watched), LONGEST_FOR_A_PERSON)
}

/// The HPAs that an override targets, as watched.
pub fn targets_of(context: &Context, ovr: &ParsedOverride) -> Vec<Arc<Hpa>> {
    let Some(namespace) = ovr.target_namespace() else { return Vec::new() };
    if let Some(name) = ovr.hpa.value() {
        return context.hpas.get(&ObjectRef::new(name).within(namespace)).into_iter().collect();
    }
    let mut hpas = context.hpas.state();
    hpas.retain(|hpa| targets(ovr, hpa.json()));
    hpas
}

fn back_off(failures: u32, longest: u64) -> Action {
    Action::requeue(Duration::from_secs(2_u64.saturating_pow(failures).min(longest)))
}

/// The receiver lives as long as the loops.
fn send_event(context: &Context, event: PendingEvent) {
    if let Err(lost) = context.pending_events.send(event) {
        tracing::warn!(event = ?lost.0, "failed to publish an event: its task has ended");
    }
}
