//! Admits a write to an HPA: it succeeds, what the owner wants is recorded, and the override holds.
//!
//! Five rules in order; the first that applies decides. Nothing but the two bounds, our annotations and ownership is
//! touched, and an invalid pair never leaves.

use hpa_override_crd::{Instant, RECORD_ANNOTATION, RELEASE_ANNOTATION};
use serde::Serialize;
use serde_json::Value;

use crate::{
    audit::Audit,
    bounds::{Bound, Bounds},
    object::{annotation, child, set_annotation, set_managed_fields},
    ownership::{disown_annotations, entries, names_us},
    rebase::{Declared, meant, rebase},
    record::{Record, text_of},
    request::Request,
    settings::Settings,
    window::in_words,
};

/// How long after a transition that nobody made the controller counts as gone, in seconds.
pub const GRACE: i64 = 60;

/// The answer to a write to an HPA. It is always let through.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Admission {
    /// The object to store instead, where it differs from what was sent.
    pub object: Option<Value>,
    /// What the client is told.
    pub warnings: Vec<String>,
    /// What the audit log is told.
    #[serde(skip)]
    pub audit: Audit,
}

impl Admission {
    /// Where `object` is what was sent, nothing but that was decided.
    fn of(sent: &Value, object: Value, warning: Option<String>, audit: Audit) -> Self {
        let (object, warnings) = (Some(object).filter(|object| object != sent), Vec::from_iter(warning));
        let silent = object.is_none() && warnings.is_empty();
        Self { object, warnings, audit: if silent { Audit::of("unchanged") } else { audit } }
    }

    fn unchanged() -> Self {
        Self { audit: Audit::of("unchanged"), ..Self::default() }
    }
}

/// Decides what becomes of `new`, which replaces `old` (none on create).
#[must_use]
pub fn admit_hpa(old: Option<&Value>, new: &Value, request: &Request, settings: &Settings, now: Instant) -> Admission {
    let remembered = old.and_then(text_of);
    match request.sub_resource.as_str() {
        "" => {}
        "status" => return protect_record(remembered, new),
        _ => return Admission::unchanged(),
    }
    // Rule 1 and its exception, see docs/adr/0004: what is left invalid is the API server's to refuse.
    let sent = Bounds::of_hpa(new);
    if request.user == settings.controller_user {
        return sent.map_or_else(Admission::unchanged, |_| by_the_controller(old, new));
    }
    let record = remembered.and_then(Value::as_str).and_then(|text| Record::parse(text).ok());
    let Some(incoming) = sent.or_else(|| meant(record.as_ref()?, new)) else { return Admission::unchanged() };
    let released = annotation(new, RELEASE_ANNOTATION) == Some("true");
    let Some(text) = remembered else { return without_memory(new, released) };
    let desired = |record: &Record| rebase(record, incoming, Declared::by_write(old, new, incoming));
    match (record, released) {
        (record, true) => release(new, record.map_or(incoming, |record| desired(&record))),
        (None, false) => leave_alone(text, new),
        (Some(record), false) => merge(&record, desired(&record), incoming, new, now),
    }
}

/// A status write can take annotations along (and bring them): the record stays as it is.
fn protect_record(remembered: Option<&Value>, new: &Value) -> Admission {
    Admission::of(new, with_record(new, remembered), None, Audit::of("recordKept"))
}

/// The controller's numbers are its own. What makes it an owner is put back within its own write.
fn by_the_controller(old: Option<&Value>, new: &Value) -> Admission {
    let Some(old) = old.filter(|old| names_us(entries(new)) && !names_us(entries(old))) else {
        return Admission::unchanged();
    };
    let mut object = new.clone();
    set_managed_fields(&mut object, old.get("metadata").and_then(|metadata| metadata.get("managedFields")).cloned());
    if let Some(Ok(record)) = Record::of_hpa(new) {
        let given_back = Record { owners: Vec::new(), ..record };
        set_annotation(&mut object, RECORD_ANNOTATION, Some(given_back.to_text()));
    }
    Admission::of(new, object, None, Audit::of("ownershipReturned"))
}

/// A record that comes with an HPA which had none is a copy, a backup or a forgery: it gets the owner's numbers. A marker
/// has nothing to release, and leaves.
fn without_memory(new: &Value, released: bool) -> Admission {
    let marker = released.then_some(RELEASE_ANNOTATION);
    let Some(record) = Record::of_hpa(new) else {
        return Admission::of(new, without(new, marker.as_slice()), None, Audit::of("released"));
    };
    let mut object = without(new, &[&[RECORD_ANNOTATION], marker.as_slice()].concat());
    let (warning, audit) = if let Ok(Record { desired, .. }) = record {
        put_bounds(&mut object, desired);
        let warning = format!(
            "hpa-override: the record came from another HorizontalPodAutoscaler and was removed; \
             the bounds are what its owner wants, {desired}"
        );
        (warning, Audit::of("recordRemoved").with("desired", desired.to_string()))
    } else {
        let warning = "hpa-override: a record that cannot be read was removed; the bounds are as sent";
        (warning.into(), Audit::of("recordRemoved"))
    };
    Admission::of(new, object, Some(warning), audit)
}

/// The object without those annotations, and nobody owning them.
fn without(object: &Value, annotations: &[&str]) -> Value {
    let mut object = object.clone();
    for key in annotations {
        set_annotation(&mut object, key, None);
    }
    let managed = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("managedFields"));
    if let Some(managed) = managed.and_then(Value::as_array_mut) {
        disown_annotations(managed, annotations);
    }
    object
}

/// The way out by hand.
fn release(new: &Value, bounds: Bounds) -> Admission {
    let mut object = without(new, &[RECORD_ANNOTATION, RELEASE_ANNOTATION]);
    put_bounds(&mut object, bounds);
    Admission::of(new, object, None, Audit::of("released").with("desired", bounds.to_string()))
}

/// What cannot be read is never overwritten.
fn leave_alone(text: &Value, new: &Value) -> Admission {
    let warning = format!(
        "hpa-override: the record on this HorizontalPodAutoscaler cannot be read, so the override is not kept; \
         annotate {RELEASE_ANNOTATION}=true to remove it"
    );
    Admission::of(new, with_record(new, Some(text)), Some(warning), Audit::of("recordKept"))
}

fn merge(record: &Record, desired: Bounds, incoming: Bounds, new: &Value, now: Instant) -> Admission {
    let mut next = record.clone();
    next.hear(desired);
    let t = instant_of([record, &next], now);
    next.advance(t);
    let next = next.settled(record, t, incoming);
    let mut object = with_record(new, Some(&next.to_text().into()));
    put_bounds(&mut object, next.effective);
    let altered = object != *new;
    let decision = if next.is_at_rest() { "ended" } else { "merged" };
    let audit = Audit::of(decision).with_record(&next);
    Admission::of(new, object, altered.then(|| told(&next)), audit)
}

/// Admission lives in the controller's time, so that skewed clocks cannot flap, until the controller has missed a
/// transition, as found or with the owner's word in it, by [`GRACE`].
fn instant_of([found, heard]: [&Record; 2], now: Instant) -> Instant {
    let missed = |record: &Record| record.next_transition().is_some_and(|next| now.since(next) >= GRACE);
    if missed(found) || missed(heard) { now.saturating_add(-GRACE) } else { found.as_of }
}

fn told(record: &Record) -> String {
    let Record { desired, effective, .. } = record;
    match (record.layers.first(), &record.landing) {
        (Some(top), _) => {
            let until = in_words(top.until);
            format!(
                "hpa-override: {desired} is recorded as what the owner wants; {effective} stands until {until} \
                 by AutoscalerOverride {}",
                top.by
            )
        }
        (None, Some(landing)) => format!(
            "hpa-override: {desired} is recorded as what the owner wants; the bounds come down from {effective} until {} \
             after AutoscalerOverride {}",
            landing.ends(),
            landing.by
        ),
        (None, None) => {
            format!("hpa-override: the override has ended; the bounds are what the owner wants, {desired}")
        }
    }
}

fn with_record(object: &Value, text: Option<&Value>) -> Value {
    let mut object = object.clone();
    match text {
        Some(Value::String(text)) => set_annotation(&mut object, RECORD_ANNOTATION, Some(text.clone())),
        _ => set_annotation(&mut object, RECORD_ANNOTATION, None),
    }
    object
}

/// Writes only the bounds that differ.
fn put_bounds(object: &mut Value, bounds: Bounds) {
    let stands = Bounds::of_hpa(object);
    let Some(spec) = child(object, "spec") else { return };
    for bound in Bound::BOTH {
        let number = bounds.get(bound);
        if stands.is_none_or(|stands| stands.get(bound) != number) {
            spec.insert(bound.field().into(), number.into());
        }
    }
}

#[cfg(test)]
mod tests;
