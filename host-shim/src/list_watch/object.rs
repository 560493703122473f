//! One object of a list or a watch, still undecoded: what one cannot be read by never stops the others.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

/// An object that is handed over.
pub(super) struct Readable<'a> {
    pub(super) text: &'a str,
    meta: Meta,
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

impl Readable<'_> {
    pub(super) fn into_version(self) -> Option<String> {
        self.meta.resource_version
    }

    /// It could not be read after all.
    pub(super) fn into_unreadable(self, why: String) -> Unreadable {
        let Meta { namespace, name, resource_version: version } = self.meta;
        Unreadable { name: name.map(|name| format!("{}/{name}", namespace.unwrap_or_default())), version, why }
    }
}

/// An object has a name: what else is in it is for others to read.
pub(super) fn read(raw: &RawValue) -> Result<Readable<'_>, Unreadable> {
    let meta = meta_of(raw);
    if meta.name.as_deref().unwrap_or_default().is_empty() {
        let version = meta.resource_version;
        return Err(Unreadable { name: None, version, why: "it has no metadata.name".into() });
    }
    Ok(Readable { text: raw.get(), meta })
}

/// The resourceVersion of a bookmark, of which nothing else is read.
pub(super) fn version_of(raw: &RawValue) -> Option<String> {
    meta_of(raw).resource_version
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
