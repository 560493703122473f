//! The record as it is found on an HPA: parsed once, and its text kept only where it is not the canonical one.

use hpa_override_core::{Record, UnreadableRecord, record::record_annotation};
use serde_json::Value;

/// The annotation of an HPA. Records of one meaning and of one text are equal, and so are all that cannot be read: nothing is
/// planned on either.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FoundRecord {
    Absent,
    Unreadable,
    /// Its text is that of [`Record::to_text`].
    Canonical(Box<Record>),
    /// Its text is another.
    Respelled(Box<(Record, Box<str>)>),
}

impl FoundRecord {
    pub(super) fn parse(hpa: &Value) -> Self {
        let Some(annotation) = record_annotation(hpa) else { return Self::Absent };
        match annotation.as_str().map(|text| (Record::parse(text), text)) {
            Some((Ok(record), text)) if record.to_text() == text => Self::Canonical(Box::new(record)),
            Some((Ok(record), text)) => Self::Respelled(Box::new((record, text.into()))),
            Some((Err(UnreadableRecord), _)) | None => Self::Unreadable,
        }
    }

    pub(super) fn get(&self) -> Option<Result<&Record, UnreadableRecord>> {
        match self {
            Self::Absent => None,
            Self::Unreadable => Some(Err(UnreadableRecord)),
            Self::Canonical(record) => Some(Ok(record)),
            Self::Respelled(respelled) => Some(Ok(&respelled.0)),
        }
    }

    pub(super) fn is_text(&self, text: &str) -> bool {
        match self {
            Self::Absent | Self::Unreadable => false,
            Self::Canonical(record) => record.to_text() == text,
            Self::Respelled(respelled) => *respelled.1 == *text,
        }
    }
}
