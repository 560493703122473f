//! Sentences that are said twice: by the core, and by the rules of the schema. Each says what is wrong and what to do.

use std::fmt::Display;

use crate::{AmountError, DurationError};

/// Neither `hpa` nor `selector`.
pub const TARGET_MISSING: &str =
    "no target: set hpa to the name of a HorizontalPodAutoscaler, or selector to labels of some";
/// Both `hpa` and `selector`.
pub const TWO_TARGETS: &str = "two targets: keep either hpa or selector";
/// A selector without requirements.
pub const SELECTOR_EMPTY: &str = "the selector is empty, and would mean every HorizontalPodAutoscaler; name labels";
/// Neither `minReplicas` nor `maxReplicas`.
pub const NO_BOUNDS: &str = "no bounds: set minReplicas, maxReplicas or both";
/// Both `expiresAt` and `duration`, without a schedule.
pub const TWO_ENDS: &str = "two ends: keep either expiresAt or duration";
/// A schedule without `duration`.
pub const DURATION_REQUIRED: &str = "with a schedule a duration is required; set it to the length of each occurrence";
/// `ttlAfterFinished` beside an end that depends on when the object was created.
pub const TTL_NEEDS_ABSOLUTE_END: &str = "deletion needs an end that does not depend on when the object was created, otherwise a GitOps tool that creates it again \
     makes it active again; set expiresAt, or startsAt and duration";

/// Another target than before, in this field.
#[must_use]
pub fn immutable(field: &str) -> String {
    format!("{field} is immutable; delete this override and create another for the other target")
}

/// Two literal amounts that cross.
pub fn min_above_max(min: impl Display, max: impl Display) -> String {
    format!("minReplicas {min} is above maxReplicas {max}; lower it or raise maxReplicas")
}

/// What was given for an amount, in backticks.
pub fn not_an_amount(given: impl Display) -> String {
    format!("{given} is not an amount; {AmountError}")
}

/// What was given for a duration, in backticks.
pub fn not_a_duration(given: impl Display) -> String {
    format!("{given} is not a duration; {DurationError}")
}

/// What was given for `hpa`, in backticks.
pub fn not_an_hpa(given: impl Display) -> String {
    format!("{given} is not the name of a HorizontalPodAutoscaler; use lower-case letters, digits, `-` and `.`")
}

/// What was given for `namespace`, in backticks.
pub fn not_a_namespace(given: impl Display) -> String {
    format!("{given} is not the name of a namespace; use at most 63 lower-case letters, digits and `-`")
}
