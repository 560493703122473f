//! Errors of shape: what the spec alone shows to be wrong. An override with any of them is `Invalid`.

use hpa_override_crd::{Amount, Duration, InstantError, sentences};

use crate::{
    override_spec::{Misfit, ParsedOverride, Recurrence},
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
    let misfit = |misfit: &Misfit| Finding::new(&misfit.path, Code::FieldInvalid, misfit.why.clone());
    let mut errors: Vec<Finding> = ovr.misfits.iter().map(misfit).collect();
    if errors.iter().any(|error| error.path == "spec") {
        // It has no fields, which would be reported as missing.
        return errors;
    }
    check_target(ovr, &mut errors);
    check_bounds(ovr, &mut errors);
    check_times(ovr, &mut errors);
    errors
}

fn check_target(ovr: &ParsedOverride, errors: &mut Vec<Finding>) {
    match (ovr.hpa.is_absent(), ovr.selector.is_absent()) {
        (true, true) => errors.push(Finding::new("spec", Code::TargetMissing, sentences::TARGET_MISSING)),
        (false, false) => errors.push(Finding::new("spec", Code::TwoTargets, sentences::TWO_TARGETS)),
        _ => {}
    }
    match &ovr.selector {
        Field::Unreadable(why) => {
            let sentence = format!("the selector is wrong: {why}");
            errors.push(Finding::new("spec.selector", Code::SelectorInvalid, sentence));
        }
        Field::Is(selector) if selector.is_empty() => {
            errors.push(Finding::new("spec.selector", Code::SelectorEmpty, sentences::SELECTOR_EMPTY));
        }
        _ => {}
    }
    check_readable("spec.hpa", Code::NameInvalid, &ovr.hpa, errors, |given| sentences::not_an_hpa(given));
    check_readable("spec.namespace", Code::NameInvalid, &ovr.namespace, errors, |given| {
        sentences::not_a_namespace(given)
    });
}

fn check_bounds(ovr: &ParsedOverride, errors: &mut Vec<Finding>) {
    if ovr.min.is_absent() && ovr.max.is_absent() {
        errors.push(Finding::new("spec", Code::NoBounds, sentences::NO_BOUNDS));
    }
    check_readable("spec.minReplicas", Code::AmountInvalid, &ovr.min, errors, |given| sentences::not_an_amount(given));
    check_readable("spec.maxReplicas", Code::AmountInvalid, &ovr.max, errors, |given| sentences::not_an_amount(given));
    if let (Some(Amount::Literal(min)), Some(Amount::Literal(max))) = (ovr.min.value(), ovr.max.value())
        && min > max
    {
        errors.push(Finding::new("spec.minReplicas", Code::MinAboveMax, sentences::min_above_max(min, max)));
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
    let duration = |given: &str| sentences::not_a_duration(given);
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
                errors.push(Finding::new("spec.duration", Code::DurationRequired, sentences::DURATION_REQUIRED));
            }
        }
        None if !ovr.expires_at.is_absent() && !ovr.duration.is_absent() && !ovr.is_misfit("spec.schedule") => {
            errors.push(Finding::new("spec", Code::TwoEnds, sentences::TWO_ENDS));
        }
        None => {}
    }
    if ovr.ttl.value().is_some() && !ends_absolutely(ovr) {
        let sentence = sentences::TTL_NEEDS_ABSOLUTE_END;
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
    for (index, date) in schedule.except.iter().flatten().enumerate() {
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
