//! The platform team's limits. Each is one function, asked at admission and again when an override starts acting, so
//! that both say the same.

use hpa_override_crd::{Amount, Mode};

use crate::{
    bounds::Bound,
    report::{Code, Finding},
    request::MayPatch,
    settings::{CrossNamespace, Directions, Settings},
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

/// Limits that are judged once, before an override acts. `window` is that of an override which does not recur.
#[must_use]
pub fn judged_at_start(
    ovr: &Override,
    window: Option<&Window>,
    settings: &Settings,
    precision: Precision,
) -> Vec<Finding> {
    let numbers = Bound::BOTH.into_iter().flat_map(|bound| beyond(ovr, bound, settings));
    let others = [
        duration_too_long(ovr, window, settings, precision),
        priority_too_high(ovr, settings),
        reason_required(ovr, settings),
    ];
    numbers.chain(others).flatten().collect()
}

/// Rules about namespaces: they bind while the override acts, too.
#[must_use]
pub fn namespace_rules(ovr: &Override, settings: &Settings) -> Vec<Finding> {
    let own = &ovr.id.namespace;
    let among = |names: &[String], namespace: &str| names.iter().any(|name| name == namespace);
    let finding = |code, sentence| Finding::new("spec.namespace", code, sentence);
    let unguarded = among(&settings.unguarded_namespaces, own).then(|| {
        let sentence = format!("namespace `{own}` is excluded from admission, so overrides in it do not act");
        finding(Code::UnguardedNamespace, sentence)
    });
    let target = ovr.target_namespace();
    let protected = target.filter(|namespace| among(&settings.protected_namespaces, namespace)).map(|namespace| {
        let sentence =
            format!("namespace `{namespace}` is protected: its HorizontalPodAutoscalers cannot be overridden");
        finding(Code::NamespaceProtected, sentence)
    });
    let denied = |namespace: &&str| namespace != own && settings.cross_namespace == CrossNamespace::Deny;
    let denied = target.filter(denied).map(|namespace| {
        let sentence = format!("namespace `{namespace}` is not this override's own; create the override there");
        finding(Code::CrossNamespaceDenied, sentence)
    });
    [protected, denied, unguarded].into_iter().flatten().collect()
}

/// Whether it must be known that who asks may patch the target: for another namespace under `Authorized`, for its own
/// where `authorizeRequester` is set.
pub(crate) fn asks_for_authorization(ovr: &Override, settings: &Settings) -> bool {
    match ovr.target_namespace() {
        None => false,
        Some(namespace) if namespace == ovr.id.namespace => settings.authorize_requester,
        Some(_) => settings.cross_namespace == CrossNamespace::Authorized,
    }
}

/// Refuses who may not patch the target himself, and where that is not known. The answers differ in their sentences.
#[must_use]
pub fn not_authorized(ovr: &Override, settings: &Settings) -> Option<Finding> {
    let namespace = ovr.target_namespace().filter(|_| asks_for_authorization(ovr, settings))?;
    let (path, target) = match (ovr.selector.is_absent(), ovr.hpa.value()) {
        (false, _) => ("spec.selector", format!("HorizontalPodAutoscalers in namespace `{namespace}`")),
        (true, Some(name)) => ("spec.hpa", format!("HorizontalPodAutoscaler {namespace}/{name}")),
        (true, None) => return None,
    };
    let who = ovr.requester.as_ref().map_or("who asks", |requester| &requester.user);
    let unknown = |why| format!("whether `{who}` may patch {target} cannot be told: {why}");
    let (code, sentence) = match ovr.may_patch {
        MayPatch::Yes => return None,
        MayPatch::No => {
            let sentence = format!("`{who}` may not patch {target}, and so may not override it; ask its owner");
            (Code::NotAuthorized, sentence)
        }
        MayPatch::Unavailable => (Code::AuthorizationUnavailable, unknown(COULD_NOT_ASK)),
        MayPatch::Error => (Code::AuthorizationUnavailable, unknown("the cluster answered with an error; try again")),
        MayPatch::NotAsked if ovr.requester.is_none() => {
            let sentence = format!("nobody is stamped on it as who asks to override {target}; {STAMP}");
            (Code::AuthorizationUnavailable, sentence)
        }
        MayPatch::NotAsked => (Code::AuthorizationUnavailable, unknown("nobody asked")),
    };
    Some(Finding::new(path, code, sentence))
}

const COULD_NOT_ASK: &str = "the cluster could not be asked; try again, and tell the platform team if that lasts";
const STAMP: &str = "create it anew where the guard policy is installed, which writes hpa-override.dev/requested-by";

fn beyond(ovr: &Override, bound: Bound, settings: &Settings) -> [Option<Finding>; 2] {
    let none = [None, None];
    let Some((mode, amount)) = ovr.mode().zip(ovr.amount(bound).value().copied()) else { return none };
    let field = bound.field();
    let finding = |code, sentence| Finding::new(&format!("spec.{field}"), code, sentence);
    let ceiling = settings.replica_ceiling.and_then(|ceiling| match amount {
        Amount::Literal(number) if number > ceiling && mode != Mode::Cap => {
            let sentence = format!("{field} {number} is above the {ceiling} allowed; lower it");
            Some(finding(Code::CeilingExceeded, sentence))
        }
        _ => None,
    });
    let lowers = matches!(amount, Amount::Fewer(_) | Amount::Percent(..=99)) && mode != Mode::Raise;
    let lowers = (lowers && settings.directions == Directions::UpOnly).then(|| {
        let sentence = format!("{field} `{amount}` is below what the owner wants, and overrides may only go up");
        finding(Code::LowersOwner, sentence)
    });
    [ceiling, lowers]
}

fn duration_too_long(
    ovr: &Override,
    window: Option<&Window>,
    settings: &Settings,
    precision: Precision,
) -> Option<Finding> {
    let longest = settings.max_duration?;
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
    let whole = length.map(|length| length + returning.map_or(0, |returning| returning.as_secs()));
    let fits = whole.is_some_and(|whole| whole <= longest.as_secs() + spare);
    let and_back = returning.map_or_else(String::new, |returning| format!(" and {returning} to return"));
    let sentence = || match length {
        Some(_) => format!("{what}{and_back} is longer than the {longest} allowed; end it earlier"),
        None => format!("it has no end, and at most {longest} is allowed; set expiresAt or duration"),
    };
    (!fits).then(|| Finding::new(path, Code::DurationTooLong, sentence()))
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
