//! Errors of shape: what the spec alone shows to be wrong. An override with any of them is `Invalid`.

use hpa_override_crd::{Amount, AmountError, Duration, DurationError, InstantError};

use crate::{
    override_spec::{ParsedOverride, Recurrence},
    value::{
        cron::CivilDateError,
        field::Field,
        finding::{Code, Finding},
    },
};

/// The longest `returnOver`.
const LONGEST_RETURN: Duration = Duration::DAY;

/// Every error of shape.
#[must_use]
pub fn shape_errors(ovr: &ParsedOverride) -> Vec<Finding> {
    let mut errors = Vec::new();
    check_target(ovr, &mut errors);
    check_bounds(ovr, &mut errors);
    check_times(ovr, &mut errors);
    errors
}

fn check_target(ovr: &ParsedOverride, errors: &mut Vec<Finding>) {
    match (ovr.hpa.is_absent(), ovr.selector.is_absent()) {
        (true, true) => {
            let sentence = "no target: set hpa to the name of a HorizontalPodAutoscaler, or selector to labels of some";
            errors.push(Finding::new("spec", Code::TargetMissing, sentence));
        }
        (false, false) => {
            errors.push(Finding::new("spec", Code::TwoTargets, "two targets: keep either hpa or selector"));
        }
        _ => {}
    }
    match &ovr.selector {
        Field::Unreadable(why) => {
            let sentence = format!("the selector is wrong: {why}");
            errors.push(Finding::new("spec.selector", Code::SelectorInvalid, sentence));
        }
        Field::Is(selector) if selector.is_empty() => {
            let sentence = "the selector is empty, and would mean every HorizontalPodAutoscaler; name labels";
            errors.push(Finding::new("spec.selector", Code::SelectorEmpty, sentence));
        }
        _ => {}
    }
    check_readable("spec.hpa", Code::NameInvalid, &ovr.hpa, errors, |given| {
        format!("{given} is not the name of a HorizontalPodAutoscaler; use lower-case letters, digits, `-` and `.`")
    });
    check_readable("spec.namespace", Code::NameInvalid, &ovr.namespace, errors, |given| {
        format!("{given} is not the name of a namespace; use at most 63 lower-case letters, digits and `-`")
    });
}

fn check_bounds(ovr: &ParsedOverride, errors: &mut Vec<Finding>) {
    if ovr.min.is_absent() && ovr.max.is_absent() {
        errors.push(Finding::new("spec", Code::NoBounds, "no bounds: set minReplicas, maxReplicas or both"));
    }
    let advice = |given: &str| format!("{given} is not an amount; {AmountError}");
    check_readable("spec.minReplicas", Code::AmountInvalid, &ovr.min, errors, advice);
    check_readable("spec.maxReplicas", Code::AmountInvalid, &ovr.max, errors, advice);
    if let (Some(Amount::Literal(min)), Some(Amount::Literal(max))) = (ovr.min.value(), ovr.max.value())
        && min > max
    {
        let sentence = format!("minReplicas {min} is above maxReplicas {max}; lower it or raise maxReplicas");
        errors.push(Finding::new("spec.minReplicas", Code::MinAboveMax, sentence));
    }
    check_readable("spec.mode", Code::ModeUnknown, &ovr.mode, errors, |given| {
        format!("{given} is not a mode; use Set, Raise or Cap")
    });
}

fn check_times(ovr: &ParsedOverride, errors: &mut Vec<Finding>) {
    let instant = |given: &str| format!("{given} is not an instant; {InstantError}");
    check_readable("spec.startsAt", Code::InstantInvalid, &ovr.starts_at, errors, instant);
    check_readable("spec.expiresAt", Code::InstantInvalid, &ovr.expires_at, errors, instant);
    if let (Some(start), Some(end)) = (ovr.starts_at.value(), ovr.expires_at.value())
        && end <= start
    {
        let sentence =
            format!("the end {end} is not after the start {start}; set expiresAt to an instant after startsAt");
        errors.push(Finding::new("spec.expiresAt", Code::EndBeforeStart, sentence));
    }
    let duration = |given: &str| format!("{given} is not a duration; {DurationError}");
    check_readable("spec.duration", Code::DurationInvalid, &ovr.duration, errors, duration);
    check_readable("spec.returnOver", Code::DurationInvalid, &ovr.return_over, errors, duration);
    check_readable("spec.ttlAfterFinished", Code::DurationInvalid, &ovr.ttl, errors, duration);
    if let Some(over) = ovr.return_over.value().filter(|over| **over > LONGEST_RETURN) {
        let sentence = format!("{over} is longer than 24h, the longest gradual return; shorten it");
        errors.push(Finding::new("spec.returnOver", Code::ReturnTooLong, sentence));
    }
    match &ovr.schedule {
        Some(schedule) => {
            check_schedule(schedule, errors);
            if ovr.duration.is_absent() {
                let sentence = "with a schedule a duration is required; set it to the length of each occurrence";
                errors.push(Finding::new("spec.duration", Code::DurationRequired, sentence));
            }
        }
        None if !ovr.expires_at.is_absent() && !ovr.duration.is_absent() => {
            errors.push(Finding::new("spec", Code::TwoEnds, "two ends: keep either expiresAt or duration"));
        }
        None => {}
    }
    if ovr.ttl.value().is_some() && !ends_absolutely(ovr) {
        let sentence = "deletion needs an end that does not depend on when the object was created, otherwise a GitOps tool \
                        that creates it again makes it active again; set expiresAt, or startsAt and duration";
        errors.push(Finding::new("spec.ttlAfterFinished", Code::TtlNeedsAbsoluteEnd, sentence));
    }
}

fn check_schedule(schedule: &Recurrence, errors: &mut Vec<Finding>) {
    match &schedule.cron {
        Err(why) => errors.push(Finding::new("spec.schedule.cron", Code::CronInvalid, why.clone())),
        Ok(cron) if cron.never_occurs() => {
            let sentence = "no date of any year fits it, so it would never start; look at day and month";
            errors.push(Finding::new("spec.schedule.cron", Code::NeverOccurs, sentence));
        }
        Ok(_) => {}
    }
    check_readable("spec.schedule.timeZone", Code::TimeZoneUnknown, &schedule.zone, errors, |given| {
        format!("{given} is not the name of a time zone; use one of the IANA database, like `Europe/Rome`")
    });
    for (index, date) in schedule.except.iter().enumerate() {
        check_readable(&format!("spec.schedule.except[{index}]"), Code::DateInvalid, date, errors, |given| {
            format!("{given} is not a date; {CivilDateError}")
        });
    }
}

/// Whether the end, as far as it can be read, does not depend on when the object was created.
fn ends_absolutely(ovr: &ParsedOverride) -> bool {
    let by_length = ovr.schedule.is_none() && !ovr.duration.is_absent() && !ovr.starts_at.is_absent();
    !ovr.expires_at.is_absent() || by_length
}

fn check_readable<T>(
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
