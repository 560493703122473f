//! The JavaScript door: text in, the core's JSON door asked, text out. Its face is `package/index.js`.

use hpa_override_core::json::{MOST_TEXT, call_text};
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;

/// The answer as JSON; or, thrown, why there is none: `path`, `code`, `message` as JSON.
///
/// # Errors
/// As [`call_text`].
#[wasm_bindgen]
pub fn call(function: &str, argument: &str) -> Result<String, String> {
    call_text(function, argument).map_err(|error| json!(error).to_string())
}

/// The most bytes of an argument: the face hands over hardly more, however long it is.
#[wasm_bindgen]
#[must_use]
pub fn longest() -> usize {
    MOST_TEXT
}
