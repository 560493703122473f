//! Parses an `AutoscalerOverride` as it comes: before the API server has checked its schema (mutating admission), or as a
//! raw client stored it. Nothing is lost on bad input: every field is read by itself, and what cannot be read is reported.
//!
//! Parsing and accessors only: what is wrong with an override is for `rules`.

mod misfit;
mod recurrence;

use hpa_override_crd::{Amount, Duration, Instant, Mode};
use serde_json::Value;

use crate::value::{
    bounds::Bound,
    field::Field,
    id::Id,
    json_fields::{amount, int32, mode, parsed},
    names::{LONGEST_NAME, is_label, is_subdomain},
    requester::Requester,
    selector::Selector,
    text::cut,
};

pub use self::{misfit::Misfit, recurrence::Recurrence};

/// An `AutoscalerOverride`, field by field.
///
/// ```
/// use hpa_override_core::{Bound, Instant, ParsedOverride};
/// use serde_json::json;
///
/// let object = json!({"metadata": {"namespace": "shop", "name": "a"}, "spec": {"hpa": "web", "minReplicas": "forty"}});
/// let ovr = ParsedOverride::parse(&object, Instant::MIN);
/// assert_eq!(ovr.hpa.value().map(String::as_str), Some("web"));
/// assert_eq!(ovr.amount(Bound::Min).value(), None, "unreadable, which the rules report");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedOverride {
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
    /// `spec.selector`; where it cannot be read, what is wrong with it.
    pub selector: Field<Selector>,
    /// `spec.minReplicas`.
    pub min: Field<Amount>,
    /// `spec.maxReplicas`.
    pub max: Field<Amount>,
    /// `spec.mode`.
    pub mode: Field<Mode>,
    /// `spec.priority`; 0 where it is not given or no whole number of 32 bits.
    pub priority: i64,
    /// `spec.startsAt`.
    pub starts_at: Field<Instant>,
    /// `spec.expiresAt`.
    pub expires_at: Field<Instant>,
    /// `spec.duration`.
    pub duration: Field<Duration>,
    /// `spec.schedule`.
    pub schedule: Option<Recurrence>,
    /// `spec.returnOver`.
    pub return_over: Field<Duration>,
    /// `spec.suspend`; false where it is not given or no boolean.
    pub suspended: bool,
    /// `spec.ttlAfterFinished`.
    pub ttl: Field<Duration>,
    /// Whether `spec.reason` is given and not a text of blanks.
    pub has_reason: bool,
    /// Fields of another type or size than they have, where no other field says so.
    pub misfits: Vec<Misfit>,
    /// The requester: by the annotation on the object, at admission by the request.
    pub requester: Option<Requester>,
}

impl ParsedOverride {
    /// Parses the object. `now` stands for the creation time where there is none yet.
    #[must_use]
    pub fn parse(object: &Value, now: Instant) -> Self {
        let none = Value::Null;
        let metadata = object.get("metadata").unwrap_or(&none);
        let spec = object.get("spec").unwrap_or(&none);
        Self {
            id: Id { namespace: name(metadata, "namespace"), name: name(metadata, "name") },
            uid: name(metadata, "uid"),
            generation: metadata.get("generation").and_then(Value::as_i64),
            created: text(metadata, "creationTimestamp").parse().unwrap_or(now),
            deleting: metadata.get("deletionTimestamp").is_some_and(|at| !at.is_null()),
            namespace: Field::parse(spec, "namespace", |value| name_in(value, is_label)),
            hpa: Field::parse(spec, "hpa", |value| name_in(value, is_subdomain)),
            selector: match spec.get("selector") {
                None | Some(Value::Null) => Field::Absent,
                Some(value) => Selector::parse(value).map_or_else(Field::Unreadable, Field::Is),
            },
            min: Field::parse(spec, Bound::Min.field(), amount),
            max: Field::parse(spec, Bound::Max.field(), amount),
            mode: Field::parse(spec, "mode", mode),
            priority: spec.get("priority").and_then(int32).unwrap_or(0),
            starts_at: Field::parse(spec, "startsAt", parsed),
            expires_at: Field::parse(spec, "expiresAt", parsed),
            duration: Field::parse(spec, "duration", parsed),
            schedule: Recurrence::parse(spec),
            return_over: Field::parse(spec, "returnOver", parsed),
            suspended: spec.get("suspend").and_then(Value::as_bool).unwrap_or_default(),
            ttl: Field::parse(spec, "ttlAfterFinished", parsed),
            has_reason: match spec.get("reason").unwrap_or(&none) {
                Value::Null => false,
                Value::String(reason) => !reason.trim().is_empty(),
                _ => true,
            },
            misfits: misfit::find(spec),
            requester: Requester::from_annotation(object),
        }
    }

    /// Whether the field at that path is of another type or size than it may be.
    #[must_use]
    pub fn is_misfit(&self, path: &str) -> bool {
        self.misfits.iter().any(|misfit| misfit.path == path)
    }

    /// The namespace of the target; none where `spec.namespace` cannot be read.
    #[must_use]
    pub fn target_namespace(&self) -> Option<&str> {
        self.namespace.value_or(&self.id.namespace).map(String::as_str)
    }

    /// The amount that it gives for a bound.
    #[must_use]
    pub fn amount(&self, bound: Bound) -> &Field<Amount> {
        match bound {
            Bound::Min => &self.min,
            Bound::Max => &self.max,
        }
    }

    /// The amounts that it gives, for min and max, as far as they can be read.
    #[must_use]
    pub fn amounts(&self) -> [Option<Amount>; 2] {
        [self.min.value().copied(), self.max.value().copied()]
    }

    /// How its amounts apply; none where `spec.mode` cannot be read.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.mode.value_or(&Mode::Set).copied()
    }

    /// When it starts: `startsAt`, or its creation; none where `startsAt` cannot be read.
    #[must_use]
    pub fn start(&self) -> Option<Instant> {
        self.starts_at.value_or(&self.created).copied()
    }
}

fn text(holder: &Value, key: &str) -> String {
    holder.get(key).and_then(Value::as_str).unwrap_or_default().into()
}

/// A name or a uid. One that is longer than any valid one is cut, so that messages and records stay small.
fn name(metadata: &Value, key: &str) -> String {
    let given = text(metadata, key);
    if given.len() > LONGEST_NAME { cut(&given) } else { given }
}

fn name_in(value: &Value, is_valid: fn(&str) -> bool) -> Option<String> {
    value.as_str().filter(|name| is_valid(name)).map(Into::into)
}
