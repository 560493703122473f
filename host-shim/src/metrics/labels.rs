//! The labels, each with a closed set of values.

use prometheus_client::encoding::EncodeLabelSet;

/// What the API server answered where it did what was asked.
pub(super) const OK: &str = "ok";
/// The phase of an override that has no status yet, or one that this version does not know.
pub(super) const UNREPORTED: &str = "Unreported";

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loop {
    /// HPAs.
    Hpas,
    /// Overrides, for their status.
    Statuses,
}

impl Loop {
    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hpas => "hpas",
            Self::Statuses => "statuses",
        }
    }
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to write.
    Unchanged,
    /// It is as planned now.
    Written,
    /// A step failed; it is tried again.
    Failed,
}

impl Outcome {
    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Written => "written",
            Self::Failed => "failed",
        }
    }
}

/// What became of a request to the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reviewed {
    /// The write is allowed, changed or not.
    Allowed,
    /// The write is refused.
    Refused,
    /// The request is no review.
    Malformed,
}

impl Reviewed {
    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
        }
    }
}

/// What happens by itself at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// An override ends.
    End,
    /// It begins, or its bounds change.
    Other,
}

impl Transition {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::End, Self::Other];

    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Other => "other",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByAnswer {
    pub(super) kind: &'static str,
    pub(super) answer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByOutcome {
    pub(super) queue: &'static str,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByLoop {
    queue: &'static str,
}

impl ByLoop {
    pub(super) fn of(of: Loop) -> Self {
        Self { queue: of.as_str() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByTransition {
    transition: &'static str,
}

impl ByTransition {
    pub(super) fn of(transition: Transition) -> Self {
        Self { transition: transition.as_str() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByPhase {
    pub(super) phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByReason {
    pub(super) reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfKind {
    pub(super) resource: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByReview {
    pub(super) resource: &'static str,
    pub(super) answer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct FailedWatch {
    pub(super) resource: &'static str,
    pub(super) answer: &'static str,
}
