//! A page of a list, its items still undecoded: one that cannot be read does not make the page unreadable.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{error::Failure, request::quote};

/// Objects that are asked for in one page.
pub const SIZE: u32 = 500;

/// The page, its items undecoded and where they were received.
#[derive(Deserialize)]
pub struct Page<'a> {
    /// What is said of the list.
    pub metadata: Metadata,
    /// Required, `null` where there are none: an answer that is no list must not count as an empty one.
    #[serde(borrow, deserialize_with = "Option::deserialize")]
    pub items: Option<Vec<&'a RawValue>>,
}

/// Where the list continues, and where a watch does.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The token of the next page; empty at the end.
    #[serde(default, rename = "continue")]
    pub rest: String,
    /// The version of the whole list.
    pub resource_version: String,
}

/// Decodes a page.
///
/// # Errors
/// When it is none.
pub fn decode(page: &[u8]) -> Result<Page<'_>, Failure> {
    serde_json::from_slice(page).map_err(|error| Failure::Unreadable(format!("{error}: {}", quote(page))))
}
