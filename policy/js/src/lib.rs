//! The JavaScript binding: text in, text out, by `hpa_override_api::call_text`. `package/index.js` wraps it.

use hpa_override_api::{MOST_TEXT, call_text};
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;

/// The answer as JSON; or, thrown, the error as JSON: `path`, `code`, `message`.
///
/// # Errors
/// As [`call_text`].
#[wasm_bindgen]
pub fn call(function: &str, argument: &str) -> Result<String, String> {
    call_text(function, argument).map_err(|error| json!(error).to_string())
}

/// The most bytes of an argument: the wrapper passes hardly more, however long it is.
#[wasm_bindgen]
#[must_use]
pub fn longest() -> usize {
    MOST_TEXT
}
