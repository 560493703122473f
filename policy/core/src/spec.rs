//! Reads an `AutoscalerOverride` as it comes: before the API server has checked its schema (mutating admission) or as a
//! raw client stored it. Nothing is lost on bad input: every field is read by itself, and what cannot be read is told.

use hpa_override_crd::{Duration, Instant, REQUESTED_BY_ANNOTATION};
use serde_json::Value;

use crate::{
    amount::Amount,
    bounds::Bound,
    id::Id,
    report::{Code, Finding},
};

/// The value of one field, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field<T> {
    /// Not given (or null).
    Absent,
    /// Given, but not readable; what was given, for the message.
    Unreadable(String),
    /// Given and read.
    Is(T),
}

impl<T> Field<T> {
    /// The value, where it was read.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the field is not given.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// An `AutoscalerOverride`, field by field.
#[derive(Clone, Debug)]
pub struct Override {
    /// Namespace and name.
    pub id: Id,
    /// `metadata.uid`; empty before the API server has given one.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: Option<i64>,
    /// `metadata.creationTimestamp`; before creation the instant of the decision.
    pub created: Instant,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// `spec.namespace`.
    pub namespace: Field<String>,
    /// `spec.hpa`.
    pub hpa: Field<String>,
    /// `spec.minReplicas`.
    pub min: Field<Amount>,
    /// `spec.maxReplicas`.
    pub max: Field<Amount>,
    /// `spec.priority`; 0 where it is not given.
    pub priority: i64,
    /// `spec.startsAt`.
    pub starts_at: Field<Instant>,
    /// `spec.expiresAt`.
    pub expires_at: Field<Instant>,
    /// `spec.duration`.
    pub duration: Field<Duration>,
    /// Whether `spec.reason` says anything.
    pub has_reason: bool,
    /// The stamp: who asked for it.
    pub requested_by: Option<String>,
}

impl Override {
    /// Reads the object. `now` stands for the creation time where there is none yet.
    #[must_use]
    pub fn read(object: &Value, now: Instant) -> Self {
        let none = Value::Null;
        let metadata = object.get("metadata").unwrap_or(&none);
        let spec = object.get("spec").unwrap_or(&none);
        Self {
            id: Id { namespace: text(metadata, "namespace"), name: text(metadata, "name") },
            uid: text(metadata, "uid"),
            generation: metadata.get("generation").and_then(Value::as_i64),
            created: text(metadata, "creationTimestamp").parse().unwrap_or(now),
            deleting: metadata.get("deletionTimestamp").is_some_and(|at| !at.is_null()),
            namespace: field(spec, "namespace", |value| value.as_str().filter(|name| is_label(name)).map(Into::into)),
            hpa: field(spec, "hpa", |value| value.as_str().filter(|name| is_subdomain(name)).map(Into::into)),
            min: field(spec, Bound::Min.field(), Amount::read),
            max: field(spec, Bound::Max.field(), Amount::read),
            priority: spec.get("priority").and_then(Value::as_i64).unwrap_or(0),
            starts_at: field(spec, "startsAt", |value| value.as_str()?.parse().ok()),
            expires_at: field(spec, "expiresAt", |value| value.as_str()?.parse().ok()),
            duration: field(spec, "duration", |value| value.as_str()?.parse().ok()),
            has_reason: !text(spec, "reason").trim().is_empty(),
            requested_by: requester(metadata),
        }
    }

    /// The namespace of the target; unknown where `spec.namespace` cannot be read.
    #[must_use]
    pub fn target_namespace(&self) -> Option<&str> {
        match &self.namespace {
            Field::Absent => Some(&self.id.namespace),
            other => other.value().map(String::as_str),
        }
    }

    /// Whether the HPA of that namespace and name is the target.
    #[must_use]
    pub fn targets(&self, namespace: &str, name: &str) -> bool {
        self.target_namespace() == Some(namespace) && self.hpa.value().is_some_and(|hpa| hpa == name)
    }

    /// When it comes into force: `startsAt`, or its creation. Unknown where `startsAt` cannot be read.
    #[must_use]
    pub fn start(&self) -> Option<Instant> {
        match &self.starts_at {
            Field::Absent => Some(self.created),
            other => other.value().copied(),
        }
    }

    /// What the spec alone shows to be wrong. An override with any of these is `Invalid`.
    #[must_use]
    pub fn errors_of_shape(&self) -> Vec<Finding> {
        let mut errors = Vec::new();
        self.check_target(&mut errors);
        self.check_bounds(&mut errors);
        self.check_times(&mut errors);
        errors
    }

    fn check_target(&self, errors: &mut Vec<Finding>) {
        if self.hpa.is_absent() {
            errors.push(Finding::new(
                "spec",
                Code::TargetMissing,
                "no target: set hpa to the name of a HorizontalPodAutoscaler",
            ));
        }
        unreadable("spec.hpa", Code::NameInvalid, &self.hpa, errors, |given| {
            format!("{given} is not the name of a HorizontalPodAutoscaler; use lower-case letters, digits, `-` and `.`")
        });
        unreadable("spec.namespace", Code::NameInvalid, &self.namespace, errors, |given| {
            format!("{given} is not the name of a namespace; use at most 63 lower-case letters, digits and `-`")
        });
    }

    fn check_bounds(&self, errors: &mut Vec<Finding>) {
        if self.min.is_absent() && self.max.is_absent() {
            errors.push(Finding::new("spec", Code::NoBounds, "no bounds: set minReplicas, maxReplicas or both"));
        }
        let advice = |given: &str| format!("{given} is not an amount; write a whole number from 1 to 2147483647");
        unreadable("spec.minReplicas", Code::AmountInvalid, &self.min, errors, advice);
        if let (Some(min), Some(max)) = (self.min.value(), self.max.value())
            && min > max
        {
            let (min, max) = (min.replicas(), max.replicas());
            errors.push(Finding::new(
                "spec.minReplicas",
                Code::MinAboveMax,
                format!("minReplicas {min} is above maxReplicas {max}; lower it or raise maxReplicas"),
            ));
        }
        unreadable("spec.maxReplicas", Code::AmountInvalid, &self.max, errors, advice);
    }

    fn check_times(&self, errors: &mut Vec<Finding>) {
        let instant = |given: &str| format!("{given} is not an instant; {}", hpa_override_crd::InstantError);
        unreadable("spec.startsAt", Code::InstantInvalid, &self.starts_at, errors, instant);
        unreadable("spec.expiresAt", Code::InstantInvalid, &self.expires_at, errors, instant);
        if let (Some(start), Some(end)) = (self.starts_at.value(), self.expires_at.value())
            && end <= start
        {
            errors.push(Finding::new(
                "spec.expiresAt",
                Code::EndBeforeStart,
                format!("the end {end} is not after the start {start}; move expiresAt behind startsAt"),
            ));
        }
        unreadable("spec.duration", Code::DurationInvalid, &self.duration, errors, |given| {
            format!("{given} is not a duration; {}", hpa_override_crd::DurationError)
        });
        if !self.expires_at.is_absent() && !self.duration.is_absent() {
            errors.push(Finding::new("spec", Code::TwoEnds, "two ends: keep either expiresAt or duration"));
        }
    }
}

fn unreadable<T>(
    path: &str,
    code: Code,
    field: &Field<T>,
    errors: &mut Vec<Finding>,
    sentence: impl Fn(&str) -> String,
) {
    if let Field::Unreadable(given) = field {
        errors.push(Finding::new(path, code, sentence(given)));
    }
}

fn field<T>(spec: &Value, key: &str, read: impl Fn(&Value) -> Option<T>) -> Field<T> {
    match spec.get(key) {
        None | Some(Value::Null) => Field::Absent,
        Some(value) => read(value).map_or_else(|| Field::Unreadable(quoted(value)), Field::Is),
    }
}

/// What was given, in backticks; long input is cut.
fn quoted(value: &Value) -> String {
    const LONGEST: usize = 80;
    let given = value.as_str().map_or_else(|| value.to_string(), Into::into);
    match given.char_indices().nth(LONGEST) {
        None => format!("`{given}`"),
        Some((end, _)) => format!("`{}…`", given.get(..end).unwrap_or_default()),
    }
}

fn text(holder: &Value, key: &str) -> String {
    holder.get(key).and_then(Value::as_str).unwrap_or_default().into()
}

/// The user of the stamp.
fn requester(metadata: &Value) -> Option<String> {
    let stamp = metadata.get("annotations")?.get(REQUESTED_BY_ANNOTATION)?.as_str()?;
    let stamp: Value = serde_json::from_str(stamp).ok()?;
    stamp.get("user")?.as_str().map(Into::into)
}

/// An RFC 1123 label, as namespaces are named.
fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_plain(name)
}

/// An RFC 1123 subdomain, as HPAs are named: at most 253 bytes, parts of any length joined by dots.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_plain)
}

/// Lower-case letters, digits and inner hyphens, at least one.
fn is_plain(part: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
}
