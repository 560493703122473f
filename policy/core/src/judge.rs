//! Where an override stands on an HPA: in force, or why not. One order of questions for the plan and for the status.

use hpa_override_crd::{Instant, Phase, Reason};
use serde_json::Value;

use crate::{
    course::Course,
    layer::Layer,
    limits::{Precision, judged_at_start, namespace_rules, not_authorized},
    report::{Code, Finding, joined},
    request::MayPatch,
    requester::Question,
    settings::Settings,
    spec::Override,
    window::{Position, Window, in_words},
};

/// Where an override stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In a word.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// Why, in a sentence.
    pub message: String,
    /// When it is in force, or will be next; unknown where it is invalid.
    pub window: Option<Window>,
    /// The next instant at which it stands elsewhere by itself.
    pub next: Option<Instant>,
    /// What has to be answered before it can be told: until then it stands blocked.
    pub question: Option<Question>,
}

impl Standing {
    /// Whether the override is to be a layer.
    pub(crate) fn is_in_force(&self) -> bool {
        self.phase == Phase::Active
    }

    /// The same time, otherwise.
    pub(crate) fn but(self, phase: Phase, reason: Reason, message: impl Into<String>) -> Self {
        Self { phase, reason, message: message.into(), ..self }
    }
}

/// What an HPA says about whether it may be overridden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// It may.
    Free,
    /// It has a controller owner.
    Owned,
    /// Its record cannot be read.
    Unreadable,
}

impl Target {
    pub(crate) fn of(hpa: &Value, unreadable: bool) -> Self {
        let references = hpa.get("metadata").and_then(|metadata| metadata.get("ownerReferences"));
        let controls = |reference: &Value| reference.get("controller").and_then(Value::as_bool) == Some(true);
        let owned = references.and_then(Value::as_array).is_some_and(|list| list.iter().any(controls));
        match (unreadable, owned) {
            (true, _) => Self::Unreadable,
            (false, true) => Self::Owned,
            (false, false) => Self::Free,
        }
    }
}

/// Judges an override at `t`. `acting` is its layer in the record: what acts is not judged again, but for the rules
/// about namespaces.
#[must_use]
pub fn judge(ovr: &Override, target: Target, acting: Option<&Layer>, settings: &Settings, t: Instant) -> Standing {
    let (standing, next_start) = in_time(ovr, acting, settings, t);
    if standing.phase != Phase::Active {
        return standing;
    }
    // An occurrence that begins when its last one has ended, or later, starts anew.
    let goes_on = |layer: &&Layer| standing.window.is_none_or(|window| layer.until.is_none_or(|end| end > window.from));
    let acting = acting.filter(goes_on);
    let mut findings = namespace_rules(ovr, settings);
    if findings.is_empty() && acting.is_none() {
        findings.extend(not_authorized(ovr, settings));
        findings.extend(judged_at_start(ovr, standing.window.as_ref(), settings, Precision::Lenient));
    }
    let blocked = |standing: Standing, reason, message: String| {
        let next = standing.next.into_iter().chain(next_start).min();
        Standing { next, ..standing.but(Phase::Blocked, reason, message) }
    };
    match (findings.first(), target, acting) {
        (Some(first), _, _) => {
            let reason = reason_of(first);
            let open = reason == Reason::NotAuthorized && ovr.may_patch == MayPatch::NotAsked;
            let question = Question::about(ovr, settings).filter(|_| open);
            Standing { question, ..blocked(standing, reason, joined(&findings)) }
        }
        (None, Target::Unreadable, _) => blocked(standing, Reason::UnreadableRecord, UNREADABLE.into()),
        (None, Target::Owned, None) if !settings.override_owned_hpas => {
            blocked(standing, Reason::OwnedByController, OWNED.into())
        }
        _ => standing,
    }
}

/// Its phase as far as spec and time show it.
#[must_use]
pub fn by_window(ovr: &Override, acting: Option<&Layer>, settings: &Settings, t: Instant) -> Standing {
    in_time(ovr, acting, settings, t).0
}

/// The same, and when its next occurrence starts.
fn in_time(ovr: &Override, acting: Option<&Layer>, settings: &Settings, t: Instant) -> (Standing, Option<Instant>) {
    let errors = ovr.errors_of_shape();
    let is_valid = errors.is_empty() && ovr.id.is_valid();
    let Some(course) = Course::of(ovr, settings, acting, t).filter(|_| is_valid) else {
        let (phase, reason) = (Phase::Invalid, Reason::Invalid);
        let message = if errors.is_empty() { NAMELESS.into() } else { joined(&errors) };
        return (Standing { phase, reason, message, window: None, next: None, question: None }, None);
    };
    let Course { window, next, next_start, over, .. } = course;
    // The occurrences of a recurring one pass unnoticed meanwhile.
    let window = window.filter(|_| !ovr.suspended || ovr.schedule.is_none() || course.position == Position::After);
    let until = in_words(window.and_then(|window| window.until));
    // What acts since its creation has begun, whatever a clock that was set back says.
    let begun = acting.is_some() && ovr.starts_at.is_absent() && ovr.schedule.is_none();
    let (phase, reason, message, next) = match course.position {
        _ if ovr.deleting => (Phase::Expired, Reason::Ended, "it is being deleted".into(), None),
        Position::After => (Phase::Expired, Reason::Ended, format!("it ended at {until}"), None),
        _ if ovr.suspended => (Phase::Suspended, Reason::Suspended, "it is suspended".into(), over),
        Position::Before if !begun => {
            let starts = window.map(|window| format!("it starts at {}", window.from));
            (Phase::Pending, Reason::Pending, starts.unwrap_or_else(|| "it does not start again".into()), next)
        }
        Position::Before => (Phase::Active, Reason::Applied, format!("it is in force until {until}"), over),
        Position::Inside => (Phase::Active, Reason::Applied, format!("it is in force until {until}"), next),
    };
    (Standing { phase, reason, message, window, next, question: None }, next_start)
}

fn reason_of(finding: &Finding) -> Reason {
    match finding.code {
        Code::NamespaceProtected => Reason::NamespaceProtected,
        Code::CrossNamespaceDenied => Reason::CrossNamespaceDenied,
        Code::UnguardedNamespace => Reason::UnguardedNamespace,
        Code::NotAuthorized | Code::AuthorizationUnavailable => Reason::NotAuthorized,
        _ => Reason::LimitExceeded,
    }
}

/// Not from an API server, which gives every object both.
const NAMELESS: &str = "its name or its namespace is not one that Kubernetes gives, so no record could say whose bounds \
                        stand; give it both";
const UNREADABLE: &str = "the record on the HorizontalPodAutoscaler cannot be read, so nothing is written to it; \
                          remove the annotation hpa-override.dev/record, or where the merge policy is installed \
                          annotate hpa-override.dev/release=true";
const OWNED: &str = "the HorizontalPodAutoscaler has a controller (as KEDA's have), which would put it back at once; \
                     change the bounds where that controller takes them from";
