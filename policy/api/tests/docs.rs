//! The pages of docs/, against the program.
//!
//! docs/language.md: after its fenced examples comes the case that pins them, `Case: [name](../cases/docs/name.yaml)`, and
//! what the page says of bounds is what the case says. The cases themselves are run by `cargo xtask cases`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "docs/language.rs"]
mod language;

use std::path::Path;

use serde_json::Value;

/// The text of a file below the root of the repository.
fn text(path: &str) -> String {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&place).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The YAML documents of a text.
fn yaml(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The cells of a row of a table.
fn cells(row: &str) -> Vec<&str> {
    row.trim().trim_matches('|').split('|').map(str::trim).collect()
}
