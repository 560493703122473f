//! Eligibility: whether an override may be active on an HPA, and why not. One order of questions for plan and status.

use hpa_override_core::{
    Code, Finding, Instant, Layer, MayPatch, ParsedOverride, Phase, Question, Reason, Settings, joined,
    rules::{
        authorization::check_authorization,
        limits::{Precision, check_limits},
        namespaces::check_namespaces,
        shape::shape_errors,
        window::{Position, Window},
    },
    value::text::until_text,
};

use crate::timing::Timing;

/// Whether the requester of an override may patch its target, as far as the caller knows.
pub type MayPatchOf<'a> = &'a dyn Fn(&ParsedOverride) -> MayPatch;

/// Whether an override is active, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eligibility {
    /// In a word.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// Why, in a sentence.
    pub message: String,
    /// When it is active, or will be next; none where it is invalid.
    pub window: Option<Window>,
    /// The next instant at which this differs by itself.
    pub next: Option<Instant>,
    /// The question that has to be answered first: until then it is blocked.
    pub question: Option<Question>,
    /// Whether nothing but an answer that is still to come blocks it.
    pub is_unknown: bool,
    /// Whether its layer in the record goes on, without an end between.
    pub goes_on: bool,
}

/// What an HPA says about whether it may be overridden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetState {
    /// It may.
    Free,
    /// It has a controller owner.
    Owned,
    /// Its record cannot be read.
    Unreadable,
}

/// The situation of an override, in the order in which they are looked at: the first that applies.
enum Situation {
    Deleted,
    Over,
    Suspended,
    NotStarted,
    Refused(Vec<Finding>),
    RecordUnreadable,
    OwnedByController,
    Active,
}

impl Eligibility {
    /// The same time, with another phase.
    pub(crate) fn with(self, phase: Phase, reason: Reason, message: impl Into<String>) -> Self {
        Self { phase, reason, message: message.into(), ..self }
    }

    fn invalid(message: String) -> Self {
        let (phase, reason) = (Phase::Invalid, Reason::Invalid);
        Self { phase, reason, message, window: None, next: None, question: None, is_unknown: false, goes_on: false }
    }
}

/// Checks an override at `t` on a target. `layer` is its layer in the record: of an override that is active already only the
/// rules about namespaces are checked again.
pub(crate) fn check_eligibility(
    ovr: &ParsedOverride,
    target: TargetState,
    layer: Option<&Layer>,
    settings: &Settings,
    may_patch: MayPatch,
    t: Instant,
) -> Eligibility {
    let timing = match parsed_timing(ovr, layer, settings, t) {
        Ok(timing) => timing,
        Err(message) => return Eligibility::invalid(message),
    };
    let situation = match situation_in_time(ovr, &timing, layer) {
        Situation::Active => situation_on_target(ovr, target, &timing, settings, may_patch),
        other => other,
    };
    let question = match &situation {
        Situation::Refused(findings) if is_open(findings, may_patch) => Question::about(ovr, settings),
        _ => None,
    };
    let is_unknown = match &situation {
        Situation::Refused(findings) => is_unanswered(findings) && Question::about(ovr, settings).is_some(),
        _ => false,
    };
    Eligibility { question, is_unknown, ..eligibility(ovr, &timing, &situation) }
}

/// The phase as far as spec and time show it: for an override that does not target the HPA.
pub(crate) fn check_timing(ovr: &ParsedOverride, settings: &Settings, t: Instant) -> Eligibility {
    match parsed_timing(ovr, None, settings, t) {
        Ok(timing) => eligibility(ovr, &timing, &situation_in_time(ovr, &timing, None)),
        Err(message) => Eligibility::invalid(message),
    }
}

/// The override in time, or the message that says why it is invalid.
fn parsed_timing(
    ovr: &ParsedOverride,
    layer: Option<&Layer>,
    settings: &Settings,
    t: Instant,
) -> Result<Timing, String> {
    let errors = shape_errors(ovr);
    if !errors.is_empty() {
        return Err(joined(&errors));
    }
    if !ovr.id.is_valid() {
        return Err(NAMELESS.into());
    }
    Timing::at(ovr, settings, layer, t).ok_or_else(|| NAMELESS.into())
}

fn situation_in_time(ovr: &ParsedOverride, timing: &Timing, layer: Option<&Layer>) -> Situation {
    // An override that is active since its creation has begun, whatever a clock that was set back says.
    let has_begun = layer.is_some() && ovr.starts_at.is_absent() && ovr.schedule.is_none();
    match timing.position {
        _ if ovr.deleting => Situation::Deleted,
        Position::After => Situation::Over,
        _ if ovr.suspended => Situation::Suspended,
        Position::Before if !has_begun => Situation::NotStarted,
        Position::Before | Position::Inside => Situation::Active,
    }
}

fn situation_on_target(
    ovr: &ParsedOverride,
    target: TargetState,
    timing: &Timing,
    settings: &Settings,
    may_patch: MayPatch,
) -> Situation {
    let mut findings = check_namespaces(ovr, settings);
    if findings.is_empty() && !timing.goes_on {
        findings.extend(check_authorization(ovr, settings, may_patch));
        findings.extend(check_limits(ovr, timing.window.as_ref(), settings, Precision::Lenient));
    }
    match target {
        _ if !findings.is_empty() => Situation::Refused(findings),
        TargetState::Unreadable => Situation::RecordUnreadable,
        TargetState::Owned if !timing.goes_on && !settings.override_owned_hpas => Situation::OwnedByController,
        TargetState::Owned | TargetState::Free => Situation::Active,
    }
}

/// Phase, reason, message and next change of a situation. docs/reference/status.md has the table.
fn eligibility(ovr: &ParsedOverride, timing: &Timing, situation: &Situation) -> Eligibility {
    let window = shown_window(ovr, timing);
    let until = until_text(window.and_then(|window| window.until));
    let next = if timing.position == Position::Before { timing.over } else { timing.next };
    let next_check = next.into_iter().chain(timing.next_start).min();
    let starts =
        || window.map_or_else(|| "it does not start again".into(), |window| format!("it starts at {}", window.from));
    let (phase, reason, message, next) = match situation {
        Situation::Deleted => (Phase::Expired, Reason::Ended, "it is being deleted".into(), None),
        Situation::Over => (Phase::Expired, Reason::Ended, format!("it ended at {until}"), None),
        Situation::Suspended => (Phase::Suspended, Reason::Suspended, "it is suspended".into(), timing.over),
        Situation::NotStarted => (Phase::Pending, Reason::Pending, starts(), timing.next),
        Situation::Refused(findings) => (Phase::Blocked, reason_of(findings), joined(findings), next_check),
        Situation::RecordUnreadable => (Phase::Blocked, Reason::UnreadableRecord, UNREADABLE.into(), next_check),
        Situation::OwnedByController => (Phase::Blocked, Reason::OwnedByController, OWNED.into(), next_check),
        Situation::Active => (Phase::Active, Reason::Applied, format!("it is active until {until}"), next),
    };
    Eligibility { phase, reason, message, window, next, question: None, is_unknown: false, goes_on: timing.goes_on }
}

/// The window to show. The occurrences of a recurring override that is suspended pass without effect.
fn shown_window(ovr: &ParsedOverride, timing: &Timing) -> Option<Window> {
    let passes = ovr.suspended && ovr.schedule.is_some() && timing.position != Position::After;
    if passes { None } else { timing.window }
}

/// Whether the first reason is a question that has not been asked yet.
fn is_open(findings: &[Finding], may_patch: MayPatch) -> bool {
    reason_of(findings) == Reason::NotAuthorized && may_patch == MayPatch::NotAsked
}

/// Whether nothing but a question without an answer is against it. It is asked (again), where the requester is named.
fn is_unanswered(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.code == Code::AuthorizationUnavailable)
}

fn reason_of(findings: &[Finding]) -> Reason {
    match findings.first().map(|finding| finding.code) {
        Some(Code::NamespaceProtected) => Reason::NamespaceProtected,
        Some(Code::CrossNamespaceDenied) => Reason::CrossNamespaceDenied,
        Some(Code::UnguardedNamespace) => Reason::UnguardedNamespace,
        Some(Code::NotAuthorized | Code::AuthorizationUnavailable) => Reason::NotAuthorized,
        _ => Reason::LimitExceeded,
    }
}

/// Not from an API server, which gives every object both.
const NAMELESS: &str =
    "its name or its namespace is not one that Kubernetes gives, so no record could name it; give it both";
const UNREADABLE: &str = "the record on the HorizontalPodAutoscaler cannot be read, so nothing is written to it; \
                          remove the annotation hpa-override.dev/record, or where the merge policy is installed \
                          annotate hpa-override.dev/release=true";
const OWNED: &str = "the HorizontalPodAutoscaler has a controller (as KEDA's have), which would revert the bounds at once; \
                     change the bounds where that controller takes them from";
