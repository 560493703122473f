//! One plan for an HPA: made of what is known, confirmed, written, and reported.

use std::{sync::Arc, time::Duration};

use hpa_override_core::{Id, MayPatch, ParsedOverride, RELEASE_ANNOTATION, Reason};
use hpa_override_plan::{Altered, HpaPlan, HpaView, OnTarget, Problem, compare_response, plan_hpa};
use serde_json::Value;
use tokio::time::Instant;

use super::deps::Deps;
use crate::{
    access_review::Waiting,
    apply::{patch_hpa, read_hpa},
    clock::Moment,
    confirm::FRESH,
    error::Error,
    events::PendingEvent,
    metrics::{Outcome, Transition},
    object::Key,
    queue::Priority,
    state::{Change, Dues, Gathered, Situation, Source},
    tasks::log_failure,
};

/// Writes to one HPA in a row; the others come with the next round, so that no HPA starves the others.
pub const MOST_WRITES: u32 = 4;
/// After so many failures in a row a refusal is published again: where a person has to act, that is once an hour.
const SAID_EVERY: u32 = 12;

/// Why a reconcile does not go on.
pub enum Stop {
    /// There is nothing to do: the HPA is gone, the last plan holds, or a failure is too recent. When to look again.
    Nothing(Option<Duration>),
    /// A step has failed.
    Failed(Box<Failed>),
}

async fn read(deps: &Deps, key: &Key) -> Result<HpaView, Error> {
    read_hpa(&deps.requests, key).await.map_err(|failure| Error::write_hpa(key, failure))
}

/// Takes what the API server has of the HPA now.
///
/// # Errors
/// When it cannot be read.
pub async fn read_again(deps: &Deps, key: &Key) -> Result<(), Error> {
    let fresh = read(deps, key).await?;
    notify_others(deps, key, deps.state.put_hpa(fresh, Source::Answer));
    Ok(())
}

/// Takes the answer to a write of ours.
fn take(deps: &Deps, key: &Key, stored: HpaView, remember: Option<&str>) {
    notify_others(deps, key, deps.state.note_hpa_written(stored, remember));
}

/// Queues what a change concerns beside the HPA that is being reconciled.
fn notify_others(deps: &Deps, key: &Key, mut change: Change) {
    change.hpas.retain(|other| other != key);
    deps.queues.notify(change);
}

/// One plan, and what it was made of.
pub struct Attempt {
    moment: Moment,
    situation: Situation,
    pub plan: HpaPlan,
    /// Whether it depends on an answer about a requester.
    has_questions: bool,
    /// How soon to plan again, since an answer that blocks an override expires then.
    plan_again_in: Option<Duration>,
}

impl Attempt {
    /// Gathers and plans.
    pub fn plan(deps: &Deps, key: &Key) -> Result<Self, Stop> {
        match deps.state.gather(key, deps.clock.now()) {
            Gathered::Gone => {
                deps.queues.transitions.set(key, None);
                deps.queues.ends.set(key, None);
                Err(Stop::Nothing(None))
            }
            Gathered::AsPlanned => Err(Stop::Nothing(None)),
            Gathered::Paused(left) => Err(Stop::Nothing(Some(left))),
            Gathered::Situation(situation) => Ok(Self::of(deps, key, situation)),
        }
    }

    /// The first plan lists the questions to be answered; where there are any, the second is made with the answers known, and
    /// the others are being asked.
    fn of(deps: &Deps, key: &Key, situation: Situation) -> Self {
        let (moment, settings) = (deps.clock.now(), deps.settings.now());
        let overrides: Vec<&ParsedOverride> = situation.overrides.iter().map(Arc::as_ref).collect();
        let plan_with = |may_patch: &dyn Fn(&ParsedOverride) -> MayPatch| {
            let remembered = situation.remembered.as_deref();
            let plan = plan_hpa(&situation.hpa, &overrides, &settings, may_patch, moment.instant(), remembered);
            if deps.admissions.is_one() { plan.admitted() } else { plan }
        };
        let plan = plan_with(&|_| MayPatch::NotAsked);
        if plan.questions.is_empty() {
            return Self { moment, situation, plan, has_questions: false, plan_again_in: None };
        }
        let known = deps.answers.known(&plan.questions, &Waiting::Hpa(key.clone()), moment);
        let plan = plan_with(&|ovr| known.may_patch(ovr, &settings));
        Self { moment, situation, plan, has_questions: true, plan_again_in: known.plan_again_in }
    }

    /// Where a timed end is planned, the same from what the API server has now.
    pub async fn confirmed(self, deps: &Deps, key: &Key) -> Result<Self, Stop> {
        if !self.plan.confirm {
            return Ok(self);
        }
        match deps.confirm.make_fresh(&self.situation.overrides_that_end()).await {
            Ok(()) => Self::plan(deps, key),
            Err(failure) => Err(self.failed(Error::Confirm(failure))),
        }
    }

    /// Whether the patch undoes what somebody did to an HPA under override.
    fn undoes(&self) -> bool {
        self.plan.reverted_by.is_some() || self.plan.is_released
    }

    /// Notes since when the patch is due. A revert is nobody's delay.
    pub fn note_due(&self, deps: &Deps) {
        if self.plan.patch.is_some() && !self.undoes() {
            let (since, now) = (self.plan.ends_since, self.moment.instant());
            deps.state.with_hpa(&self.situation.hpa, |memory| memory.note_due(since, now));
        }
    }

    /// Until when its patch may be sent; none: at any time, by the version of the HPA.
    pub fn not_after(&self) -> Option<Instant> {
        self.plan.confirm.then(|| self.moment.steady() + FRESH)
    }

    pub fn failed(self, error: Error) -> Stop {
        Stop::Failed(Box::new(Failed { attempt: self, error }))
    }

    /// Takes the answer to a write. Another admission may have changed it: what follows from that is written at once, and
    /// before anything is planned again.
    pub async fn written(
        &self,
        deps: &Deps,
        key: &Key,
        patch: &Value,
        mut stored: HpaView,
        priority: Priority,
    ) -> Result<(), Error> {
        for _ in 0..MOST_WRITES {
            let Some(altered) = compare_response(patch, &self.situation.hpa, &stored, &self.plan) else {
                take(deps, key, stored, self.plan.remember.as_deref());
                self.note_done(deps);
                return Ok(());
            };
            let Some(next) = &altered.patch else { return self.altered(deps, key, stored, altered) };
            stored = match patch_hpa(&deps.requests, key, next, priority, None).await {
                Ok(written) => return self.altered(deps, key, written, altered),
                Err(failure) if failure.is_conflict() => read(deps, key).await?,
                Err(failure) => {
                    take(deps, key, stored, altered.remember.as_deref());
                    return Err(Error::write_hpa(key, failure));
                }
            };
        }
        Err(Error::altered(key, CHANGING.into()))
    }

    /// What another admission made of a write is noted.
    fn altered(&self, deps: &Deps, key: &Key, stored: HpaView, altered: Altered) -> Result<(), Error> {
        let Altered { problem, patch: _, remember, events, is_final } = altered;
        take(deps, key, stored, remember.as_deref());
        for event in events {
            deps.events.publish(PendingEvent::from_hpa_plan(event, &self.situation.hpa));
        }
        let error = Error::altered(key, problem.message);
        if !is_final {
            return Err(error);
        }
        log_failure(key, error, 0);
        Ok(())
    }

    /// What was planned is written.
    fn note_done(&self, deps: &Deps) {
        if self.undoes() {
            let is_released = self.plan.is_released;
            deps.state.with_hpa(&self.situation.hpa, |memory| memory.note_undone(is_released, self.moment));
        }
        if self.plan.reverted_by.is_some() {
            deps.requests.metrics().note_revert();
        }
        for event in &self.plan.events {
            deps.events.publish(PendingEvent::from_hpa_plan(event.clone(), &self.situation.hpa));
        }
    }

    /// How long to wait before a revert, or a release, is undone; none: there is none, or it is undone now.
    pub fn undo_delay(&self, deps: &Deps) -> Option<Duration> {
        if !self.undoes() {
            return None;
        }
        let delay = deps.state.with_hpa(&self.situation.hpa, |memory| {
            let delay = memory.undo_delay(self.plan.is_released, self.moment)?;
            memory.set_problem(Some(self.plan.reverted_by.as_deref().map_or_else(released, contested)));
            Some(delay)
        });
        let delay = delay.flatten()?;
        self.report(deps, false);
        Some(delay)
    }

    /// In a dry run: what would be written is said, in the log and in the statuses. When to look again.
    pub fn said(&self, deps: &Deps) -> Option<Duration> {
        let would = match (self.plan.events.as_slice(), self.plan.patch.as_ref().and_then(|patch| patch.get("spec"))) {
            ([], Some(bounds)) => format!("the bounds would be {bounds}"),
            ([], None) => "the record and who owns the bounds would be changed".to_owned(),
            (events, _) => events.iter().map(|event| event.note.as_str()).collect::<Vec<_>>().join("; "),
        };
        let Id { namespace, name } = self.situation.hpa.id();
        tracing::info!(namespace, name, "dry run, not written: {would}");
        let problem = Problem { reason: Reason::DryRun, message: format!("dry run, not written: {would}") };
        deps.state.with_hpa(&self.situation.hpa, |memory| {
            memory.note_success();
            memory.set_problem(Some(problem));
        });
        self.report(deps, self.plan_again_in.is_none() && !self.has_questions);
        self.plan_again_in
    }

    /// Nothing is left to do, so earlier problems are over; but a contested HPA stays so for a time. When to look again.
    pub fn settled(&self, deps: &Deps, outcome: Outcome) -> Option<Duration> {
        let contested = deps.state.with_hpa(&self.situation.hpa, |memory| {
            memory.remember(self.plan.remember.as_deref());
            let Dues { end, other } = memory.note_success();
            for (transition, due) in [(Transition::End, end), (Transition::Other, other)] {
                // What turned out not to be due, by a consistent read, has no lateness.
                if let Some(due) = due.filter(|due| due.is_timed && outcome == Outcome::Written) {
                    deps.requests.metrics().note_transition(transition, self.moment.past(due.since));
                }
            }
            let contested = memory.contested_for(self.moment);
            if contested.is_none() {
                memory.set_problem(None);
            }
            contested
        });
        let again = contested.flatten().into_iter().chain(self.plan_again_in).min();
        self.report(deps, again.is_none() && !self.has_questions);
        again
    }

    /// Hands on what the plan says of each override, and when it differs by itself.
    fn report(&self, deps: &Deps, is_settled: bool) {
        let Self { situation, plan, .. } = self;
        let problem = deps.state.with_hpa(&situation.hpa, |memory| memory.problem().cloned()).flatten();
        let outcome = |ovr: &Arc<ParsedOverride>| {
            let found = OnTarget::new(ovr, &situation.hpa, plan, problem.as_ref());
            (ovr.clone(), found)
        };
        let outcomes = situation.overrides.iter().map(outcome).collect();
        deps.queues.notify(deps.state.note_planned(situation, plan, outcomes, is_settled));
        let key = Key::from(situation.hpa.id().clone());
        deps.queues.transitions.set(&key, plan.next_transition);
        deps.queues.ends.set(&key, plan.next_end);
    }
}

/// Another admission changes the bounds, and others write the HPA all the time.
const CHANGING: &str = "it was changed again and again while its record was written";

/// Somebody keeps reverting the bounds, which the merge policy would prevent.
fn contested(manager: &str) -> Problem {
    let message = format!(
        "`{manager}` keeps writing other bounds over the override; install the merge policy, or stop `{manager}` from \
         writing the bounds while the override is active"
    );
    Problem { reason: Reason::Contested, message }
}

/// Somebody keeps releasing it.
fn released() -> Problem {
    let message = format!(
        "{RELEASE_ANNOTATION} is set again and again, or the record is removed while no admission answers; delete or suspend the \
         override, or stop what does that"
    );
    Problem { reason: Reason::Released, message }
}

/// An attempt that failed at a step. Nothing more is written in an unknown state.
pub struct Failed {
    attempt: Attempt,
    error: Error,
}

impl Failed {
    /// Notes what the statuses have to report; when to try again.
    pub fn note(self, deps: &Deps) -> Duration {
        let Self { mut attempt, error } = self;
        attempt.note_due(deps);
        // What has been written since it was planned counts.
        let latest = deps.state.hpa(attempt.situation.hpa.id());
        if let Some(latest) = latest.filter(|latest| latest.uid() == attempt.situation.hpa.uid()) {
            attempt.situation.hpa = latest;
        }
        let hpa = &attempt.situation.hpa;
        let failures = deps.state.with_hpa(hpa, |memory| {
            let failures = memory.note_failure();
            memory.pause(deps.clock.now(), error.retry_after(failures));
            if let Some(problem) = error.problem() {
                let is_news = memory.problem() != Some(&problem) || failures.is_multiple_of(SAID_EVERY);
                if error.class().is_some() && is_news {
                    deps.events.publish(PendingEvent::from_problem(&problem, hpa));
                }
                memory.set_problem(Some(problem));
            }
            failures
        });
        let failures = failures.unwrap_or_default();
        attempt.report(deps, false);
        // It is confirmed when it is tried again, not ahead.
        deps.queues.ends.set(&Key::from(hpa.id().clone()), None);
        let delay = error.retry_after(failures);
        log_failure(hpa.id(), error, failures);
        delay
    }
}
