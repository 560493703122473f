//! A call of admission: the `request` of an `AdmissionReview`, as API server and policy host write it.
//!
//! It is read as plain JSON: the objects in it must stay as they came. Keys are taken in camelCase, as the API server,
//! policy-server and kwctl write them, and in the `snake_case` of Kubewarden's SDK.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{GROUP, KIND, value::request::Request};

/// The kind of object that a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An `AutoscalerOverride`: the guard decides.
    Override,
    /// A `HorizontalPodAutoscaler`: the merge decides.
    Hpa,
    /// A kind that none of the two admissions is for.
    Other,
}

impl Subject {
    /// Of objects of that kind.
    #[must_use]
    pub fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            (GROUP, KIND) => Self::Override,
            ("autoscaling", "HorizontalPodAutoscaler") => Self::Hpa,
            _ => Self::Other,
        }
    }
}

/// What the decisions need of a call.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it is about.
    pub subject: Subject,
    /// Whether the object is created or changed; deletions are not checked.
    pub writes: bool,
    /// The requester, and the subresource.
    pub request: Request,
    /// The object as sent; null counts as none.
    pub object: Option<Value>,
    /// The object as stored; null counts as none.
    pub old: Option<Value>,
}

/// A call that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableCall {
    /// The kind, as far as it can be read: it decides between failing open and closed.
    pub subject: Option<Subject>,
    /// Why.
    pub reason: String,
}

impl Call {
    /// One about an object of which nothing is read.
    #[must_use]
    pub fn of_another_kind() -> Self {
        Self { subject: Subject::Other, writes: false, request: Request::default(), object: None, old: None }
    }

    /// Reads a document that holds the call under the key `request`; also what else the document holds.
    ///
    /// # Errors
    /// When it is not JSON, or names no kind.
    pub fn parse(document: &[u8]) -> Result<(Self, Map<String, Value>), UnreadableCall> {
        let value = serde_json::from_slice(document)
            .map_err(|error| UnreadableCall { subject: subject_of(document), reason: error.to_string() })?;
        Self::take(value).ok_or_else(|| UnreadableCall { subject: None, reason: "it names no kind".into() })
    }

    fn take(document: Value) -> Option<(Self, Map<String, Value>)> {
        let mut document = map(document)?;
        let mut request = map(document.remove("request")?)?;
        let kind = take(&mut request, &["kind"])?;
        let user = take(&mut request, &["userInfo", "user_info"]).unwrap_or_default();
        let call = Self {
            subject: Subject::of(text(kind.get("group")), kind.get("kind")?.as_str()?),
            writes: !matches!(text(request.get("operation")), "DELETE" | "CONNECT"),
            request: Request {
                user: text(user.get("username")).into(),
                groups: texts(user.get("groups")),
                sub_resource: text(take(&mut request, &["subResource", "sub_resource"]).as_ref()).into(),
            },
            object: take(&mut request, &["object"]),
            old: take(&mut request, &["oldObject", "old_object"]),
        };
        Some((call, document))
    }
}

/// What an unreadable document is about. Everything but the kind is skipped, and serde skips without recursion, so that
/// this also reads what is nested too deeply to be read as a whole.
fn subject_of(document: &[u8]) -> Option<Subject> {
    #[derive(Deserialize)]
    struct Document {
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
    let Document { request: Request { kind: Kind { group, kind } } } = serde_json::from_slice(document).ok()?;
    Some(Subject::of(&group, &kind))
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
