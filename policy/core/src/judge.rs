//! Where an override stands on an HPA: in force, or why not. One order of questions for the plan and for the status.

use hpa_override_crd::{Instant, Phase, Reason};
use serde_json::Value;

use crate::{
    layer::Layer,
    limits::{Precision, judged_at_start, namespace_rules},
    report::{Code, Finding, joined},
    settings::Settings,
    spec::Override,
    window::{Position, Window},
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
    /// When it is in force; unknown where it is invalid.
    pub window: Option<Window>,
}

impl Standing {
    pub(crate) fn new(phase: Phase, reason: Reason, message: impl Into<String>, window: Option<Window>) -> Self {
        Self { phase, reason, message: message.into(), window }
    }

    /// The first instant after `t` at which it stands elsewhere by itself. What is over, by its window or by deletion, stays
    /// so.
    pub(crate) fn next_change(&self, t: Instant) -> Option<Instant> {
        let window = self.window?;
        match self.phase {
            Phase::Expired => None,
            Phase::Active | Phase::Superseded => window.until.filter(|until| *until > t),
            _ => window.next_change(t),
        }
    }

    /// Whether the override is to be a layer.
    pub(crate) fn is_in_force(&self) -> bool {
        self.phase == Phase::Active
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
    let by_window = by_window(ovr, acting, settings, t);
    if by_window.phase != Phase::Active {
        return by_window;
    }
    let blocked = |reason, message: String| Standing::new(Phase::Blocked, reason, message, by_window.window);
    let rules = namespace_rules(ovr, settings);
    if let Some(first) = rules.first() {
        return blocked(reason_of(first), joined(&rules));
    }
    if acting.is_none() {
        let limits = judged_at_start(ovr, by_window.window.as_ref(), settings, Precision::Lenient);
        if let Some(first) = limits.first() {
            return blocked(reason_of(first), joined(&limits));
        }
    }
    match (target, acting) {
        (Target::Unreadable, _) => blocked(Reason::UnreadableRecord, UNREADABLE.into()),
        (Target::Owned, None) => blocked(Reason::OwnedByController, OWNED.into()),
        _ => by_window,
    }
}

/// Its phase as far as spec and time show it.
#[must_use]
pub fn by_window(ovr: &Override, acting: Option<&Layer>, settings: &Settings, t: Instant) -> Standing {
    let errors = ovr.errors_of_shape();
    let Some(window) = Window::of(ovr, settings, acting).filter(|_| errors.is_empty()) else {
        return Standing::new(Phase::Invalid, Reason::Invalid, joined(&errors), None);
    };
    let until = window.until.map_or_else(|| "it is deleted".into(), |until| until.to_string());
    let (phase, reason, message) = match window.at(t) {
        _ if ovr.deleting => (Phase::Expired, Reason::Ended, "it is being deleted".into()),
        // What acts since its creation has begun, whatever a clock that was set back says.
        Position::Before if acting.is_none() || !ovr.starts_at.is_absent() => {
            (Phase::Pending, Reason::Pending, format!("it starts at {}", window.from))
        }
        Position::After => (Phase::Expired, Reason::Ended, format!("it ended at {until}")),
        Position::Before | Position::Inside => {
            (Phase::Active, Reason::Applied, format!("it is in force until {until}"))
        }
    };
    Standing::new(phase, reason, message, Some(window))
}

fn reason_of(finding: &Finding) -> Reason {
    match finding.code {
        Code::NamespaceProtected => Reason::NamespaceProtected,
        Code::CrossNamespaceDenied => Reason::CrossNamespaceDenied,
        _ => Reason::LimitExceeded,
    }
}

const UNREADABLE: &str = "the record on the HorizontalPodAutoscaler cannot be read, so nothing is written to it; \
                          remove the annotation hpa-override.dev/record, or where the merge policy is installed \
                          annotate hpa-override.dev/release=true";
const OWNED: &str = "the HorizontalPodAutoscaler has a controller (as KEDA's have), which would put it back at once; \
                     change the bounds where that controller takes them from";
