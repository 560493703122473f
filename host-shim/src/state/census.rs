//! What there is, in numbers: by phase, by reason, by problem.

use std::{collections::BTreeMap, time::Duration};

use hpa_override_core::{Instant, Phase, Reason};

use super::{hpa::HpaState, objects::Objects, reported::Reported};
use crate::clock::Moment;

/// How many of what there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// HPAs.
    pub hpas: usize,
    /// HPAs whose record holds an override.
    pub under_override: usize,
    /// HPAs whose record cannot be read.
    pub unreadable_records: usize,
    /// HPAs that something keeps from being as planned, by what.
    pub problems: BTreeMap<Reason, usize>,
    /// Overrides by phase: each phase, also one that none has.
    pub phases: BTreeMap<Phase, usize>,
    /// Overrides without a status, or with a phase that this version does not know.
    pub unreported: usize,
    /// Overrides whose condition Ready is False, by its reason.
    pub not_ready: BTreeMap<Reason, usize>,
    /// Active overrides without an end.
    pub endless: usize,
}

impl Objects {
    pub(super) fn census(&self) -> Census {
        let phases = Phase::ALL.into_iter().map(|phase| (phase, 0)).collect();
        let mut census = Census { hpas: self.hpas.len(), phases, ..Census::default() };
        for hpa in self.hpas.values() {
            census.count(hpa);
        }
        for ovr in self.overrides.values() {
            census.count_reported(ovr.reported);
        }
        census
    }

    /// Since when the HPAs that have waited longest wait for an end, and for what else.
    pub(super) fn longest_due(&self) -> [Option<Instant>; 2] {
        let dues = || self.hpas.values().map(|hpa| hpa.dues);
        // What has come and was not looked at yet.
        let expired = |is_end| {
            let hpas = self.hpas.values().filter_map(|hpa| Some((hpa.expired?, hpa)));
            hpas.filter(move |(at, hpa)| hpa.view.has_ended_by(*at) == is_end).map(|(at, _)| at)
        };
        let end = dues().filter_map(|dues| dues.end).map(|due| due.since).chain(expired(true)).min();
        [end, dues().filter_map(|dues| dues.other).map(|due| due.since).chain(expired(false)).min()]
    }
}

impl Census {
    fn count(&mut self, hpa: &HpaState) {
        match hpa.view.record() {
            Some(Ok(record)) => self.under_override += usize::from(!record.layers.is_empty()),
            Some(Err(_)) => self.unreadable_records += 1,
            None => {}
        }
        if let Some(problem) = &hpa.problem {
            *self.problems.entry(problem.reason).or_default() += 1;
        }
    }

    fn count_reported(&mut self, Reported { phase, not_ready, is_endless }: Reported) {
        match phase {
            Some(phase) => *self.phases.entry(phase).or_default() += 1,
            None => self.unreported += 1,
        }
        if let Some(reason) = not_ready {
            *self.not_ready.entry(reason).or_default() += 1;
        }
        self.endless += usize::from(is_endless);
    }
}

/// How long the HPAs wait that have waited longest, by the wall clock.
pub(super) fn overdue(since: [Option<Instant>; 2], now: Moment) -> [Duration; 2] {
    since.map(|since| since.map(|since| now.past(since)).unwrap_or_default())
}
