//! What a stored status says, as far as it is counted.

use hpa_override_core::{ConditionStatus, ConditionType, Phase, Reason};
use serde::Deserialize;

/// What a stored status says, as far as it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reported {
    pub(super) phase: Option<Phase>,
    pub(super) not_ready: Option<Reason>,
    pub(super) is_endless: bool,
}

impl Reported {
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
        assert_eq!(Reported::by(status), Reported { phase, not_ready, is_endless });
    }
}
