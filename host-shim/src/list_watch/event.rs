//! A line of a watch.

use std::borrow::Cow;

use kube::core::Status;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::object::{self, Readable, Unreadable};
use crate::{error::Failure, request::quote};

/// What a line says.
pub(super) enum Event<'a> {
    Applied(Result<Readable<'a>, Unreadable>),
    Deleted(Result<Readable<'a>, Unreadable>),
    /// Nothing has changed up to this resourceVersion.
    Bookmark(Option<String>),
    /// The watch has failed.
    Failed(Failure),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Decodes a line; none where it is no event.
pub(super) fn decode(line: &[u8]) -> Option<Event<'_>> {
    let Envelope { kind, object } = serde_json::from_slice(line).ok()?;
    match kind.as_ref() {
        "ADDED" | "MODIFIED" => Some(Event::Applied(object::read(object))),
        "DELETED" => Some(Event::Deleted(object::read(object))),
        "BOOKMARK" => Some(Event::Bookmark(object::version_of(object))),
        "ERROR" => Some(Event::Failed(failure(object.get().as_bytes()))),
        _ => None,
    }
}

/// What an API server, or a proxy in between, says instead of an event.
pub(super) fn failure(text: &[u8]) -> Failure {
    match serde_json::from_slice::<Status>(text) {
        Ok(status) if !status.message.is_empty() => status.into(),
        _ => Failure::Unreadable(quote(text)),
    }
}
