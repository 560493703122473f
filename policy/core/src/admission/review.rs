//! Reviews an `AutoscalerOverride` at admission: all errors and warnings at once, and the annotation that names the
//! requester.

use hpa_override_crd::{Instant, REQUESTED_BY_ANNOTATION, sentences};
use serde_json::Value;

use super::audit::Audit;
use crate::{
    hpa::raw::{annotation, set_annotation},
    override_spec::ParsedOverride,
    rules::{
        authorization::{Question, check_authorization},
        limits::{Precision, check_limits},
        namespaces::check_namespaces,
        shape::shape_errors,
        warnings::warnings,
        window::Window,
    },
    value::{
        finding::{Code, Finding, Report},
        request::{MayPatch, Request},
        requester::Requester,
        settings::Settings,
    },
};

/// The answer to a write of an `AutoscalerOverride`.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// What is wrong and worth knowing; with any error the write is refused.
    pub report: Report,
    /// The object with the annotation that names its requester, where that differs from what was sent and the write is
    /// admitted.
    pub object: Option<Value>,
    /// The entries for the audit log.
    pub audit: Audit,
}

/// The question to the cluster whose answer [`review_override`] needs; none where it needs none.
#[must_use]
pub fn access_question(
    object: &Value,
    old: Option<&Value>,
    request: &Request,
    settings: &Settings,
) -> Option<Question> {
    // Nothing in the question depends on the instant.
    let before = old.map(|old| ParsedOverride::parse(old, Instant::MIN));
    let ovr = as_admitted(object, before.as_ref(), request, Instant::MIN);
    if ovr.deleting || has_same_spec(object, old) { None } else { Question::about(&ovr, settings) }
}

fn has_same_spec(object: &Value, old: Option<&Value>) -> bool {
    old.is_some_and(|old| old.get("spec") == object.get("spec"))
}

/// Reviews `object`, which replaces `old` (none on create). `may_patch` is the answer to the [`access_question`].
///
/// # Guarantees
/// All errors and warnings are reported at once, sorted by path and code. An update that leaves the spec unchanged, or of an
/// object being deleted, is always admitted, so that no label, finalizer or GitOps sync is blocked by a rule that came
/// later. The requester is written to the object on create and on every change of the spec, and kept otherwise: clients
/// cannot forge it.
///
/// # What it assumes
/// The object comes before schema validation: any field may have any type. On create the creation time is `now`, whatever
/// the object says.
///
/// # What the caller does
/// Asks the [`access_question`] of the same arguments first, where there is one. Refuses the write where the report has errors, otherwise stores [`Review::object`], where there is one. Passes the
/// warnings on ([`Report::warning_lines`]).
///
/// ```
/// use hpa_override_core::{Instant, MayPatch, Request, Settings, review_override};
/// use serde_json::json;
///
/// let object = json!({"metadata": {"namespace": "shop", "name": "a"},
///                     "spec": {"hpa": "web", "minReplicas": 60, "maxReplicas": 40, "duration": "2h"}});
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let review = review_override(&object, None, &Request::default(), &Settings::default(), now, MayPatch::NotAsked);
/// assert_eq!(review.report.errors[0].to_string(), "spec.minReplicas: minReplicas 60 is above maxReplicas 40; lower it or \
///                                                  raise maxReplicas");
/// ```
#[must_use]
pub fn review_override(
    object: &Value,
    old: Option<&Value>,
    request: &Request,
    settings: &Settings,
    now: Instant,
    may_patch: MayPatch,
) -> Review {
    let before = old.map(|old| ParsedOverride::parse(old, now));
    let ovr = as_admitted(object, before.as_ref(), request, now);
    let same_spec = has_same_spec(object, old);
    let checked = !same_spec && !ovr.deleting;
    let report = if checked {
        let mut report = check(&ovr, settings, may_patch, now);
        if let Some((old, before)) = old.zip(before.as_ref()) {
            report.errors.extend(target_changes(old, object));
            report.errors.extend(start_moved(before, &ovr, now));
        }
        report.sorted()
    } else {
        Report::default()
    };
    let stamp = if same_spec { old.and_then(stamp_of) } else { Some(Requester::from_request(request).to_annotation()) };
    let object = if report.is_clean() { stamped(object, stamp) } else { None };
    let decision = match (checked, report.is_clean()) {
        (false, _) => "notChecked",
        (true, true) => "accepted",
        (true, false) => "rejected",
    };
    Review { audit: Audit::new(decision).with_codes(&report), report, object }
}

/// On create there is no creation time yet, and no deletion, whatever the object says: a server-side apply that creates
/// brings the client's own values, and they are removed only later.
fn as_admitted(object: &Value, before: Option<&ParsedOverride>, request: &Request, now: Instant) -> ParsedOverride {
    let created = before.map_or(now, |before| before.created);
    let deleting = before.is_some_and(|before| before.deleting);
    let requester = Some(Requester::from_request(request));
    ParsedOverride { created, deleting, requester, ..ParsedOverride::parse(object, now) }
}

/// Everything that holds of the object alone.
fn check(ovr: &ParsedOverride, settings: &Settings, may_patch: MayPatch, now: Instant) -> Report {
    let window = Window::from_spec(ovr, settings, None);
    let mut errors = shape_errors(ovr);
    errors.extend(check_namespaces(ovr, settings));
    errors.extend(check_authorization(ovr, settings, may_patch));
    errors.extend(check_limits(ovr, window.as_ref(), settings, Precision::Exact));
    Report { errors, warnings: warnings(ovr, window.as_ref(), now) }
}

/// The target is compared as written: leaving out a namespace is not the same as naming it.
fn target_changes(old: &Value, new: &Value) -> Vec<Finding> {
    let at = |object: &Value, key: &str| object.get("spec").and_then(|spec| spec.get(key)).cloned().unwrap_or_default();
    let changed = |key: &&str| at(old, key) != at(new, key);
    let finding = |key: &str| Finding::new(&format!("spec.{key}"), Code::TargetImmutable, sentences::immutable(key));
    ["hpa", "namespace", "selector"].iter().filter(|key| changed(key)).map(|key| finding(key)).collect()
}

fn start_moved(before: &ParsedOverride, ovr: &ParsedOverride, now: Instant) -> Option<Finding> {
    let (begun, start) = (before.start()?, ovr.start()?);
    (begun <= now && start != begun).then(|| {
        let sentence =
            format!("it began at {begun}, and a start that has passed cannot be moved to {start}; set it back");
        Finding::new("spec.startsAt", Code::StartMoved, sentence)
    })
}

fn stamp_of(object: &Value) -> Option<String> {
    annotation(object, REQUESTED_BY_ANNOTATION).map(Into::into)
}

/// The object with that requester and no other, where it has another now.
fn stamped(object: &Value, stamp: Option<String>) -> Option<Value> {
    let mut stamped = object.clone();
    set_annotation(&mut stamped, REQUESTED_BY_ANNOTATION, stamp);
    (stamped != *object).then_some(stamped)
}

#[cfg(test)]
mod tests;
