//! Why a call has no answer.

use std::fmt;

use serde::Serialize;

/// The kind of mistake; stable, machine-readable, a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorCode {
    /// There is no function of that name.
    FunctionUnknown,
    /// The argument is no JSON, nested deeper than 127 levels, or too much.
    JsonInvalid,
    /// The argument, or a part of it, is of the wrong type.
    TypeInvalid,
    /// The argument has a key that the function does not take.
    KeyUnknown,
    /// Not an instant of the years 2000 to 9000.
    InstantInvalid,
    /// The settings are not valid; the sentence names every mistake.
    SettingsInvalid,
    /// The bounds of the HPA cannot be read.
    HpaInvalid,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Error {
    /// Where in the argument, like `now`; empty for all of it.
    pub path: String,
    /// What kind of mistake.
    pub code: ErrorCode,
    /// What is wrong and what to do; lower case, no final period, user input in backticks.
    pub message: String,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: &[Self] = &[
        Self::FunctionUnknown,
        Self::JsonInvalid,
        Self::TypeInvalid,
        Self::KeyUnknown,
        Self::InstantInvalid,
        Self::SettingsInvalid,
        Self::HpaInvalid,
    ];
}

impl Error {
    pub(crate) fn new(path: &str, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { path: path.into(), code, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

impl std::error::Error for Error {}
