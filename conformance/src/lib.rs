//! The conformance corpus, and the bindings that it is asked of.
//!
//! ```text
//!   cases/*.yaml ──► corpus ──► questions ──┬─► native ──► compared with what the case expects
//!   a seed ───────► bin/differ ─► questions ┴─► every binding ──► compared with native
//!   a seed ───────► bin/agree ──► overrides ──► API server with the CRD alone ──► compared with the core
//! ```
//! `bin/cases` runs the corpus, `bin/differ` random questions, `bin/agree` random overrides; `bin/embed.rs` is the host of docs/embedding.md. Nothing
//! here knows what an override means: the expected answers are in the cases, or native's.

#![expect(clippy::missing_errors_doc, reason = "a test harness: an error fails the test, and its message says why")]

#[cfg(feature = "bindings")]
pub mod bindings;
mod core_only;
pub mod corpus;
mod random;
mod shrink;

use hpa_override_api::call;
use serde_json::{Value, json};

pub use self::core_only::CoreOnly;
pub use self::random::{Random, seed};
pub use self::shrink::shrunk;

/// An answer, or why there is none: `path`, `code`, `message`.
pub type Outcome = Result<Value, Value>;

/// A function of the JSON API, and its argument.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its name, as in [`functions`](hpa_override_api::functions).
    pub function: String,
    /// What it is called with.
    pub argument: Value,
}

impl Question {
    /// A question.
    pub fn new(function: impl Into<String>, argument: Value) -> Self {
        Self { function: function.into(), argument }
    }

    /// The answer to which all others are compared.
    pub fn native(&self) -> Outcome {
        call(&self.function, &self.argument).map_err(|error| json!(error))
    }
}

/// An outcome as text: equal text is the same answer.
#[must_use]
pub fn text(outcome: &Outcome) -> String {
    match outcome {
        Ok(answer) => answer.to_string(),
        Err(error) => format!("error {error}"),
    }
}
