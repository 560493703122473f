//! The two loops: one keyed by HPA, which alone writes HPAs, and one keyed by override, which alone writes statuses.

use std::{slice, sync::Arc, time::Duration};

use hpa_override_core::{Override as Reading, Question, Reason, TargetView, Trouble, plan_status, status_patch};
use kube::runtime::{controller::Action, reflector::ObjectRef};

use crate::{
    apply::{delete, patch_hpa, patch_status, reread},
    authorize::answer,
    contest::Verdict,
    context::{Context, Moment},
    error::Error,
    gather::{Planned, Situation, all_overrides},
    object::{Hpa, Override},
    report::Told,
    watch::notify_targeting,
};

/// Writes to one HPA in a row; what is left comes with the next round, so that no HPA starves the others.
const MOST_WRITES: u32 = 4;
/// The pause before that round: should something undo every write of ours, it is no storm.
const NEXT_ROUND: Duration = Duration::from_secs(1);

/// Gather, plan, apply, report; again until nothing is to be done.
///
/// # Errors
/// When a step fails; nothing more is written then.
pub async fn hpa(mut watched: Arc<Hpa>, context: Arc<Context>) -> Result<Action, Error> {
    for writes in 0..MOST_WRITES {
        let moment = Moment::now();
        let now = moment.instant();
        let mut situation = Situation::of(&context, watched.clone(), &all_overrides(&context, now));
        let Planned { mut plan, mut look_again } = situation.plan(&context, moment);
        if plan.confirm {
            situation = situation.confirmed(&context, moment).await?;
            Planned { plan, look_again } = situation.plan(&context, moment);
        }
        let Some(patch) = plan.patch else {
            let held = settled(&context, &situation.hpa, plan.remember, moment);
            if writes > 0 {
                // What we wrote is known here before the watch delivers it.
                notify_targeting(&context, &situation.hpa);
            }
            return Ok(moment.sleep_until(plan.next_transition, held.into_iter().chain(look_again).min()));
        };
        if let Some(manager) = &plan.reverted_by
            && let Verdict::Hold(wait) = context.memory.judge_revert(&situation.hpa, moment)
        {
            note_contest(&context, &situation.hpa, manager);
            return Ok(moment.sleep_until(plan.next_transition, Some(wait)));
        }
        match patch_hpa(&context, &situation.hpa, &patch).await {
            Ok(written) => {
                if plan.reverted_by.is_some() {
                    context.memory.note_put_back(&written, moment);
                }
                context.memory.note_record(&written, plan.remember);
                for event in plan.events {
                    tell(&context, Told::of_hpa(event, &written));
                }
            }
            // What is there now may be another HPA of that name, which the watch has yet to deliver.
            Err(Error::WriteHpa { source, .. }) if source.is_conflict() && writes + 1 < MOST_WRITES => {
                watched = reread(&context, &situation.hpa).await?;
            }
            Err(Error::WriteHpa { source, .. }) if source.is_not_found() => return Ok(Action::await_change()),
            Err(error) => return Err(error),
        }
    }
    Ok(Action::requeue(NEXT_ROUND))
}

/// Nothing is left to do: what was wrong is over, but for a contest, which is looked at again later.
fn settled(context: &Context, hpa: &Hpa, record: Option<String>, moment: Moment) -> Option<Duration> {
    context.memory.note_record(hpa, record);
    context.memory.note_success(hpa);
    let held = context.memory.contested_for(hpa, moment);
    if held.is_none() && context.memory.note_trouble(hpa, None) {
        notify_targeting(context, hpa);
    }
    held
}

/// Somebody keeps putting the HPA back, and the merge policy is not there to tell the two of us apart.
fn note_contest(context: &Context, hpa: &Hpa, manager: &str) {
    let message = format!(
        "`{manager}` keeps writing other bounds over the override; install the merge policy, or stop `{manager}` from \
         writing the bounds for as long as the override acts"
    );
    if context.memory.note_trouble(hpa, Some(Trouble { reason: Reason::Contested, message })) {
        notify_targeting(context, hpa);
    }
}

/// What a person must mend is tried again less and less often.
const LONGEST_FOR_A_PERSON: u64 = 300;
/// What passes by itself, an API server that is gone for example, must not delay an end for long once it has passed.
const LONGEST_FOR_AN_OUTAGE: u64 = 10;

/// Notes what a person must know, and says when to try again: after 1 s, twice as long each time, at most 5 min where a
/// person has to act and 10 s where not.
pub fn hpa_failed(watched: &Hpa, error: &Error, context: &Context) -> Action {
    let trouble = error.trouble();
    let longest = if error.needs_a_person() { LONGEST_FOR_A_PERSON } else { LONGEST_FOR_AN_OUTAGE };
    if trouble.is_some() && context.memory.note_trouble(watched, trouble) {
        notify_targeting(context, watched);
    }
    back_off(context.memory.note_failure(watched), longest)
}

/// Tells of one override what stands on its targets, and deletes it once it has ended long enough ago.
///
/// # Errors
/// When the status cannot be written, or the override not be deleted.
pub async fn status(watched: Arc<Override>, context: Arc<Context>) -> Result<Action, Error> {
    let ovr = context.statuses.freshest(watched);
    let moment = Moment::now();
    // Every write to one of many targets may change it; each look is at all of them.
    if let Some(rest) = context.statuses.rests_for(&ovr, moment) {
        return Ok(Action::requeue(rest));
    }
    let mut reading = Reading::read(ovr.json(), moment.instant());
    let targets = planned_targets(&context, &reading, moment);
    let planned_at = Moment::now();
    context.statuses.note_effort(&ovr, planned_at.since(moment), planned_at);
    let views: Vec<_> = targets.iter().map(PlannedTarget::view).collect();
    let planned = |reading: &_| plan_status(ovr.json(), reading, &views, &context.settings, moment.instant());
    let mut plan = planned(&reading);
    let mut look_again = targets.iter().filter_map(|target| target.planned.look_again).min();
    if let Some(question) = &plan.question {
        let own = answer([question], slice::from_mut(&mut reading), &context, moment);
        look_again = look_again.into_iter().chain(own).min();
        plan = planned(&reading);
    }
    if is_open(&reading, &targets, plan.question.as_ref(), &context) {
        return Ok(moment.sleep_until(plan.next_transition, look_again));
    }
    if plan.delete {
        delete(&context, &ovr).await?;
    }
    if let Some(status) = &plan.status {
        patch_status(&context, &ovr, &status_patch(ovr.json(), status)).await?;
        if let Some(told) = plan.event.and_then(Told::of_override) {
            tell(&context, told);
        }
    }
    context.statuses.note_success(&ovr);
    Ok(moment.sleep_until(plan.next_transition, look_again))
}

/// A target of an override, and the plan for it.
struct PlannedTarget {
    hpa: Arc<Hpa>,
    planned: Planned,
    trouble: Option<Trouble>,
}

impl PlannedTarget {
    fn view(&self) -> TargetView<'_> {
        TargetView { hpa: self.hpa.json(), plan: &self.planned.plan, trouble: self.trouble.as_ref() }
    }
}

fn planned_targets(context: &Context, reading: &Reading, moment: Moment) -> Vec<PlannedTarget> {
    let overrides = all_overrides(context, moment.instant());
    let mut targets = Vec::new();
    for hpa in targets_of(context, reading) {
        let mut situation = Situation::of(context, hpa, &overrides);
        let planned = situation.plan(context, moment);
        let trouble = context.memory.trouble(&situation.hpa);
        targets.push(PlannedTarget { hpa: situation.hpa, planned, trouble });
    }
    targets
}

/// Whether an answer about who asked for it is on its way: nothing is told before.
fn is_open(reading: &Reading, targets: &[PlannedTarget], own: Option<&Question>, context: &Context) -> bool {
    let about = Question::about(reading, &context.settings);
    let asked = |about: &Question| targets.iter().any(|target| target.planned.plan.questions.contains(about));
    own.is_some() || about.as_ref().is_some_and(asked)
}

/// When to try again.
pub fn status_failed(watched: &Override, context: &Context) -> Action {
    back_off(context.statuses.note_failure(watched), LONGEST_FOR_A_PERSON)
}

/// The HPAs that an override targets, as the watch has them.
pub fn targets_of(context: &Context, reading: &Reading) -> Vec<Arc<Hpa>> {
    let Some(namespace) = reading.target_namespace() else { return Vec::new() };
    if let Some(name) = reading.hpa.value() {
        return context.hpas.get(&ObjectRef::new(name).within(namespace)).into_iter().collect();
    }
    let mut targets = context.hpas.state();
    targets.retain(|hpa| reading.targets(hpa.json()));
    targets
}

fn back_off(failures: u32, longest: u64) -> Action {
    Action::requeue(Duration::from_secs(2_u64.saturating_pow(failures).min(longest)))
}

/// The receiver lives as long as the loops; without it there is nobody to tell.
fn tell(context: &Context, told: Told) {
    if let Err(lost) = context.told.send(told) {
        tracing::warn!(event = ?lost.0, "nobody is left to publish an event");
    }
}
