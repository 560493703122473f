//! The conditions of a status.

use hpa_override_core::{Instant, ParsedOverride, Phase};
use hpa_override_crd::{AutoscalerOverrideStatus, Condition, ConditionStatus, ConditionType};

use crate::eligibility::Eligibility;

/// Whether each condition holds, in the order of the status.
fn states(eligibility: &Eligibility, is_ready: bool) -> [(ConditionType, bool); 3] {
    let is_stalled = matches!(eligibility.phase, Phase::Invalid | Phase::Blocked);
    let is_active = is_ready && eligibility.phase == Phase::Active;
    [(ConditionType::Ready, is_ready), (ConditionType::Active, is_active), (ConditionType::Stalled, is_stalled)]
}

/// The conditions; `lastTransitionTime` is that of the old status where the condition is as it was.
pub(crate) fn conditions(
    ovr: &ParsedOverride,
    eligibility: &Eligibility,
    is_ready: bool,
    old: Option<&AutoscalerOverrideStatus>,
    now: Instant,
) -> Vec<Condition> {
    let condition = |(type_, holds): (ConditionType, bool)| {
        let status = if holds { ConditionStatus::True } else { ConditionStatus::False };
        let is_same = |known: &&Condition| known.type_ == type_ && known.status == status;
        let known = old.and_then(|old| old.conditions.iter().find(is_same));
        Condition {
            type_,
            status,
            observed_generation: ovr.generation,
            last_transition_time: known.map_or(now, |known| known.last_transition_time),
            reason: eligibility.reason,
            message: eligibility.message.clone(),
        }
    };
    states(eligibility, is_ready).into_iter().map(condition).collect()
}
