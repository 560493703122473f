//! The conditions of a status, each with a reason and a message of its own, and the table of what they may be together.

mod table;

use hpa_override_core::{Instant, ParsedOverride, Phase, Reason, value::text::until_text};
use hpa_override_crd::{Condition, ConditionStatus, ConditionType};
use serde_json::Value;

use crate::eligibility::Eligibility;

pub use table::{ReachedRow, StatusRow, reached_table, status_table};

/// A condition as an old status has it. The words may be those of another version.
pub(crate) struct KnownCondition<'a> {
    status: &'a str,
    reason: &'a str,
    pub(crate) message: &'a str,
    since: Option<Instant>,
}

impl<'a> KnownCondition<'a> {
    /// The condition of that type; none where the status has none. What cannot be read in it is empty.
    pub(crate) fn find(status: Option<&'a Value>, type_: ConditionType) -> Option<Self> {
        let list = status?.get("conditions")?.as_array()?;
        let found = list.iter().find(|known| known.get("type").and_then(Value::as_str) == Some(type_.as_str()))?;
        let text = |key: &str| found.get(key).and_then(Value::as_str).unwrap_or_default();
        let since = text("lastTransitionTime").parse().ok();
        Some(Self { status: text("status"), reason: text("reason"), message: text("message"), since })
    }

    pub(crate) fn holds(&self, status: ConditionStatus) -> bool {
        self.status == status.as_str()
    }

    pub(crate) fn is_because_of(&self, reason: Reason) -> bool {
        self.reason == reason.as_str()
    }

    /// Its reason, where this version knows it.
    pub(crate) fn known_reason(&self) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| self.is_because_of(*reason))
    }

    /// Whether its status is as it is since `at`, or since later.
    pub(crate) fn is_since(&self, at: Instant) -> bool {
        self.since.is_some_and(|since| since >= at)
    }
}

/// What a condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: ConditionStatus,
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Said {
    pub(crate) fn new(status: ConditionStatus, reason: Reason, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    /// The same, and another sentence where there is one.
    pub(crate) fn and(self, sentence: Option<&str>) -> Self {
        match sentence {
            Some(sentence) => Self { message: format!("{}; {sentence}", self.message), ..self },
            None => self,
        }
    }

    /// The condition; `lastTransitionTime` is that of the old one where that had the same status.
    pub(crate) fn condition(
        &self,
        type_: ConditionType,
        ovr: &ParsedOverride,
        old: Option<&Value>,
        now: Instant,
    ) -> Condition {
        let same = KnownCondition::find(old, type_).filter(|known| known.holds(self.status));
        Condition {
            type_: type_.as_str().into(),
            status: self.status,
            observed_generation: ovr.generation,
            last_transition_time: same.and_then(|known| known.since).unwrap_or(now),
            reason: self.reason.as_str().into(),
            message: self.message.chars().take(Condition::LONGEST_MESSAGE).collect(),
        }
    }
}

/// On which targets an override is active.
pub(crate) struct ActiveOn<'a> {
    /// On how many its phase is Active and the record holds it.
    pub(crate) active: usize,
    /// How many targets there are.
    pub(crate) targets: usize,
    /// The name of the HPA, where there is one target.
    pub(crate) only: Option<&'a str>,
}

/// Ready: everything that is due now is done, also where nothing is. `failure` is why not.
pub(crate) fn ready(eligibility: &Eligibility, failure: Option<&(Reason, String)>) -> Said {
    let Eligibility { reason, message, .. } = eligibility;
    match failure {
        // The reason of the override itself is what a person has to act on.
        _ if is_stalled(eligibility) => Said::new(ConditionStatus::False, *reason, message),
        Some((reason, message)) => Said::new(ConditionStatus::False, *reason, message),
        None => Said::new(ConditionStatus::True, *reason, message),
    }
}

/// Active: its phase is Active on a target whose record holds it.
pub(crate) fn active(eligibility: &Eligibility, active_on: &ActiveOn<'_>, ready: &Said) -> Said {
    let until = until_text(eligibility.window.and_then(|window| window.until));
    match (active_on.active, eligibility.phase, active_on.only) {
        (0, Phase::Active, _) => Said::new(ConditionStatus::False, ready.reason, &ready.message),
        (0, _, _) => Said::new(ConditionStatus::False, eligibility.reason, &eligibility.message),
        (_, _, Some(only)) => {
            let message = format!("it is active on HorizontalPodAutoscaler {only} until {until}");
            Said::new(ConditionStatus::True, Reason::Applied, message)
        }
        (active, _, None) => {
            let message = format!("it is active on {active} of {} targets until {until}", active_on.targets);
            Said::new(ConditionStatus::True, Reason::Applied, message)
        }
    }
}

/// Stalled: nothing will happen until a person changes something.
pub(crate) fn stalled(eligibility: &Eligibility, ready: &Said) -> Said {
    let Eligibility { reason, message, .. } = eligibility;
    match ready.status {
        _ if is_stalled(eligibility) => Said::new(ConditionStatus::True, *reason, message),
        ConditionStatus::True => Said::new(ConditionStatus::False, ready.reason, NOTHING_BLOCKS),
        _ => Said::new(ConditionStatus::False, ready.reason, NOT_AS_A_WHOLE),
    }
}

pub(crate) fn is_stalled(eligibility: &Eligibility) -> bool {
    matches!(eligibility.phase, Phase::Invalid | Phase::Blocked)
}

const NOTHING_BLOCKS: &str = "nothing blocks it";
const NOT_AS_A_WHOLE: &str = "nothing blocks it as a whole; Ready says what is not done";
