//! The loop keyed by override, which alone writes statuses, and deletes overrides after `ttlAfterFinished`.
//!
//! ```text
//!   Queue ──► State: override, summary of its targets ──► plan_status ──► patch ──► State
//!                                                              └► Reached: what is to be read
//! ```
//! It plans for no HPA: what a status says of the targets is what the HPA loop has planned.

use std::{sync::Arc, time::Duration};

use hpa_override_core::{Bounds, Id, MayPatch, ParsedOverride};
use hpa_override_plan::{StatusPlan, plan_status, status_patch};
use serde_json::Value;
use tracing::Instrument as _;

use crate::{
    access_review::{Answers, Waiting},
    admissions::Admissions,
    apply::{delete, patch_status},
    clock::{Clock, Moment},
    error::{Error, Failure},
    events::{Events, PendingEvent},
    metrics::{Loop, Outcome},
    object::Key,
    queue::{Priority, Running},
    queues::Queues,
    reached::Readings,
    request::Requests,
    settings::CurrentSettings,
    state::{State, StatusSituation},
    tasks::{log_failure, run_each},
    telemetry,
};

/// Statuses that are planned and written at once.
const CONCURRENCY: usize = 32;

/// What the loop works with.
#[derive(Clone)]
pub struct Deps {
    pub clock: Clock,
    pub settings: CurrentSettings,
    pub state: Arc<State>,
    pub queues: Queues,
    pub requests: Requests,
    pub answers: Arc<Answers>,
    pub readings: Arc<Readings>,
    pub events: Events,
    pub admissions: Admissions,
}

/// Reports what is queued until the queue is closed; then what is under way is finished.
pub async fn run(deps: Deps) {
    let work = |running| {
        let deps = deps.clone();
        async move { reconcile(&deps, running).await }
    };
    run_each(&deps.queues.statuses, CONCURRENCY, work, || ()).await;
}

async fn reconcile(deps: &Deps, running: Running) {
    let (key, begin) = (running.key(), deps.clock.now());
    let span = telemetry::reconcile(Loop::Statuses, key);
    let (outcome, again) = match report(deps, key).instrument(span.clone()).await {
        Ok((outcome, again)) => (outcome, again),
        Err(error) => (Outcome::Failed, Some(note_failure(deps, key, error))),
    };
    span.record("outcome", outcome.as_str());
    deps.requests.metrics().note_reconcile(Loop::Statuses, outcome, deps.clock.now().since(begin));
    if let Some(delay) = again {
        deps.queues.statuses.add_after(key, Priority::Status, delay);
    }
}

/// What is planned for one status.
struct Planned {
    ovr: Arc<ParsedOverride>,
    resource_version: String,
    stored: Option<Value>,
    plan: StatusPlan,
    /// How soon to plan again, since an answer that blocks it expires then.
    plan_again_in: Option<Duration>,
    /// How long it is not written yet; another look follows then.
    held_back: Option<Duration>,
    /// The targets whose replicas are to be read; not while it changes which they are.
    to_read: Option<Vec<(Id, Bounds)>>,
}

/// Reports in the status of one override what is done on its targets. What came of it, and when to look again, whatever
/// happens.
async fn report(deps: &Deps, key: &Key) -> Result<(Outcome, Option<Duration>), Error> {
    let moment = deps.clock.now();
    let Some(planned) = deps.state.status_of(key, |situation| plan(deps, key, situation, moment)) else {
        deps.queues.status_transitions.set(key, None);
        deps.readings.forget(key);
        return Ok((Outcome::Unchanged, None));
    };
    // The plans for its targets are still to be made; the last of them queues it.
    let Some(planned) = planned else { return Ok((Outcome::Unchanged, None)) };
    let Planned { ovr, resource_version, stored, plan, plan_again_in, held_back, to_read } = planned;
    deps.queues.status_transitions.set(key, plan.next_transition);
    if held_back.is_some() {
        return Ok((Outcome::Unchanged, held_back));
    }
    if let Some(to_read) = to_read {
        let views = to_read.iter().filter_map(|(hpa, bounds)| Some((deps.state.hpa(hpa)?, *bounds)));
        deps.readings.want(key, &views.collect::<Vec<_>>(), moment.steady());
    }
    if plan.delete {
        let deleted = delete(&deps.requests, key, &ovr.uid, &resource_version).await;
        return unless_gone(deleted).map(|_| (Outcome::Written, None)).map_err(|failure| Error::delete(key, failure));
    }
    if let Some(status) = &plan.status {
        let sent = serde_json::to_value(status).unwrap_or_default();
        let patch = status_patch(&ovr.uid, stored.as_ref(), status);
        let written = patch_status(&deps.requests, key, &patch, moment.instant()).await;
        let written = unless_gone(written).map_err(|failure| Error::write_status(key, failure))?;
        let Some(stored) = written else { return Ok((Outcome::Unchanged, None)) };
        deps.state.note_status_written(stored, &sent, plan.announced, deps.clock.now());
        for event in plan.events.into_iter().filter_map(PendingEvent::from_status_plan) {
            deps.events.publish(event);
        }
        return Ok((Outcome::Written, plan_again_in));
    }
    Ok((Outcome::Unchanged, plan_again_in))
}

/// Plans the status; none where a plan for a target is still to be made.
fn plan(deps: &Deps, key: &Key, mut situation: StatusSituation<'_>, moment: Moment) -> Option<Planned> {
    if !situation.is_complete() {
        return None;
    }
    let (ovr, old, now) = (situation.parsed().clone(), situation.status(), moment.instant());
    let settings = deps.settings.now();
    let summary = situation.summary();
    summary.recall(old.as_ref());
    summary.note_admitted_twice(deps.admissions.are_two());
    let summary = &*summary;
    let plan_with = |may_patch: &dyn Fn(&ParsedOverride) -> MayPatch| {
        plan_status(old.as_ref(), &ovr, summary, &settings, may_patch, now)
    };
    let mut plan = plan_with(&|_| MayPatch::NotAsked);
    let mut plan_again_in = None;
    if let Some(question) = &plan.question {
        let known = deps.answers.known([question], &Waiting::Status(key.clone()), moment);
        plan_again_in = known.plan_again_in;
        plan = plan_with(&|ovr| known.may_patch(ovr, &settings));
    }
    if plan.status.is_none() && !plan.delete {
        situation.summary().note_announced(plan.announced);
        situation.note_success();
    }
    let stored = plan.status.as_ref().and_then(|_| situation.stored_status());
    // Another phase is what people wait for.
    let phase = stored.as_ref().and_then(|stored| stored.get("phase")?.as_str());
    let is_same = plan.status.as_ref().is_some_and(|status| status.phase.as_deref() == phase);
    let held_back = situation.wait(moment).filter(|_| is_same);
    // While targets change one by one, all of them would be named for each that does.
    let named = (!plan.waits && held_back.is_none()).then(|| situation.summary().to_read());
    let to_read = named.map(|named| named.map(|(hpa, bounds)| (target(&ovr, hpa), bounds)).collect());
    Some(Planned {
        resource_version: situation.resource_version().into(),
        stored,
        held_back,
        to_read,
        ovr,
        plan,
        plan_again_in,
    })
}

/// The name of a target.
fn target(ovr: &ParsedOverride, hpa: &str) -> Id {
    Id { namespace: ovr.target_namespace().unwrap_or_default().into(), name: hpa.into() }
}

/// Where it is gone there is nothing to do: the watch delivers that. A conflict is tried again: it has changed, or another
/// object has its name, and the watch may have delivered that already.
fn unless_gone<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(gone) if gone.is_not_found() => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn note_failure(deps: &Deps, key: &Key, error: Error) -> Duration {
    let failures = deps.state.status_of(key, |mut situation| situation.note_failure()).unwrap_or_default();
    let delay = error.retry_after(failures);
    log_failure(key, error, failures);
    delay
}

/// Queues the overrides whose status changes by itself, as it happens.
pub async fn run_timers(deps: Deps) {
    loop {
        let due = deps.queues.status_transitions.next_due(deps.clock).await;
        deps.queues.notify_statuses(due.into_iter().map(|(_, key)| key).collect());
    }
}
