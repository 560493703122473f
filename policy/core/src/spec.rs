//! Reads an `AutoscalerOverride` as it comes: before the API server has checked its schema (mutating admission) or as a
//! raw client stored it. Nothing is lost on bad input: every field is read by itself, and what cannot be read is told.

mod recurrence;

use hpa_override_crd::{Amount, Duration, Instant, Mode};
use serde_json::Value;

use crate::{
    bounds::Bound,
    fields::{amount, mode, parsed},
    id::Id,
    object::name_of,
    report::{Code, Finding, cut},
    request::MayPatch,
    requester::Requester,
    selector::Selector,
};

pub use self::recurrence::Recurrence;

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
    /// `spec.selector`.
    pub selector: Field<Selector>,
    /// `spec.minReplicas`.
    pub min: Field<Amount>,
    /// `spec.maxReplicas`.
    pub max: Field<Amount>,
    /// `spec.mode`.
    pub mode: Field<Mode>,
    /// `spec.priority`; 0 where it is not given.
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
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.ttlAfterFinished`.
    pub ttl: Field<Duration>,
    /// Whether `spec.reason` says anything.
    pub has_reason: bool,
    /// Who asks for it: by the stamp on it, at admission by the request.
    pub requester: Option<Requester>,
    /// Whether who asked for it may patch the target, where the settings want that known. The host sets it; as read it is
    /// not asked.
    pub may_patch: MayPatch,
}

/// The longest `returnOver`.
const LONGEST_RETURN: Duration = Duration::DAY;

impl Override {
    /// Reads the object. `now` stands for the creation time where there is none yet.
    #[must_use]
    pub fn read(object: &Value, now: Instant) -> Self {
        let none = Value::Null;
        let metadata = object.get("metadata").unwrap_or(&none);
        let spec = object.get("spec").unwrap_or(&none);
        Self {
            id: Id { namespace: name(metadata, "namespace"), name: name(metadata, "name") },
            uid: name(metadata, "uid"),
            generation: metadata.get("generation").and_then(Value::as_i64),
            created: text(metadata, "creationTimestamp").parse().unwrap_or(now),
            deleting: metadata.get("deletionTimestamp").is_some_and(|at| !at.is_null()),
            namespace: field(spec, "namespace", |value| value.as_str().filter(|name| is_label(name)).map(Into::into)),
            hpa: field(spec, "hpa", |value| value.as_str().filter(|name| is_subdomain(name)).map(Into::into)),
            selector: match spec.get("selector") {
                None | Some(Value::Null) => Field::Absent,
                Some(value) => Selector::read(value).map_or_else(Field::Unreadable, Field::Is),
            },
            min: field(spec, Bound::Min.field(), amount),
            max: field(spec, Bound::Max.field(), amount),
            mode: field(spec, "mode", mode),
            priority: spec.get("priority").and_then(Value::as_i64).unwrap_or(0),
            starts_at: field(spec, "startsAt", parsed),
            expires_at: field(spec, "expiresAt", parsed),
            duration: field(spec, "duration", parsed),
            schedule: Recurrence::of(spec),
            return_over: field(spec, "returnOver", parsed),
            suspended: spec.get("suspend").and_then(Value::as_bool).unwrap_or_default(),
            ttl: field(spec, "ttlAfterFinished", parsed),
            has_reason: !text(spec, "reason").trim().is_empty(),
            requester: Requester::stamped(object),
            may_patch: MayPatch::NotAsked,
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

    /// Whether an HPA is a target.
    #[must_use]
    pub fn targets(&self, hpa: &Value) -> bool {
        let (namespace, name) = name_of(hpa);
        let meant = match (&self.hpa, &self.selector) {
            (Field::Is(named), Field::Absent) => named == name,
            (Field::Absent, Field::Is(selector)) => selector.matches(hpa),
            _ => false,
        };
        meant && self.target_namespace() == Some(namespace)
    }

    /// Whether what becomes of the HPA of that namespace and name may matter to it: labels come and go.
    #[must_use]
    pub fn concerns(&self, namespace: &str, name: &str) -> bool {
        let named = self.hpa.value().is_some_and(|hpa| hpa == name);
        (named || !self.selector.is_absent()) && self.target_namespace() == Some(namespace)
    }

    /// What it gives for a bound.
    #[must_use]
    pub fn amount(&self, bound: Bound) -> &Field<Amount> {
        match bound {
            Bound::Min => &self.min,
            Bound::Max => &self.max,
        }
    }

    /// How its amounts act; unknown where `spec.mode` cannot be read.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        match &self.mode {
            Field::Absent => Some(Mode::Set),
            other => other.value().copied(),
        }
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
        match (self.hpa.is_absent(), self.selector.is_absent()) {
            (true, true) => {
                let sentence =
                    "no target: set hpa to the name of a HorizontalPodAutoscaler, or selector to labels of some";
                errors.push(Finding::new("spec", Code::TargetMissing, sentence));
            }
            (false, false) => {
                errors.push(Finding::new("spec", Code::TwoTargets, "two targets: keep either hpa or selector"));
            }
            _ => {}
        }
        match &self.selector {
            Field::Unreadable(why) => {
                errors.push(Finding::new(
                    "spec.selector",
                    Code::SelectorInvalid,
                    format!("the selector is wrong: {why}"),
                ));
            }
            Field::Is(selector) if selector.is_empty() => {
                let sentence = "the selector is empty, and would mean every HorizontalPodAutoscaler; name labels";
                errors.push(Finding::new("spec.selector", Code::SelectorEmpty, sentence));
            }
            _ => {}
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
        let advice = |given: &str| format!("{given} is not an amount; {}", hpa_override_crd::AmountError);
        unreadable("spec.minReplicas", Code::AmountInvalid, &self.min, errors, advice);
        if let (Some(Amount::Literal(min)), Some(Amount::Literal(max))) = (self.min.value(), self.max.value())
            && min > max
        {
            errors.push(Finding::new(
                "spec.minReplicas",
                Code::MinAboveMax,
                format!("minReplicas {min} is above maxReplicas {max}; lower it or raise maxReplicas"),
            ));
        }
        unreadable("spec.maxReplicas", Code::AmountInvalid, &self.max, errors, advice);
        unreadable("spec.mode", Code::ModeUnknown, &self.mode, errors, |given| {
            format!("{given} is not a mode; use Set, Raise or Cap")
        });
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
        let duration = |given: &str| format!("{given} is not a duration; {}", hpa_override_crd::DurationError);
        unreadable("spec.duration", Code::DurationInvalid, &self.duration, errors, duration);
        unreadable("spec.returnOver", Code::DurationInvalid, &self.return_over, errors, duration);
        unreadable("spec.ttlAfterFinished", Code::DurationInvalid, &self.ttl, errors, duration);
        if let Some(over) = self.return_over.value().filter(|over| **over > LONGEST_RETURN) {
            let sentence = format!("{over} is longer than 24h, the longest gradual return; shorten it");
            errors.push(Finding::new("spec.returnOver", Code::ReturnTooLong, sentence));
        }
        match &self.schedule {
            Some(schedule) => {
                schedule.check(errors);
                if self.duration.is_absent() {
                    let sentence = "with a schedule a duration is required; set it to the length of each occurrence";
                    errors.push(Finding::new("spec.duration", Code::DurationRequired, sentence));
                }
            }
            None if !self.expires_at.is_absent() && !self.duration.is_absent() => {
                errors.push(Finding::new("spec", Code::TwoEnds, "two ends: keep either expiresAt or duration"));
            }
            None => {}
        }
        if self.ttl.value().is_some() && !self.ends_absolutely() {
            let sentence = "deletion needs an end that does not depend on when the object was created, or whoever creates it \
                            again brings it back to life; set expiresAt, or startsAt and duration";
            errors.push(Finding::new("spec.ttlAfterFinished", Code::TtlNeedsAbsoluteEnd, sentence));
        }
    }

    /// Whether the end, as far as it can be read, does not depend on when the object was created.
    fn ends_absolutely(&self) -> bool {
        let by_length = self.schedule.is_none() && !self.duration.is_absent() && !self.starts_at.is_absent();
        !self.expires_at.is_absent() || by_length
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
    let given = value.as_str().map_or_else(|| value.to_string(), Into::into);
    format!("`{}`", cut(&given))
}

fn text(holder: &Value, key: &str) -> String {
    holder.get(key).and_then(Value::as_str).unwrap_or_default().into()
}

/// The longest name that Kubernetes gives anything, in bytes.
const LONGEST_NAME: usize = 253;

/// A name or a uid. One that is longer than any is cut: it is told, and recorded, over and over.
fn name(metadata: &Value, key: &str) -> String {
    let given = text(metadata, key);
    if given.len() > LONGEST_NAME { cut(&given) } else { given }
}

/// An RFC 1123 label, as namespaces are named.
pub(crate) fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_plain(name)
}

/// An RFC 1123 subdomain, as HPAs are named: at most 253 bytes, parts of any length joined by dots.
pub(crate) fn is_subdomain(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.split('.').all(is_plain)
}

/// Lower-case letters, digits and inner hyphens, at least one.
fn is_plain(part: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
}
