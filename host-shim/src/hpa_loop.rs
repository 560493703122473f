//! The loop keyed by HPA, which alone writes HPAs: gather, plan, confirm, apply, report; again until there is nothing to do.
//!
//! ```text
//!   Queue ──► State::gather ──► plan_hpa ──(an end)──► Confirm ──► plan_hpa ──► patch ──► State ──► plan_hpa … ──► none
//!                                                                                                     └► the statuses
//! ```
//! One reconcile at a time for an HPA, many HPAs at once. What is to be done is decided by `hpa-override-plan`.

mod attempt;
mod deps;

use std::time::Duration;

use tokio::time::sleep;
use tracing::Instrument as _;

use self::attempt::{Attempt, MOST_WRITES, Stop, read_again};
pub use self::deps::Deps;
use crate::{
    apply::patch_hpa,
    clock::{LONGEST_SLEEP, Moment},
    error::Error,
    metrics::{Loop, Outcome},
    object::Key,
    queue::{Priority, Running},
    tasks::run_each,
    telemetry,
};

/// The pause before the next round of writes to an HPA: should something undo every write of ours, there is no write storm.
const NEXT_ROUND: Duration = Duration::from_secs(1);
/// When an HPA is looked at again that is not found.
const LATER: Duration = Duration::from_secs(10);
/// Reconciles under way at once; of their writes fewer are in flight.
const CONCURRENCY: usize = 64;

/// Reconciles what is queued until the queue is closed; then those under way are finished.
pub async fn run(deps: Deps) {
    let (start, mut is_first) = (deps.clock.now(), true);
    let work = |running| {
        let deps = deps.clone();
        async move { reconcile(&deps, running).await }
    };
    let idle = || {
        if std::mem::take(&mut is_first) {
            log_first(&deps, start);
        }
    };
    run_each(&deps.queues.hpas, CONCURRENCY, work, idle).await;
}

/// Every HPA has been looked at once since the start.
fn log_first(deps: &Deps, start: Moment) {
    let ((hpas, overrides), took) = (deps.state.counts(), deps.clock.now().since(start));
    tracing::info!(hpas, overrides, milliseconds = took.as_millis(), "planned all");
}

async fn reconcile(deps: &Deps, running: Running) {
    let (key, priority, begin) = (running.key(), running.priority(), deps.clock.now());
    let span = telemetry::reconcile(Loop::Hpas, key);
    let (outcome, again) = match settle(deps, key, priority).instrument(span.clone()).await {
        Ok((outcome, again)) => (outcome, again),
        Err(Stop::Nothing(again)) => (Outcome::Unchanged, again),
        Err(Stop::Failed(failed)) => (Outcome::Failed, Some(failed.note(deps))),
    };
    span.record("outcome", outcome.as_str());
    deps.requests.metrics().note_reconcile(Loop::Hpas, outcome, deps.clock.now().since(begin));
    if let Some(delay) = again {
        deps.queues.hpas.add_after(key, priority, delay);
    }
}

/// Gather, plan, confirm, apply, report; again until there is nothing to do. What came of it, and when to look again,
/// whatever happens.
async fn settle(deps: &Deps, key: &Key, priority: Priority) -> Result<(Outcome, Option<Duration>), Stop> {
    for writes in 1..=MOST_WRITES {
        let outcome = if writes == 1 { Outcome::Unchanged } else { Outcome::Written };
        let attempt = Attempt::plan(deps, key)?.confirmed(deps, key).await?;
        attempt.note_due(deps);
        let Some(patch) = &attempt.plan.patch else { return Ok((outcome, attempt.settled(deps, outcome))) };
        if deps.dry_run {
            return Ok((outcome, attempt.said(deps)));
        }
        if let Some(delay) = attempt.undo_delay(deps) {
            return Ok((outcome, Some(delay)));
        }
        let answer = match patch_hpa(&deps.requests, key, patch, priority, attempt.not_after()).await {
            Ok(written) => attempt.written(deps, key, patch, written, priority).await,
            Err(failure) if failure.is_conflict() && writes < MOST_WRITES => read_again(deps, key).await,
            // It is gone, and the watch will say so; or it is a proxy that answers so.
            Err(failure) if failure.is_not_found() => {
                deps.queues.ends.set(key, None);
                return Ok((outcome, Some(LATER)));
            }
            Err(failure) => Err(Error::write_hpa(key, failure)),
        };
        if let Err(error) = answer {
            return Err(attempt.failed(error));
        }
    }
    Ok((Outcome::Written, Some(NEXT_ROUND)))
}

/// Queues the HPAs whose plan differs from an instant on, once it has come; and all that have such an instant where the wall
/// clock was set back: what has begun by it may not have begun.
pub async fn run_timers(deps: Deps) {
    let timers = &deps.queues.transitions;
    let mut before = deps.clock.now();
    loop {
        let mut due = tokio::select! {
            due = timers.next_due(deps.clock) => due.into_iter().map(|(at, key)| (Some(at), key)).collect(),
            () = sleep(LONGEST_SLEEP) => Vec::new(),
        };
        let now = deps.clock.now();
        if now.is_set_back_since(before) {
            due.extend(timers.keys().into_iter().map(|key| (None, key)));
        }
        before = now;
        for (at, key) in due {
            // An end comes first: what it leaves behind costs money, or keeps pods from coming.
            let is_end = deps.state.expire(&key, at, now.instant());
            deps.queues.hpas.add(&key, if is_end { Priority::End } else { Priority::Begin });
        }
    }
}
