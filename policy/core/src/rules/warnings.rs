//! Warnings: what is worth knowing about an override that may exist.

use hpa_override_crd::{Instant, Mode};

use crate::{
    override_spec::{ParsedOverride, Recurrence},
    rules::window::{EndSource, Window},
    value::{
        cron::CivilDate,
        finding::{Code, Finding},
    },
};

/// Every warning. `window` is that of an override which does not recur.
#[must_use]
pub fn warnings(ovr: &ParsedOverride, window: Option<&Window>, now: Instant) -> Vec<Finding> {
    let mut warnings: Vec<Finding> = window.map(|window| about_the_end(ovr, window, now)).unwrap_or_default();
    warnings.extend(about_the_schedule(ovr, now));
    warnings.extend(raises_max_with_min(ovr));
    warnings
}

fn about_the_end(ovr: &ParsedOverride, window: &Window, now: Instant) -> Vec<Finding> {
    let by_default = match (window.source, window.until) {
        (EndSource::Default, None) => {
            let sentence = "no end is given, so it is active until it is deleted; set expiresAt or duration";
            Some(Finding::new("spec", Code::NeverEnds, sentence))
        }
        (EndSource::Default, Some(until)) => {
            let sentence = format!("no end is given, so it ends at {until}; set expiresAt or duration to choose");
            Some(Finding::new("spec", Code::EndsByDefault, sentence))
        }
        (EndSource::ExpiresAt | EndSource::Duration, _) => None,
    };
    let ended = window.until.and_then(|until| already_ended(ovr, window.source, until, now));
    by_default.into_iter().chain(ended).collect()
}

fn about_the_schedule(ovr: &ParsedOverride, now: Instant) -> Vec<Finding> {
    let Some(schedule) = &ovr.schedule else { return Vec::new() };
    let ended = ovr.expires_at.value().and_then(|end| already_ended(ovr, EndSource::ExpiresAt, *end, now));
    ended.into_iter().chain(occurrences_overlap(ovr, schedule, now)).collect()
}

/// By the civil times of the first 33 starts from now or from its start on, whichever is later.
fn occurrences_overlap(ovr: &ParsedOverride, schedule: &Recurrence, now: Instant) -> Option<Finding> {
    let cron = schedule.cron.as_ref().ok()?;
    let (duration, except) = (*ovr.duration.value()?, schedule.exceptions()?);
    let overlap = cron.overlaps(CivilDate::from_instant(ovr.start()?.max(now)), duration, &except);
    overlap.then(|| {
        let sentence = format!(
            "occurrences of {duration} overlap: one begins before the one ahead has ended, and it stays active"
        );
        Finding::new("spec.schedule.cron", Code::OccurrencesOverlap, sentence)
    })
}

/// An end before the creation counts as passed where the creation is the start.
fn already_ended(ovr: &ParsedOverride, source: EndSource, until: Instant, now: Instant) -> Option<Finding> {
    let before_its_start = ovr.starts_at.is_absent() && until <= ovr.created;
    (until <= now || before_its_start).then(|| {
        let sentence = format!("its end {until} has passed, so it does nothing; on an active override that means now");
        Finding::new(source.path(), Code::AlreadyEnded, sentence)
    })
}

fn raises_max_with_min(ovr: &ParsedOverride) -> Option<Finding> {
    let min = ovr.min.value()?;
    if !ovr.max.is_absent() || ovr.mode()? == Mode::Cap {
        return None;
    }
    let sentence = format!("without maxReplicas, minReplicas {min} also raises the upper bound where that is lower");
    Some(Finding::new("spec.minReplicas", Code::RaisesMaxWithMin, sentence))
}
