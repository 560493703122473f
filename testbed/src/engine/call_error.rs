//! Why a call of a policy gave no answer, distinguished as policy-server does.
//!
//! The provider gives texts, not types, for what went wrong in the guest: they are read here and nowhere else.

use std::fmt;

/// Part of what the provider says when a running guest is cut off.
const CALL_CUT_OFF: &str = "guest code interrupted, execution deadline exceeded";
/// Part of what the provider says when a starting guest is cut off.
const INIT_CUT_OFF: &str = "init interrupted, execution deadline exceeded";

/// Why a call of a policy gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The guest took too long, and was cut off.
    CutOff,
    /// The guest did not start: it lacks an export, or trapped in its initialization.
    Init(String),
    /// The guest answered with an error or trapped.
    Guest(String),
}

impl CallError {
    pub(super) fn init(error: &dyn std::error::Error) -> Self {
        Self::classify(error, INIT_CUT_OFF, Self::Init)
    }

    pub(super) fn guest(error: &dyn std::error::Error) -> Self {
        Self::classify(error, CALL_CUT_OFF, Self::Guest)
    }

    fn classify(error: &dyn std::error::Error, cut_off: &str, other: fn(String) -> Self) -> Self {
        let text = error.to_string();
        if text.contains(cut_off) { Self::CutOff } else { other(text) }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => formatter.write_str("the policy was cut off because it took too long"),
            Self::Init(text) => write!(formatter, "the policy does not start: {text}"),
            Self::Guest(text) => write!(formatter, "the policy failed: {text}"),
        }
    }
}

impl std::error::Error for CallError {}
