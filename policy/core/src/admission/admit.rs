//! Admits a write to an HPA: the write succeeds, the owner change in it is recorded, and the override stays effective.
//!
//! Rules in order; the first that applies decides (ARCHITECTURE.md, "A write to an HPA, through admission"). Nothing but the two bounds, our
//! annotations and field ownership is changed, and an invalid pair never results.

use hpa_override_crd::{Instant, RECORD_ANNOTATION, RELEASE_ANNOTATION};
use serde_json::Value;

use super::audit::Audit;
use crate::{
    hpa::{
        managed_fields::{disown_annotations, entries, has_our_entry},
        raw::{annotation, child, set_annotation, set_managed_fields, without_annotations},
    },
    record::{
        Record,
        owner_change::{Declared, completed_pair, desired_after_write, rebased_copy},
        record_annotation,
    },
    value::{
        bounds::{Bound, Bounds},
        request::Request,
        settings::Settings,
        text::warning_lines,
    },
};

/// How many seconds after a transition that was not made the controller counts as gone.
pub const GRACE: i64 = 60;

/// The answer to a write to an HPA. The write is always let through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Admission {
    /// The object to store instead, where it differs from what was sent.
    pub object: Option<Value>,
    /// Warnings for the client, as the response carries them.
    pub warnings: Vec<String>,
    /// The entries for the audit log.
    pub audit: Audit,
}

impl Admission {
    /// Where `object` is what was sent and there is no warning, the decision is `unchanged`.
    fn new(sent: &Value, object: Value, warning: Option<String>, audit: Audit) -> Self {
        let (object, warnings) = (Some(object).filter(|object| object != sent), warning_lines(warning));
        if object.is_none() && warnings.is_empty() { Self::unchanged() } else { Self { object, warnings, audit } }
    }

    fn unchanged() -> Self {
        Self { audit: Audit::new("unchanged"), ..Self::default() }
    }
}

/// Decides what becomes of `new`, which replaces `old` (none on create).
///
/// # Guarantees
/// The write is never refused. A bound in it that is no echo, or is declared, is recorded as what the owner wants, and the
/// effective bounds are computed anew from that: the override stays, unless the write releases the HPA or the controller is
/// gone and the override has ended. Asked again about its own result, by this or by another admission of ours, it changes
/// nothing (a release aside). It needs nothing but its arguments: no look-up, no cache.
///
/// # What it assumes
/// `old` and `new` are the whole objects of the admission request, defaults filled in. The controller's own
/// writes are those of `settings.controller_user`. `now` may differ from the controller's clock: decisions are made for the
/// record's `asOf`, unless the controller is gone ([`GRACE`]).
///
/// # What the caller does
/// Stores [`Admission::object`], where there is one, and passes the warnings on.
///
/// ```
/// use hpa_override_core::{Instant, Request, Settings, admit_hpa};
/// use serde_json::json;
///
/// let record = r#"{"v":1,"asOf":"2026-11-27T06:00:00Z","desired":{"minReplicas":2,"maxReplicas":5},
///     "effective":{"minReplicas":10,"maxReplicas":20},"ours":{"minReplicas":[10],"maxReplicas":[20]},"layers":[{"by":"shop/a",
///     "uid":"u","mode":"Set","minReplicas":10,"maxReplicas":20,"until":"2026-11-27T18:00:00Z"}]}"#;
/// let old = json!({"metadata": {"annotations": {"hpa-override.dev/record": record}},
///                  "spec": {"minReplicas": 10, "maxReplicas": 20}});
/// let new = json!({"metadata": {}, "spec": {"minReplicas": 3, "maxReplicas": 8}});
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let admission = admit_hpa(Some(&old), &new, &Request::default(), &Settings::default(), now);
/// assert_eq!(admission.object.unwrap()["spec"], json!({"minReplicas": 10, "maxReplicas": 20}));
/// assert_eq!(admission.warnings, ["hpa-override: desired 3-8 recorded; effective 10-20 until 2026-11-27T18:00:00Z by \
///                                  AutoscalerOverride shop/a"]);
/// ```
#[must_use]
pub fn admit_hpa(old: Option<&Value>, new: &Value, request: &Request, settings: &Settings, now: Instant) -> Admission {
    let found = old.and_then(record_annotation);
    match request.sub_resource.as_str() {
        "" => {}
        "status" => return protect_record(found, new),
        _ => return Admission::unchanged(),
    }
    let sent = Bounds::from_hpa(new);
    if request.user == settings.controller_user {
        return sent.map_or_else(Admission::unchanged, |_| admit_controller(old, new));
    }
    let record = found.and_then(Value::as_str).and_then(|text| Record::parse(text).ok());
    let declared = Declared::from_write(old, new);
    let completed = || completed_pair(record.as_ref()?, new, declared);
    let Some(incoming) = sent.or_else(completed) else { return Admission::unchanged() };
    let released = annotation(new, RELEASE_ANNOTATION) == Some("true");
    let Some(found) = found else { return admit_without_record(old, new, incoming, released) };
    let Some(record) = record else {
        return if released { release_unreadable(new, incoming) } else { keep_unreadable(found, new) };
    };
    let desired = desired_after_write(&record, incoming, declared);
    if released {
        release(new, &record, desired)
    } else if is_admitted_already(&record, new, now) {
        Admission::unchanged()
    } else {
        merge(&record, desired, incoming, new, now)
    }
}

/// A status write can remove annotations and bring them: the record stays as it is.
fn protect_record(found: Option<&Value>, new: &Value) -> Admission {
    Admission::new(new, with_record(new, found), None, Audit::new("recordKept"))
}

/// Rule 2. The controller's bounds are taken as sent. Field ownership that the write takes is returned within it.
fn admit_controller(old: Option<&Value>, new: &Value) -> Admission {
    let Some(old) = old.filter(|old| has_our_entry(entries(new)) && !has_our_entry(entries(old))) else {
        return Admission::unchanged();
    };
    let mut object = new.clone();
    let managed = old.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    set_managed_fields(&mut object, managed.map(without_our_annotations));
    if let Some(Ok(record)) = Record::from_hpa(new) {
        let returned = Record { owners: Vec::new(), ..record };
        set_annotation(&mut object, RECORD_ANNOTATION, Some(returned.to_text()));
    }
    Admission::new(new, object, None, Audit::new("ownershipReturned"))
}

/// managedFields in which no entry names our annotations.
fn without_our_annotations(managed: &Value) -> Value {
    let Some(mut list) = managed.as_array().cloned() else { return managed.clone() };
    disown_annotations(&mut list, &[RECORD_ANNOTATION, RELEASE_ANNOTATION]);
    list.into()
}

/// Rule 3. A record that comes with an HPA which has none is a copy, a backup, a forgery, or was taken from the live object:
/// the bounds are re-based against it. A release marker has nothing to release, and is removed.
fn admit_without_record(old: Option<&Value>, new: &Value, sent: Bounds, released: bool) -> Admission {
    let marker = released.then_some(RELEASE_ANNOTATION);
    let Some(carried) = Record::from_hpa(new) else {
        return Admission::new(new, without_annotations(new, marker.as_slice()), None, Audit::new("released"));
    };
    let mut object = without_annotations(new, &[&[RECORD_ANNOTATION], marker.as_slice()].concat());
    let audit = Audit::new("recordRemoved");
    let Ok(carried) = carried else {
        let warning = "hpa-override: bounds are as sent; the record in this write cannot be read and was removed";
        return Admission::new(new, object, Some(warning.into()), audit);
    };
    let bounds = rebased_copy(&carried, sent, old.and_then(Bounds::from_hpa));
    set_bounds(&mut object, bounds);
    let warning = format!(
        "hpa-override: bounds are {bounds}; the record in this write was removed, because no override is active on this \
         HorizontalPodAutoscaler"
    );
    Admission::new(new, object, Some(warning), audit.with("desired", bounds.to_string()))
}

/// Rule 4. The way out by hand.
fn release(new: &Value, record: &Record, desired: Bounds) -> Admission {
    let names: Vec<String> = record.layers.iter().map(|layer| layer.by.to_string()).collect();
    let next = if names.is_empty() {
        "no override is active".into()
    } else {
        format!("a running controller applies again: {}", names.join(", "))
    };
    released(new, desired, format!("hpa-override: released, {desired} restored; {next}"))
}

/// Rule 4 where the record cannot be read.
fn release_unreadable(new: &Value, sent: Bounds) -> Admission {
    let warning = format!(
        "hpa-override: released with the bounds as sent, {sent}; the record could not be read and was removed; a running \
         controller applies active overrides again"
    );
    released(new, sent, warning)
}

fn released(new: &Value, bounds: Bounds, warning: String) -> Admission {
    let mut object = without_annotations(new, &[RECORD_ANNOTATION, RELEASE_ANNOTATION]);
    set_bounds(&mut object, bounds);
    Admission::new(new, object, Some(warning), Audit::new("released").with("desired", bounds.to_string()))
}

/// A record that cannot be read is never overwritten.
fn keep_unreadable(found: &Value, new: &Value) -> Admission {
    let warning = format!(
        "hpa-override: the record cannot be read, so the override is not kept; annotate {RELEASE_ANNOTATION}=true to \
         remove it"
    );
    Admission::new(new, with_record(new, Some(found)), Some(warning), Audit::new("recordKept"))
}

/// Rule 5. Whether the write has been through rule 6 already, in another admission of ours or before a reinvocation: its
/// record is what rule 6 writes, at an instant at which it could, and its bounds are those of the record.
fn is_admitted_already(found: &Record, new: &Value, now: Instant) -> bool {
    let Some(Ok(carried)) = Record::from_hpa(new) else { return false };
    let is_dated = found.as_of <= carried.as_of && carried.as_of <= found.as_of.max(now);
    if !is_dated || Bounds::from_hpa(new) != Some(carried.effective) {
        return false;
    }
    let expected = after_write(found, carried.desired, |bound| carried.effective.get(bound), carried.as_of);
    expected.rev > found.rev && Record { ours: carried.ours.clone(), ..expected } == carried
}

/// Rule 6. The override is kept, the owner change recorded.
fn merge(found: &Record, desired: Bounds, incoming: Bounds, new: &Value, now: Instant) -> Admission {
    // Of a pair that is not valid the numbers as sent, of which one is an echo.
    let sent = |bound: Bound| bound.in_spec(new).unwrap_or(incoming.get(bound));
    let next = after_write(found, desired, sent, decision_instant(found, desired, now));
    let mut object = with_record(new, Some(&next.to_text().into()));
    set_bounds(&mut object, next.effective);
    let altered = object != *new;
    let decision = if next.is_finished() { "ended" } else { "merged" };
    let audit = Audit::new(decision).with_record(&next);
    Admission::new(new, object, altered.then(|| merge_warning(&next)), audit)
}

/// The record after a write at `t` by which the owner wants `desired`: first the ends up to `t`, then the owner change.
fn after_write(found: &Record, desired: Bounds, incoming: impl Fn(Bound) -> i32, t: Instant) -> Record {
    let mut next = found.clone();
    next.advance(t);
    next.apply_owner_change(desired, t);
    next.settled(found, t, incoming).counted(found)
}

/// Admission uses the controller's time, the record's `asOf`, so that skewed clocks cannot flap; unless the controller has
/// missed a transition, as found or with the owner change in it, by [`GRACE`].
fn decision_instant(found: &Record, desired: Bounds, now: Instant) -> Instant {
    let mut changed = found.clone();
    changed.apply_owner_change(desired, found.as_of);
    let missed = |record: &Record| record.next_transition().is_some_and(|next| now.since(next) >= GRACE);
    if missed(found) || missed(&changed) { now.saturating_add(-GRACE) } else { found.as_of }
}

/// What is recorded, until when, by which override: the names, which may be long, come last.
fn merge_warning(record: &Record) -> String {
    let Record { desired, effective, .. } = record;
    match (record.layers.first(), &record.gradual_return) {
        (Some(top), _) => {
            let by = &top.by;
            let until = top.until.map_or_else(
                || format!("AutoscalerOverride {by} is deleted"),
                |until| format!("{until} by AutoscalerOverride {by}"),
            );
            format!("hpa-override: desired {desired} recorded; effective {effective} until {until}")
        }
        (None, Some(returning)) => format!(
            "hpa-override: desired {desired} recorded; effective {effective}, returning gradually until {} after \
             AutoscalerOverride {}",
            returning.end(),
            returning.by
        ),
        (None, None) => format!("hpa-override: {desired} restored, the override has ended"),
    }
}

fn with_record(object: &Value, text: Option<&Value>) -> Value {
    let mut object = object.clone();
    set_annotation(&mut object, RECORD_ANNOTATION, text.and_then(Value::as_str).map(Into::into));
    object
}

/// Writes only the bounds that differ.
fn set_bounds(object: &mut Value, bounds: Bounds) {
    let sent = Bounds::from_hpa(object);
    let Some(spec) = child(object, "spec") else { return };
    for bound in Bound::BOTH {
        let number = bounds.get(bound);
        if sent.is_none_or(|sent| sent.get(bound) != number) {
            spec.insert(bound.field().into(), number.into());
        }
    }
}

#[cfg(test)]
mod tests;
