//! What the loops remember of one object between two plans.

use std::{sync::Arc, time::Duration};

use hpa_override_core::{Instant, ParsedOverride};
use hpa_override_plan::{Problem, TargetSummary};
use serde_json::Value;

use super::{
    due::Dues,
    hpa::{Backoffs, HpaState},
    override_state::OverrideState,
    revert_backoff::RevertBackoff,
};
use crate::clock::Moment;

/// What is remembered of an HPA between two plans.
#[derive(Debug)]
pub struct Memory<'a>(pub(super) &'a mut HpaState);

impl Memory<'_> {
    /// What keeps it from being as planned.
    pub fn problem(&self) -> Option<&Problem> {
        self.0.problem.as_ref()
    }

    /// Notes what keeps it from being as planned, or that nothing does any more.
    pub fn set_problem(&mut self, problem: Option<Problem>) {
        self.0.problem = problem;
    }

    /// Remembers a record, or forgets it.
    pub fn remember(&mut self, record: Option<&str>) {
        if self.0.remembered.as_deref() != record {
            self.0.remembered = record.map(Into::into);
        }
    }

    /// Counts a failure; how many there were in a row before it.
    pub fn note_failure(&mut self) -> u32 {
        self.0.failures = self.0.failures.saturating_add(1);
        self.0.failures - 1
    }

    /// Pauses after a failure, for as long as nothing else changes. What our own writes have changed has.
    pub fn pause(&mut self, now: Moment, length: Duration) {
        self.0.paused = Some((self.0.revision, now, length));
    }

    /// Notes that a patch is planned at `now`, which takes an override off that is over since `ends_since`, or another one.
    pub fn note_due(&mut self, ends_since: Option<Instant>, now: Instant) {
        let expired = self.0.expired.take();
        self.0.dues.note(ends_since, expired, now);
    }

    /// Ends a row of failures: nothing is left to do. What was.
    pub fn note_success(&mut self) -> Dues {
        (self.0.failures, self.0.paused, self.0.expired) = (0, None, None);
        std::mem::take(&mut self.0.dues)
    }

    /// How long to wait before a revert, or a release, is undone; none: undo it now. It counts as undone only by
    /// [`note_undone`](Self::note_undone): a write that is refused and tried again is one revert, not many.
    pub fn undo_delay(&mut self, is_released: bool, moment: Moment) -> Option<Duration> {
        let backoff = self.backoff(is_released);
        let mut noted = *backoff;
        let delay = noted.note_revert(moment);
        if delay.is_some() {
            *backoff = noted;
        }
        delay
    }

    /// Notes that a revert, or a release, seen at `moment` is undone.
    pub fn note_undone(&mut self, is_released: bool, moment: Moment) {
        self.backoff(is_released).note_revert(moment);
    }

    /// How much longer it counts as contested, or as released again and again.
    pub fn contested_for(&self, moment: Moment) -> Option<Duration> {
        let Backoffs { reverts, releases } = self.0.backoffs.as_deref()?;
        reverts.contested_for(moment).max(releases.contested_for(moment))
    }

    fn backoff(&mut self, is_released: bool) -> &mut RevertBackoff {
        let backoffs = self.0.backoffs.get_or_insert_default();
        if is_released { &mut backoffs.releases } else { &mut backoffs.reverts }
    }
}

/// What a status is made of.
#[derive(Debug)]
pub struct StatusSituation<'a>(pub(super) &'a mut OverrideState);

impl StatusSituation<'_> {
    /// The override.
    pub fn parsed(&self) -> &Arc<ParsedOverride> {
        &self.0.parsed
    }

    /// Its version.
    pub fn resource_version(&self) -> &str {
        &self.0.resource_version
    }

    /// Whether a plan for each of its targets has been made since it changed.
    pub fn is_complete(&self) -> bool {
        self.0.awaited.is_empty()
    }

    /// The status as it is.
    pub fn status(&self) -> Option<Value> {
        self.0.known_status()
    }

    /// The status as stored.
    pub fn stored_status(&self) -> Option<Value> {
        serde_json::from_str(self.0.status.as_deref()?).ok()
    }

    /// The summary of its targets.
    pub fn summary(&mut self) -> &mut TargetSummary {
        &mut self.0.summary
    }

    /// Ends a row of failures.
    pub fn note_success(&mut self) {
        self.0.failures = 0;
    }

    /// How much longer its next status has to wait.
    pub fn wait(&self, moment: Moment) -> Option<Duration> {
        self.0.pace.wait(moment)
    }

    /// Counts a failure; how many there were in a row before it.
    pub fn note_failure(&mut self) -> u32 {
        self.0.failures = self.0.failures.saturating_add(1);
        self.0.failures - 1
    }
}
