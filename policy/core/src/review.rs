//! Reviews an `AutoscalerOverride` at admission: all errors and warnings at once, and the stamp that says who asked.

use hpa_override_crd::{Instant, Mode, REQUESTED_BY_ANNOTATION};
use serde::Serialize;
use serde_json::Value;

use crate::{
    audit::Audit,
    limits::{Precision, judged_at_start, namespace_rules, not_authorized},
    object::{annotation, set_annotation},
    report::{Code, Finding, Report},
    request::{MayPatch, Request},
    requester::{Question, Requester},
    schedule::CivilDate,
    settings::Settings,
    spec::{Override, Recurrence},
    window::{EndSource, Window},
};

/// The answer to a write of an `AutoscalerOverride`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    /// What is wrong and worth knowing; with any error the write is refused.
    pub report: Report,
    /// The object with its stamp, where that differs from what was sent and the write is admitted.
    pub object: Option<Value>,
    /// What the audit log is told.
    #[serde(skip)]
    pub audit: Audit,
}

/// The question whose answer [`review_override`] needs; none where it needs none.
#[must_use]
pub fn question(object: &Value, old: Option<&Value>, request: &Request, settings: &Settings) -> Option<Question> {
    // Nothing that is asked depends on the instant.
    let before = old.map(|old| Override::read(old, Instant::MIN));
    let ovr = as_admitted(object, before.as_ref(), request, Instant::MIN);
    if ovr.deleting || same_spec(object, old) { None } else { Question::about(&ovr, settings) }
}

fn same_spec(object: &Value, old: Option<&Value>) -> bool {
    old.is_some_and(|old| old.get("spec") == object.get("spec"))
}

/// Reviews `object`, which replaces `old` (none on create). `may_patch` is the answer to the [`question`].
///
/// An update that leaves the spec unchanged, or of an object being deleted, is always admitted: nothing that happened
/// since may block a label, a finalizer or a GitOps sync.
#[must_use]
pub fn review_override(
    object: &Value,
    old: Option<&Value>,
    request: &Request,
    settings: &Settings,
    now: Instant,
    may_patch: MayPatch,
) -> Review {
    let before = old.map(|old| Override::read(old, now));
    let ovr = Override { may_patch, ..as_admitted(object, before.as_ref(), request, now) };
    let same_spec = same_spec(object, old);
    let judged = !same_spec && !ovr.deleting;
    let report =
        if judged { examine(&ovr, object, old.zip(before.as_ref()), settings, now) } else { Report::default() };
    let stamp = if same_spec { old.and_then(stamp_of) } else { Some(Requester::of(request).stamp()) };
    let object = report.is_clean().then(|| stamped(object, stamp)).flatten();
    let decision = match (judged, report.is_clean()) {
        (false, _) => "notJudged",
        (true, true) => "accepted",
        (true, false) => "rejected",
    };
    Review { audit: Audit::of(decision).with_codes(&report), report, object }
}

/// On create there is no creation time yet, and no deletion, whatever the object says: a server-side apply that creates
/// brings the client's own values this far, and only then are they wiped.
fn as_admitted(object: &Value, before: Option<&Override>, request: &Request, now: Instant) -> Override {
    let created = before.map_or(now, |before| before.created);
    let deleting = before.is_some_and(|before| before.deleting);
    Override { created, deleting, requester: Some(Requester::of(request)), ..Override::read(object, now) }
}

fn examine(
    ovr: &Override,
    object: &Value,
    before: Option<(&Value, &Override)>,
    settings: &Settings,
    now: Instant,
) -> Report {
    let window = Window::of(ovr, settings, None);
    let mut errors = ovr.errors_of_shape();
    if let Some((old, before)) = before {
        errors.extend(target_immutable(old, object));
        errors.extend(start_moved(before, ovr, now));
    }
    errors.extend(namespace_rules(ovr, settings));
    errors.extend(not_authorized(ovr, settings));
    errors.extend(judged_at_start(ovr, window.as_ref(), settings, Precision::Exact));
    let mut warnings: Vec<Finding> = window.iter().flat_map(|window| about_the_end(ovr, window, now)).collect();
    warnings.extend(about_the_schedule(ovr, now));
    warnings.extend(raises_max_with_min(ovr));
    errors.sort_by(|a, b| (&a.path, a.code).cmp(&(&b.path, b.code)));
    warnings.sort_by(|a, b| (&a.path, a.code).cmp(&(&b.path, b.code)));
    Report { errors, warnings }
}

/// The target is compared as written: leaving out a namespace is not the same as naming it.
fn target_immutable(old: &Value, new: &Value) -> Vec<Finding> {
    let at = |object: &Value, key: &str| object.get("spec").and_then(|spec| spec.get(key)).cloned().unwrap_or_default();
    let changed = |key: &&str| at(old, key) != at(new, key);
    let finding = |key: &str| {
        let sentence = format!("{key} is immutable; delete this override and create another for the other target");
        Finding::new(&format!("spec.{key}"), Code::TargetImmutable, sentence)
    };
    ["hpa", "namespace", "selector"].iter().filter(|key| changed(key)).map(|key| finding(key)).collect()
}

fn start_moved(before: &Override, ovr: &Override, now: Instant) -> Option<Finding> {
    let (begun, start) = (before.start()?, ovr.start()?);
    let sentence =
        || format!("it began at {begun}, and a start that has passed cannot be moved to {start}; set it back");
    (begun <= now && start != begun).then(|| Finding::new("spec.startsAt", Code::StartMoved, sentence()))
}

fn about_the_end(ovr: &Override, window: &Window, now: Instant) -> Vec<Finding> {
    let by_default = window.until.map_or_else(
        || {
            let sentence = "no end is given, so it holds until it is deleted; set expiresAt or duration";
            Finding::new("spec", Code::NeverEnds, sentence)
        },
        |until| {
            let sentence = format!("no end is given, so it ends at {until}; set expiresAt or duration to choose");
            Finding::new("spec", Code::EndsByDefault, sentence)
        },
    );
    let by_default = Some(by_default).filter(|_| window.source == EndSource::Default);
    let ended = window.until.and_then(|until| already_ended(ovr, window.source.path(), until, now));
    [by_default, ended].into_iter().flatten().collect()
}

fn about_the_schedule(ovr: &Override, now: Instant) -> Vec<Finding> {
    let Some(schedule) = &ovr.schedule else { return Vec::new() };
    let ended = ovr.expires_at.value().and_then(|end| already_ended(ovr, EndSource::ExpiresAt.path(), *end, now));
    [ended, occurrences_overlap(ovr, schedule, now)].into_iter().flatten().collect()
}

/// Judged by the civil times, of the first starts from now or from its start on.
fn occurrences_overlap(ovr: &Override, schedule: &Recurrence, now: Instant) -> Option<Finding> {
    let cron = schedule.cron.as_ref().ok()?;
    let (duration, except) = (*ovr.duration.value()?, schedule.exceptions()?);
    let sentence =
        || format!("occurrences of {duration} overlap: one begins before the one ahead has ended, and they go on");
    let overlap = cron.overlaps(CivilDate::of(ovr.start()?.max(now)), duration, &except);
    overlap.then(|| Finding::new("spec.schedule.cron", Code::OccurrencesOverlap, sentence()))
}

/// An end before the creation counts as passed, where the creation is the start.
fn already_ended(ovr: &Override, path: &str, until: Instant, now: Instant) -> Option<Finding> {
    let never = ovr.starts_at.is_absent() && until <= ovr.created;
    let sentence = || format!("its end {until} has passed, so it does nothing; on a running override that means now");
    (until <= now || never).then(|| Finding::new(path, Code::AlreadyEnded, sentence()))
}

fn raises_max_with_min(ovr: &Override) -> Option<Finding> {
    let min = ovr.min.value().filter(|_| ovr.max.is_absent())?;
    ovr.mode().filter(|mode| *mode != Mode::Cap)?;
    let sentence = format!("without maxReplicas, minReplicas {min} also raises the upper bound where that is lower");
    Some(Finding::new("spec.minReplicas", Code::RaisesMaxWithMin, sentence))
}

fn stamp_of(object: &Value) -> Option<String> {
    annotation(object, REQUESTED_BY_ANNOTATION).map(Into::into)
}

/// The object with that stamp and no other, where it has another now.
fn stamped(object: &Value, stamp: Option<String>) -> Option<Value> {
    let mut stamped = object.clone();
    set_annotation(&mut stamped, REQUESTED_BY_ANNOTATION, stamp);
    (stamped != *object).then_some(stamped)
}

#[cfg(test)]
mod tests;
