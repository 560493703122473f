//! What a summary keeps of one target.

use hpa_override_core::{Bounds, Instant};
use hpa_override_crd::ConditionStatus;

use crate::{
    conditions::KnownCondition,
    hpa_view::Scaling,
    on_target::OnTarget,
    reached::{
        reading::ScaleReading,
        state::{Reading, State},
    },
};

/// A target: what its plan says, and what it has reached.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(super) found: OnTarget,
    /// What was last read; none once it has been within its bounds.
    reading: Option<Box<Reading>>,
    /// The bounds within which it has been.
    within: Option<Bounds>,
    /// Whether the old status has been asked whether it was within them.
    is_recalled: bool,
}

impl Kept {
    pub(super) fn new(found: OnTarget) -> Self {
        Self { found, reading: None, within: None, is_recalled: false }
    }

    /// The state in respect of Reached; none where the override is not active there.
    pub(super) fn active_state(&self) -> Option<State> {
        State::of(&self.found, self.within, self.reading.as_deref())
    }

    /// The state of a target on which it is active.
    pub(crate) fn state(&self) -> State {
        self.active_state().unwrap_or(State::NotApplied)
    }

    /// The sentence about it in the condition Reached.
    pub(crate) fn message(&self, name: &str, now: Instant) -> String {
        self.state().message(name, &self.found, self.reading.as_deref(), now)
    }

    /// Another plan. What was read of another workload does not count.
    pub(super) fn set(&mut self, found: OnTarget) {
        if found.scaling.target != self.found.scaling.target {
            self.reading = None;
        }
        self.found = found;
        self.settle();
    }

    /// Another reading, made when the HPA said that of what it scales. Where a read failed, what was read before holds; why
    /// it failed counts where nothing was.
    pub(super) fn read(&mut self, scaling: &Scaling, reading: Reading) {
        if scaling.target != self.found.scaling.target {
            return;
        }
        self.found.scaling = scaling.clone();
        let known = self.reading.as_ref().filter(|known| known.read_for == reading.read_for);
        if known.is_none() || !matches!(reading.read, ScaleReading::Unreadable(_)) {
            self.reading = Some(Box::new(reading));
        }
        self.settle();
    }

    /// Whether the old status is still to be asked whether it was within its bounds.
    pub(super) fn is_to_recall(&self) -> bool {
        !self.is_recalled && !self.found.is_unsettled() && self.found.bounds_to_reach().is_some()
    }

    /// Asks the old condition Reached whether it was within its bounds, where that is still to be asked.
    pub(super) fn recall(&mut self, old: Option<&KnownCondition<'_>>) {
        if !self.is_to_recall() {
            return;
        }
        self.is_recalled = true;
        let Some(record) = self.found.active_record() else { return };
        if old.is_some_and(|old| old.holds(ConditionStatus::True) && old.is_since(record.as_of)) {
            self.within = Some(record.effective);
        }
        self.settle();
    }

    /// Notes that it is within its bounds, and forgets it where these are others. What is about to change forgets nothing:
    /// bounds that are reverted and written again are the same.
    fn settle(&mut self) {
        if self.found.is_unsettled() {
            return;
        }
        self.within = self.found.bounds_to_reach().filter(|_| self.active_state() == Some(State::Within));
        if self.within.is_some() {
            self.reading = None;
        }
    }

    /// Whether a status says the same of both, but for numbers of replicas.
    pub(super) fn says_like(&self, other: &Self) -> bool {
        let state = self.active_state();
        let is_same_cause = state != Some(State::Unreadable) || self.reading == other.reading;
        self.found.decision == other.found.decision
            && self.found.scaling.target == other.found.scaling.target
            && state == other.active_state()
            && is_same_cause
    }
}
