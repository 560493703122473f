//! Decodes a request of the host, asks the core, encodes the answer. It decides nothing.

use hpa_override_core::{Call, Instant, MayPatch, Question, Settings, decide};
use serde_json::Value;

use crate::response::{settings, verdict};

/// Answers a request of the host, `{"request": …, "settings": …}`, with a validation response, both as JSON.
///
/// `may_patch` asks the cluster, where the settings want that. Total: whatever the payload is, there is an answer.
#[must_use]
pub fn validate(payload: &[u8], now: Instant, may_patch: impl FnOnce(&Question) -> MayPatch) -> Vec<u8> {
    let (call, mut rest) =
        Call::parse(payload).map_or_else(|unreadable| (Err(unreadable), None), |(call, rest)| (Ok(call), Some(rest)));
    let document = rest.as_mut().and_then(|rest| rest.remove("settings")).unwrap_or_default();
    verdict(decide(&call, || Settings::parse(&document), now, may_patch))
}

/// Answers with all mistakes in the settings at once, for either policy.
#[must_use]
pub fn validate_settings(payload: &[u8]) -> Vec<u8> {
    let errors = match serde_json::from_slice::<Value>(payload) {
        Ok(document) => Settings::parse(&document).err().unwrap_or_default(),
        Err(error) => vec![format!("the settings cannot be read: {error}")],
    };
    settings(&errors)
}
