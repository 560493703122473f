//! What there is, in numbers: by phase, by reason, by problem.

use std::collections::BTreeMap;

use hpa_override_core::{ConditionStatus, ConditionType, Instant, Phase, Reason};
use serde::Deserialize;

use super::{hpa::HpaState, objects::Objects};
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

/// What a stored status says, as far as it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    phase: Option<Phase>,
    not_ready: Option<Reason>,
    is_endless: bool,
}

impl Told {
    /// Reads a status; of one that cannot be read, or of words of another version, nothing is known.
    pub(super) fn by(status: Option<&str>) -> Self {
        let Some(Stored { phase, ends_at, conditions }) = status.and_then(|text| serde_json::from_str(text).ok())
        else {
            return Self::default();
        };
        let phase = Phase::ALL.into_iter().find(|known| known.as_str() == phase);
        let is_false = |it: &&Condition| {
            it.r#type == ConditionType::Ready.as_str() && it.status == ConditionStatus::False.as_str()
        };
        let reason = conditions.iter().find(is_false).map(|ready| ready.reason.as_str());
        Self {
            phase,
            not_ready: Reason::ALL.into_iter().find(|known| Some(known.as_str()) == reason),
            is_endless: phase == Some(Phase::Active) && ends_at.is_none(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    #[serde(default)]
    phase: String,
    ends_at: Option<String>,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    r#type: String,
    status: String,
    reason: String,
}

/// Something that was to be done at an instant, and is not done yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Since when.
    pub at: Instant,
    /// Whether an override ends then.
    pub is_end: bool,
}

impl Objects {
    pub(super) fn census(&self) -> Census {
        let phases = Phase::ALL.into_iter().map(|phase| (phase, 0)).collect();
        let mut census = Census { hpas: self.hpas.len(), phases, ..Census::default() };
        for hpa in self.hpas.values() {
            census.count(hpa);
        }
        for ovr in self.overrides.values() {
            census.count_told(ovr.told);
        }
        census
    }

    /// Since when the HPAs that have waited longest wait for an end, and for what else.
    pub(super) fn longest_due(&self) -> [Option<Instant>; 2] {
        let due = self.hpas.values().filter_map(|hpa| hpa.due);
        due.fold([None, None], |[end, other], due| {
            let earlier = |known: Option<Instant>| Some(known.map_or(due.at, |known| known.min(due.at)));
            if due.is_end { [earlier(end), other] } else { [end, earlier(other)] }
        })
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

    fn count_told(&mut self, Told { phase, not_ready, is_endless }: Told) {
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
pub(super) fn overdue(since: [Option<Instant>; 2], now: Moment) -> [std::time::Duration; 2] {
    since.map(|since| since.map(|since| now.past(since)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(None, (None, None, false))]
    #[case::unreadable(Some("{"), (None, None, false))]
    #[case::without_conditions(Some(r#"{"phase":"Expired"}"#), (Some(Phase::Expired), None, false))]
    #[case::of_another_version(Some(r#"{"phase":"Sleeping"}"#), (None, None, false))]
    #[case::endless(Some(r#"{"phase":"Active"}"#), (Some(Phase::Active), None, true))]
    #[case::with_an_end(Some(r#"{"phase":"Active","endsAt":"2026-11-27T06:00:00Z"}"#), (Some(Phase::Active), None, false))]
    #[case::ready(
        Some(r#"{"phase":"Pending","conditions":[{"type":"Ready","status":"True","reason":"Pending"}]}"#),
        (Some(Phase::Pending), None, false)
    )]
    #[case::not_ready(
        Some(r#"{"phase":"Active","endsAt":"x","conditions":[
            {"type":"Active","status":"False","reason":"Applied"},
            {"type":"Ready","status":"False","reason":"Contested"}]}"#),
        (Some(Phase::Active), Some(Reason::Contested), false)
    )]
    fn a_status_is_counted_by_what_it_says(
        #[case] status: Option<&str>,
        #[case] (phase, not_ready, is_endless): (Option<Phase>, Option<Reason>, bool),
    ) {
        assert_eq!(Told::by(status), Told { phase, not_ready, is_endless });
    }
}
