//! What could not be done: what failed, on which object, and what to do.

use std::{fmt::Display, process::ExitCode};

use crate::say::note;

/// The result of a verb.
pub type Outcome<T = ExitCode> = Result<T, Failure>;

/// What an answer of the API server means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing special.
    #[default]
    Other,
    /// The object does not exist.
    NotFound,
    /// The user lacks a right.
    Forbidden,
    /// Somebody else has changed the object meanwhile.
    Conflict,
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed, on which object, and why.
    message: String,
    /// What to do.
    hint: Option<String>,
    kind: Kind,
}

impl Failure {
    /// Something that failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, kind: Kind::Other }
    }

    /// The same, with what to do.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same, of that kind.
    pub fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same: the object does not exist.
    pub fn not_found(self) -> Self {
        self.of(Kind::NotFound)
    }

    /// Whether the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether the user lacks a right.
    pub fn is_forbidden(&self) -> bool {
        self.kind == Kind::Forbidden
    }

    /// Whether somebody else has changed the object meanwhile.
    pub fn is_conflict(&self) -> bool {
        self.kind == Kind::Conflict
    }

    /// The same, behind what was to be done.
    pub fn while_(self, what: impl Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// What failed.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Says it to the user.
    pub fn print(&self) {
        note!("error: {}", self.message);
        if let Some(hint) = &self.hint {
            note!("{hint}");
        }
    }
}
