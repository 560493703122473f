//! What is wrong or worth knowing, all of it at once: field path, stable code, sentence.

use std::fmt;

use serde::Serialize;

/// The code of a finding; stable, machine-readable, a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Code {
    /// The spec names no target.
    TargetMissing,
    /// Both kinds of target are given.
    TwoTargets,
    /// Neither bound is given.
    NoBounds,
    /// Both kinds of end are given.
    TwoEnds,
    /// Warning: no end is given, the default holds.
    EndsByDefault,
    /// Warning: no end is given and the default is `Never`.
    NeverEnds,
    /// Not a name of such an object.
    NameInvalid,
    /// The selector would match everything.
    SelectorEmpty,
    /// Not a label selector.
    SelectorInvalid,
    /// The target's namespace is protected.
    NamespaceProtected,
    /// The target is in another namespace.
    CrossNamespaceDenied,
    /// The override's own namespace is excluded from admission.
    UnguardedNamespace,
    /// The target was changed.
    TargetImmutable,
    /// Who asks may not patch the target.
    NotAuthorized,
    /// Whether who asks may patch the target could not be found out.
    AuthorizationUnavailable,
    /// Not an amount.
    AmountInvalid,
    /// The lower bound is above the upper one.
    MinAboveMax,
    /// Warning: the lower bound alone raises the upper one where that is lower.
    RaisesMaxWithMin,
    /// Above the ceiling of the platform team.
    CeilingExceeded,
    /// Below what the owner wants, which the platform team does not allow.
    LowersOwner,
    /// Not a mode.
    ModeUnknown,
    /// Not an instant.
    InstantInvalid,
    /// Not a duration.
    DurationInvalid,
    /// A recurring override needs a length.
    DurationRequired,
    /// The end is not after the start.
    EndBeforeStart,
    /// Longer than the platform team allows.
    DurationTooLong,
    /// The start was moved after it had passed.
    StartMoved,
    /// Warning: the end has passed.
    AlreadyEnded,
    /// Not a cron expression.
    CronInvalid,
    /// No date of any year fits.
    NeverOccurs,
    /// Warning: an occurrence begins before the one ahead of it has ended.
    OccurrencesOverlap,
    /// Not the name of a time zone.
    TimeZoneUnknown,
    /// Not a date.
    DateInvalid,
    /// Longer than a gradual return may take.
    ReturnTooLong,
    /// Deletion after the end needs an end that does not depend on when the object was created.
    TtlNeedsAbsoluteEnd,
    /// Higher than the platform team allows.
    PriorityTooHigh,
    /// The platform team wants a reason.
    ReasonRequired,
}

/// One thing that is wrong or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Path of the field, like `spec.minReplicas`.
    pub path: String,
    /// Stable code.
    pub code: Code,
    /// What is wrong and what to do; lower case, no final period, user input in backticks.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(path: &str, code: Code, message: impl Into<String>) -> Self {
        Self { path: path.into(), code, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// All errors and all warnings about one object, in the order of its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What must be mended.
    pub errors: Vec<Finding>,
    /// What is worth knowing.
    pub warnings: Vec<Finding>,
}

impl Report {
    /// Whether nothing must be mended.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }
}

/// Findings as one line of text, separated by semicolons.
#[must_use]
pub fn joined(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
