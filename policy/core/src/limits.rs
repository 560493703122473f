//! The platform team's limits. Each is one function, asked at admission and again when an override starts acting, so
//! that both say the same.

use crate::{
    report::{Code, Finding},
    settings::Settings,
    spec::Override,
    window::{EndSource, Window},
};

/// How exactly lengths are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// To the second: at admission.
    Exact,
    /// With 60 s to spare: by the controller, for which the creation time came later than the admission's clock.
    Lenient,
}

/// Limits that are judged once, before an override acts.
#[must_use]
pub fn judged_at_start(
    ovr: &Override,
    window: Option<&Window>,
    settings: &Settings,
    precision: Precision,
) -> Vec<Finding> {
    let too_long = window.and_then(|window| duration_too_long(window, settings, precision));
    [too_long, priority_too_high(ovr, settings), reason_required(ovr, settings)].into_iter().flatten().collect()
}

/// Rules about the target's namespace: they bind while the override acts, too.
#[must_use]
pub fn namespace_rules(ovr: &Override, settings: &Settings) -> Vec<Finding> {
    let Some(namespace) = ovr.target_namespace() else { return Vec::new() };
    let own = &ovr.id.namespace;
    let protected = settings.protected_namespaces.iter().any(|name| name == namespace).then(|| {
        let sentence =
            format!("namespace `{namespace}` is protected: its HorizontalPodAutoscalers cannot be overridden");
        Finding::new("spec.namespace", Code::NamespaceProtected, sentence)
    });
    let denied = (namespace != own).then(|| {
        let sentence = format!("namespace `{namespace}` is not this override's own; create the override there");
        Finding::new("spec.namespace", Code::CrossNamespaceDenied, sentence)
    });
    [protected, denied].into_iter().flatten().collect()
}

fn duration_too_long(window: &Window, settings: &Settings, precision: Precision) -> Option<Finding> {
    let longest = settings.max_duration?;
    let spare = match precision {
        Precision::Exact => 0,
        Precision::Lenient => 60,
    };
    let path = match window.source {
        EndSource::ExpiresAt => EndSource::ExpiresAt.path(),
        EndSource::Duration | EndSource::Default => EndSource::Duration.path(),
    };
    let sentence = match window.until {
        Some(until) => format!("from {} to {until} is longer than the {longest} allowed; end it earlier", window.from),
        None => format!("it has no end, and at most {longest} is allowed; set expiresAt or duration"),
    };
    let fits = window.length().is_some_and(|length| length <= longest.as_secs() + spare);
    (!fits).then(|| Finding::new(path, Code::DurationTooLong, sentence))
}

fn priority_too_high(ovr: &Override, settings: &Settings) -> Option<Finding> {
    let (priority, highest) = (ovr.priority, settings.max_priority);
    let sentence = || format!("priority {priority} is above the {highest} allowed; lower it");
    (priority > highest).then(|| Finding::new("spec.priority", Code::PriorityTooHigh, sentence()))
}

fn reason_required(ovr: &Override, settings: &Settings) -> Option<Finding> {
    let sentence = "a reason is required; say why in reason, for example with the number of a ticket";
    (settings.require_reason && !ovr.has_reason).then(|| Finding::new("spec.reason", Code::ReasonRequired, sentence))
}
