//! One object of a list or a watch, still undecoded: what one cannot be read by never stops the others.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// An object that is handed over.
pub(super) struct Readable {
    pub(super) object: Value,
    pub(super) version: Option<String>,
}

/// One that is left out.
pub(super) struct Unreadable {
    name: Option<String>,
    pub(super) version: Option<String>,
    why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version: _, why } = self;
        write!(f, "{}: {why}", name.as_deref().unwrap_or("one without a name"))
    }
}

/// Decodes an object. It is readable when it is JSON and has a name: what is in it is for others to read.
pub(super) fn read(raw: &RawValue) -> Result<Readable, Unreadable> {
    let object: Value = serde_json::from_str(raw.get()).map_err(|error| unreadable(raw, error.to_string()))?;
    let text_of = |key| object.get("metadata")?.get(key)?.as_str().filter(|text| !text.is_empty());
    if text_of("name").is_none() {
        return Err(unreadable(raw, "it has no metadata.name".into()));
    }
    let version = text_of("resourceVersion").map(Into::into);
    Ok(Readable { object, version })
}

/// The resourceVersion of a bookmark, of which nothing else is read.
pub(super) fn version_of(raw: &RawValue) -> Option<String> {
    meta_of(raw).resource_version
}

fn unreadable(raw: &RawValue, why: String) -> Unreadable {
    let Meta { namespace, name, resource_version: version } = meta_of(raw);
    let name = name.filter(|name| !name.is_empty());
    Unreadable { name: name.map(|name| format!("{}/{name}", namespace.unwrap_or_default())), version, why }
}

/// Reads no more than it has to, so that it succeeds where the rest is damaged.
fn meta_of(raw: &RawValue) -> Meta {
    serde_json::from_str::<Named>(raw.get()).map(|named| named.metadata).unwrap_or_default()
}

#[derive(Deserialize)]
struct Named {
    metadata: Meta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    namespace: Option<String>,
    name: Option<String>,
    resource_version: Option<String>,
}
