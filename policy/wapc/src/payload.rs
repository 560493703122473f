//! Decodes what the host sends: `{"request": …, "settings": …}`.
//!
//! The request is read as plain JSON: it takes a third of the size of the SDK's type, and the objects in it must stay as
//! they came. Keys are taken in camelCase, as policy-server and kwctl send them, and in the SDK's `snake_case`.

use hpa_override_core::{GROUP, KIND, Request};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The kind of object that a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An `AutoscalerOverride`: the guard decides.
    Override,
    /// A `HorizontalPodAutoscaler`: the merge decides.
    Hpa,
    /// A kind that none of the two policies is for.
    Other,
}

impl Subject {
    fn from_kind(group: &str, kind: &str) -> Self {
        match (group, kind) {
            (GROUP, KIND) => Self::Override,
            ("autoscaling", "HorizontalPodAutoscaler") => Self::Hpa,
            _ => Self::Other,
        }
    }
}

/// What the decisions need of the host's payload.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) subject: Subject,
    /// Whether the object is created or changed; deletions are not checked.
    pub(crate) writes: bool,
    pub(crate) request: Request,
    /// The object as sent; null counts as none.
    pub(crate) object: Option<Value>,
    /// The object as stored; null counts as none.
    pub(crate) old: Option<Value>,
    pub(crate) settings: Value,
}

/// A payload that cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// The kind, as far as it can be read: it decides between failing open and closed.
    pub(crate) subject: Option<Subject>,
    /// Why.
    pub(crate) reason: String,
}

impl Payload {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let payload = serde_json::from_slice(bytes)
            .map_err(|error| Unreadable { subject: subject_of(bytes), reason: error.to_string() })?;
        Self::from_value(payload).ok_or_else(|| Unreadable { subject: None, reason: "it names no kind".into() })
    }

    fn from_value(payload: Value) -> Option<Self> {
        let mut payload = map(payload)?;
        let mut request = map(payload.remove("request")?)?;
        let kind = take(&mut request, &["kind"])?;
        let user = take(&mut request, &["userInfo", "user_info"]).unwrap_or_default();
        Some(Self {
            subject: Subject::from_kind(text(kind.get("group")), kind.get("kind")?.as_str()?),
            writes: !matches!(text(request.get("operation")), "DELETE" | "CONNECT"),
            request: Request {
                user: text(user.get("username")).into(),
                groups: texts(user.get("groups")),
                sub_resource: text(take(&mut request, &["subResource", "sub_resource"]).as_ref()).into(),
            },
            object: take(&mut request, &["object"]),
            old: take(&mut request, &["oldObject", "old_object"]),
            settings: payload.remove("settings").unwrap_or_default(),
        })
    }
}

/// What an unreadable payload is about. Everything but the kind is skipped, and serde skips without recursion, so that
/// this also reads what is nested too deeply to be read as a whole.
fn subject_of(bytes: &[u8]) -> Option<Subject> {
    #[derive(Deserialize)]
    struct Payload {
        request: Request,
    }
    #[derive(Deserialize)]
    struct Request {
        kind: Kind,
    }
    #[derive(Deserialize)]
    struct Kind {
        #[serde(default)]
        group: String,
        kind: String,
    }
    let Payload { request: Request { kind: Kind { group, kind } } } = serde_json::from_slice(bytes).ok()?;
    Some(Subject::from_kind(&group, &kind))
}

fn map(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

/// The first of these keys that holds something.
fn take(map: &mut Map<String, Value>, keys: &[&str]) -> Option<Value> {
    keys.iter().find_map(|key| map.remove(*key).filter(|value| !value.is_null()))
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(Value::as_str).map(Into::into).collect()
}
