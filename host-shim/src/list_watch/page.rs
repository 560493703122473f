//! A page of a list.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{error::Failure, request::quote};

/// The page, its items undecoded and where they were received.
#[derive(Deserialize)]
pub(super) struct Page<'a> {
    pub(super) metadata: Metadata,
    /// Required, `null` where there are none: an answer that is no list must not count as an empty one.
    #[serde(borrow, deserialize_with = "Option::deserialize")]
    pub(super) items: Option<Vec<&'a RawValue>>,
}

/// Where the list continues, and where a watch does.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(default, rename = "continue")]
    pub(super) rest: String,
    pub(super) resource_version: String,
}

/// Decodes a page.
///
/// # Errors
/// When it is none.
pub(super) fn decode(page: &[u8]) -> Result<Page<'_>, Failure> {
    serde_json::from_slice(page).map_err(|error| Failure::Unreadable(format!("{error}: {}", quote(page))))
}
