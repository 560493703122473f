//! The platform team's limits on numbers, lengths, priority and reason.

use hpa_override_crd::{Amount, Mode};

use crate::{
    override_spec::ParsedOverride,
    rules::window::{EndSource, Window},
    value::{
        bounds::Bound,
        finding::{Code, Finding},
        settings::{Directions, Settings, limits::Limits},
    },
};

/// How exactly lengths are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// To the second: at admission.
    Exact,
    /// With 60 s to spare: by the controller, which counts from a creation time that is later than admission's clock.
    Lenient,
}

/// Limits that are checked before an override becomes active, and not while it is: those of the namespace of its target.
/// `window` is that of an override which does not recur. `maxFactor` is not among them: how many replicas it allows is known
/// only on the HPA, where it limits the result.
#[must_use]
pub fn check_limits(
    ovr: &ParsedOverride,
    window: Option<&Window>,
    settings: &Settings,
    precision: Precision,
) -> Vec<Finding> {
    let limits = settings.limits_in(ovr.target_namespace());
    let numbers = Bound::BOTH
        .into_iter()
        .flat_map(|bound| [ceiling_exceeded(ovr, bound, limits), lowers_owner(ovr, bound, limits)]);
    let others = [
        duration_too_long(ovr, window, limits, precision),
        priority_too_high(ovr, limits),
        reason_required(ovr, limits),
    ];
    numbers.chain(others).flatten().collect()
}

fn ceiling_exceeded(ovr: &ParsedOverride, bound: Bound, limits: &Limits) -> Option<Finding> {
    let (ceiling, mode, field) = (limits.replica_ceiling?, ovr.mode()?, bound.field());
    match ovr.amount(bound).value()? {
        Amount::Literal(number) if *number > ceiling && mode != Mode::Cap => {
            let sentence = format!("{field} {number} is above the {ceiling} allowed; lower it");
            Some(Finding::new(&format!("spec.{field}"), Code::CeilingExceeded, sentence))
        }
        _ => None,
    }
}

fn lowers_owner(ovr: &ParsedOverride, bound: Bound, limits: &Limits) -> Option<Finding> {
    let (mode, amount, field) = (ovr.mode()?, ovr.amount(bound).value()?, bound.field());
    let lowers = matches!(amount, Amount::Fewer(_) | Amount::Percent(..=99)) && mode != Mode::Raise;
    (lowers && limits.directions == Directions::UpOnly).then(|| {
        let sentence = format!("{field} `{amount}` is below what the owner wants, and overrides may only go up");
        Finding::new(&format!("spec.{field}"), Code::LowersOwner, sentence)
    })
}

/// The length includes the gradual return. An end that is not after the start has no length to check.
fn duration_too_long(
    ovr: &ParsedOverride,
    window: Option<&Window>,
    limits: &Limits,
    precision: Precision,
) -> Option<Finding> {
    let longest = limits.max_duration?;
    let spare = match precision {
        Precision::Exact => 0,
        Precision::Lenient => 60,
    };
    let returning = ovr.return_over.value();
    let (path, what, length) = match (&ovr.schedule, window) {
        (Some(_), _) => {
            let duration = ovr.duration.value()?;
            ("spec.duration", format!("an occurrence of {duration}"), Some(duration.as_secs()))
        }
        (None, Some(window)) => {
            let path = match window.source {
                EndSource::ExpiresAt => "spec.expiresAt",
                EndSource::Duration | EndSource::Default => "spec.duration",
            };
            let until = window.until.map(|until| until.to_string()).unwrap_or_default();
            (path, format!("from {} to {until}", window.from), window.length())
        }
        (None, None) => return None,
    };
    let and_back = returning.map_or_else(String::new, |returning| format!(" and {returning} to return"));
    let sentence = match length {
        Some(length) if length <= 0 => return None,
        Some(length) => {
            let whole = length + returning.map_or(0, |returning| returning.as_secs());
            if whole <= longest.as_secs() + spare {
                return None;
            }
            format!("{what}{and_back} is longer than the {longest} allowed; end it earlier")
        }
        None => format!("it has no end, and at most {longest} is allowed; set expiresAt or duration"),
    };
    Some(Finding::new(path, Code::DurationTooLong, sentence))
}

fn priority_too_high(ovr: &ParsedOverride, limits: &Limits) -> Option<Finding> {
    let (priority, highest) = (ovr.priority, limits.max_priority);
    let sentence = || format!("priority {priority} is above the {highest} allowed; lower it");
    (priority > highest).then(|| Finding::new("spec.priority", Code::PriorityTooHigh, sentence()))
}

fn reason_required(ovr: &ParsedOverride, limits: &Limits) -> Option<Finding> {
    let sentence = "a reason is required; say why in reason, for example with the number of a ticket";
    (limits.require_reason && !ovr.has_reason).then(|| Finding::new("spec.reason", Code::ReasonRequired, sentence))
}
