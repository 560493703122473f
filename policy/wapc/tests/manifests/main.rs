//! What is shipped beside the module fits it: its metadata, the policies, the settings in them, and the questions.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod host_calls;
mod policies;
mod questions;
mod settings;
mod versions;
