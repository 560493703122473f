//! What is known of one HPA: the latest view of it, the last plan, and what is lost with the process (which is safe).

use std::{collections::HashSet, sync::Arc, time::Duration};

use hpa_override_core::{Instant, ParsedOverride};
use hpa_override_plan::{HpaView, OnTarget, Problem};

use super::{due::Dues, revert_backoff::RevertBackoff, update::Update};
use crate::{clock::Moment, object::Key};

/// How long to wait before our bounds are written again: releases do not count as reverts.
#[derive(Debug, Default)]
pub(super) struct Backoffs {
    pub(super) reverts: RevertBackoff,
    pub(super) releases: RevertBackoff,
}

/// One HPA.
#[derive(Debug)]
pub(super) struct HpaState {
    pub(super) view: Arc<HpaView>,
    /// The number of our last write to it; 0 before there is one.
    pub(super) written: u64,
    /// The last record seen: the plan uses it where the record has vanished.
    pub(super) remembered: Option<Arc<str>>,
    /// What keeps it from being as planned.
    pub(super) problem: Option<Problem>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Of reverts and of releases, where there was any.
    pub(super) backoffs: Option<Box<Backoffs>>,
    /// Counts what a plan for it is made of: its own versions, those of its overrides, and instants at which a plan differs.
    pub(super) revision: u64,
    /// The revision for which nothing is left to do.
    pub(super) settled: Option<u64>,
    /// The revision for which a write has failed, and until when it is not tried again.
    pub(super) paused: Option<(u64, Moment, Duration)>,
    /// Whether the last plan waits for what the status says.
    pub(super) waits_for_status: bool,
    /// The instant that has come from which on the last plan does not hold.
    pub(super) expired: Option<Instant>,
    /// What is to be done, and is not done yet.
    pub(super) dues: Dues,
}

impl HpaState {
    pub(super) fn new(view: Arc<HpaView>) -> Self {
        Self {
            view,
            written: 0,
            remembered: None,
            problem: None,
            failures: 0,
            backoffs: None,
            revision: 0,
            settled: None,
            paused: None,
            waits_for_status: false,
            expired: None,
            dues: Dues::default(),
        }
    }

    /// Forgets all but the object.
    pub(super) fn begin_anew(&mut self) {
        let (written, revision) = (self.written, self.revision + 1);
        *self = Self { written, revision, ..Self::new(self.view.clone()) };
    }

    /// What a later version of the same object changes.
    pub(super) fn update_to(&self, view: &HpaView) -> Update {
        if self.view.uid() != view.uid() {
            Update::Replaced
        } else if self.view.labels() != view.labels() {
            Update::Moved
        } else if !self.view.plans_like(view) || (self.waits_for_status && !self.view.has_status_like(view)) {
            Update::Changed
        } else {
            Update::Same
        }
    }

    /// How much longer the pause after a failure lasts; none where something has changed since that failure.
    pub(super) fn pause(&self, now: Moment) -> Option<Duration> {
        let (_, since, length) = self.paused.filter(|(revision, ..)| *revision == self.revision)?;
        length.checked_sub(now.since(since)).filter(|left| !left.is_zero())
    }

    /// Something that a plan is made of has changed.
    pub(super) fn touch(&mut self) {
        self.revision += 1;
    }
}

/// Everything that a plan for one HPA is made of.
#[derive(Debug)]
pub struct Situation {
    /// The latest known version of the HPA.
    pub hpa: Arc<HpaView>,
    /// The overrides that target it.
    pub overrides: Vec<Arc<ParsedOverride>>,
    /// The last record seen.
    pub remembered: Option<Arc<str>>,
    /// The revision of all that.
    pub(super) revision: u64,
}

impl Situation {
    /// The overrides that a plan for the HPA may end: those that target it, and are in its record.
    pub fn overrides_that_end(&self) -> HashSet<Key> {
        overrides_that_end(&self.hpa, &self.overrides).collect()
    }
}

/// The overrides that a plan may end.
pub(super) fn overrides_that_end<'a>(
    hpa: &'a HpaView,
    overrides: &'a [Arc<ParsedOverride>],
) -> impl Iterator<Item = Key> {
    let record = hpa.record().and_then(Result::ok);
    let layers = record.map(|record| record.layers.as_slice()).unwrap_or_default();
    let ends = overrides.iter().filter(|ovr| layers.iter().any(|layer| layer.by == ovr.id));
    ends.map(|ovr| Arc::new(ovr.id.clone()))
}

/// What a plan says of each override, for their statuses.
pub type Outcomes = Vec<(Arc<ParsedOverride>, OnTarget)>;
