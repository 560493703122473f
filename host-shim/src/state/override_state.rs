//! What is known of one override: the latest version of it, the summary of its targets, and the pace of its statuses.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use hpa_override_core::ParsedOverride;
use hpa_override_plan::TargetSummary;
use serde_json::Value;

use super::{reported::Reported, update::Update};
use crate::{
    clock::Moment,
    object::{Key, Override},
};

/// One override.
#[derive(Debug)]
pub(super) struct OverrideState {
    pub(super) parsed: Arc<ParsedOverride>,
    pub(super) resource_version: String,
    /// The number of our last write to it; 0 before there is one.
    pub(super) written: u64,
    /// The status as stored, as compact JSON.
    pub(super) status: Option<Box<str>>,
    /// What it says, as far as it is counted.
    pub(super) reported: Reported,
    /// The status that we last sent, where the API server has stored another: an older CRD prunes what it does not know.
    pub(super) sent: Option<Box<str>>,
    /// What the plans for its targets say of it.
    pub(super) summary: TargetSummary,
    /// The targets for which no plan has been made since they became targets, or since it changed.
    pub(super) awaited: BTreeSet<Key>,
    /// Failures in a row.
    pub(super) failures: u32,
    pub(super) pace: Pace,
}

impl OverrideState {
    pub(super) fn new(ovr: Override) -> Self {
        Self {
            parsed: Arc::new(ovr.parsed),
            resource_version: ovr.resource_version,
            written: 0,
            reported: Reported::by(ovr.status.as_deref()),
            status: ovr.status,
            sent: None,
            summary: TargetSummary::default(),
            awaited: BTreeSet::new(),
            failures: 0,
            pace: Pace::default(),
        }
    }

    /// Forgets all but the object.
    pub(super) fn begin_anew(&mut self) {
        self.sent = None;
        self.summary = TargetSummary::default();
        (self.failures, self.pace) = (0, Pace::default());
    }

    /// What a later version of the same object changes.
    pub(super) fn update_to(&self, ovr: &Override) -> Update {
        if self.parsed.uid != ovr.parsed.uid {
            Update::Replaced
        } else if *self.parsed != ovr.parsed {
            Update::Moved
        } else if self.status != ovr.status {
            Update::Changed
        } else {
            Update::Same
        }
    }

    /// The status that the next plan compares with: what was last sent, where what is stored came of that.
    pub(super) fn known_status(&self) -> Option<Value> {
        serde_json::from_str(self.sent.as_deref().or(self.status.as_deref())?).ok()
    }

    /// Keeps another stored status. Where it did not come of what was last sent, that is forgotten.
    pub(super) fn set_status(&mut self, status: Option<Box<str>>) {
        if self.status != status {
            self.sent = None;
            self.reported = Reported::by(status.as_deref());
        }
        self.status = status;
    }

    /// Keeps the answer to a write of `sent`.
    pub(super) fn note_sent(&mut self, stored: Override, sent: &Value) {
        let sent: Box<str> = sent.to_string().into();
        self.resource_version = stored.resource_version;
        self.sent = (stored.status.as_deref() != Some(&*sent)).then_some(sent);
        self.reported = Reported::by(stored.status.as_deref());
        self.status = stored.status;
    }
}

/// How soon a status may follow the one before it: with thousands of targets that come one by one, each of them changes what
/// a status says. While that goes on the pauses get longer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    last: Option<Moment>,
    pause: Duration,
}

/// After this long a status may follow another.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// Where statuses have followed each other for a while.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Pace {
    /// How much longer the next status has to wait; none: not at all.
    pub(super) fn wait(&self, now: Moment) -> Option<Duration> {
        let since = now.since(self.last?);
        self.pause.checked_sub(since).filter(|left| !left.is_zero())
    }

    /// Notes that a status is written.
    pub(super) fn note(&mut self, now: Moment) {
        let follows = self.last.is_some_and(|last| now.since(last) < self.pause * 2);
        self.pause = if follows { (self.pause * 2).min(LONGEST_PAUSE) } else { SHORTEST_PAUSE };
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use hpa_override_core::Instant;
    use serde_json::json;

    use super::*;
    use crate::clock::Clock;

    fn ovr(status: &Value) -> Override {
        Override::parse(&json!({"metadata": {"uid": "o", "resourceVersion": "1"}, "status": status}), Instant::MIN)
    }

    #[test]
    fn a_status_of_which_less_is_stored_counts_as_it_was_sent() {
        let (sent, stored) = (json!({"phase": "Active", "fresh": 1}), json!({"phase": "Active"}));
        let mut state = OverrideState::new(ovr(&stored));
        assert_eq!(state.known_status(), Some(stored.clone()));
        state.note_sent(ovr(&stored), &sent);
        assert_eq!(state.known_status(), Some(sent.clone()));
        state.set_status(ovr(&stored).status);
        assert_eq!(state.known_status(), Some(sent.clone()), "the watch delivers it");
        let edited = json!({"phase": "Expired"});
        state.set_status(ovr(&edited).status);
        assert_eq!(state.known_status(), Some(edited), "somebody else has written it");
        state.note_sent(ovr(&sent), &sent);
        assert_eq!((state.known_status(), state.sent), (Some(sent), None));
    }

    #[test]
    fn statuses_follow_each_other_more_and_more_slowly() {
        let mut now = Clock::System { offset: 0 }.now();
        let mut pace = Pace::default();
        for pause in [1, 2, 4, 8, 10, 10] {
            assert_eq!(pace.wait(now), None);
            pace.note(now);
            let pause = Duration::from_secs(pause);
            assert_eq!(pace.wait(now), Some(pause));
            now = now.after(pause);
        }
        let quiet = now.after(Duration::from_secs(10));
        pace.note(quiet);
        assert_eq!(pace.wait(quiet), Some(SHORTEST_PAUSE), "after a pause twice as long as it had to be");
    }
}
