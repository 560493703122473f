//! Eligibility: whether an override may be active on an HPA, and why not. One order of questions for plan and status.

use hpa_override_core::{
    Code, Finding, Instant, Layer, MayPatch, ParsedOverride, Phase, Question, Reason, Settings, joined,
    record::layer::uses_current,
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
    /// Whether its layer in the record goes on, without an end between.
    pub goes_on: bool,
    /// Why an edit of it is not accepted, where that is so: its layer keeps the values that were accepted, until the end in
    /// `window`.
    pub refused_edit: Option<(Reason, String)>,
}

/// What is known of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TargetFacts {
    /// Whether it may be overridden.
    pub(crate) state: TargetState,
    /// How many replicas it asks for, where its status says so.
    pub(crate) current: Option<i32>,
}

/// What an HPA says about whether it may be overridden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetState {
    /// There is no HPA.
    Absent,
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
    NoHpaStatus,
    EditRefused(Vec<Finding>),
    EditLacksStatus,
    Active,
}

impl Eligibility {
    /// The same time, with another phase.
    pub(crate) fn with(self, phase: Phase, reason: Reason, message: impl Into<String>) -> Self {
        Self { phase, reason, message: message.into(), ..self }
    }

    fn invalid(message: String) -> Self {
        let (phase, reason) = (Phase::Invalid, Reason::Invalid);
        Self { phase, reason, message, window: None, next: None, question: None, goes_on: false, refused_edit: None }
    }
}

/// Checks an override at `t` on a target. `layer` is its layer in the record: of an override that is active already only the
/// rules about namespaces are checked again, and the limits where its spec is newer than the layer.
pub(crate) fn check_eligibility(
    ovr: &ParsedOverride,
    target: TargetFacts,
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
        Situation::Active => situation_on_target(ovr, target, &timing, layer, settings, may_patch, t),
        other => other,
    };
    let question = match &situation {
        Situation::Refused(findings) if is_open(findings, may_patch) => Question::about(ovr, settings),
        _ => None,
    };
    Eligibility { question, ..eligibility(ovr, &timing, layer, &situation) }
}

/// The phase as far as spec and time show it: for an override that does not target the HPA.
pub(crate) fn check_timing(ovr: &ParsedOverride, settings: &Settings, t: Instant) -> Eligibility {
    match parsed_timing(ovr, None, settings, t) {
        Ok(timing) => eligibility(ovr, &timing, None, &situation_in_time(ovr, &timing, None)),
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

/// What becomes of an override whose time it is.
fn situation_on_target(
    ovr: &ParsedOverride,
    target: TargetFacts,
    timing: &Timing,
    layer: Option<&Layer>,
    settings: &Settings,
    may_patch: MayPatch,
    t: Instant,
) -> Situation {
    let findings = check_namespaces(ovr, settings);
    if !findings.is_empty() {
        return Situation::Refused(findings);
    }
    let Some(layer) = layer.filter(|_| timing.goes_on) else {
        return start(ovr, target, timing, settings, may_patch);
    };
    match refused_edit(ovr, target, layer, settings) {
        None => Situation::Active,
        Some(refused) if layer.until.is_none_or(|until| until > t) => refused,
        // What was accepted has ended.
        Some(_) => start(ovr, target, timing, settings, may_patch),
    }
}

/// An override that becomes active: every rule is checked.
fn start(
    ovr: &ParsedOverride,
    target: TargetFacts,
    timing: &Timing,
    settings: &Settings,
    may_patch: MayPatch,
) -> Situation {
    let mut findings: Vec<Finding> = check_authorization(ovr, settings, may_patch).into_iter().collect();
    findings.extend(check_limits(ovr, timing.window.as_ref(), settings, Precision::Lenient));
    match target.state {
        _ if !findings.is_empty() => Situation::Refused(findings),
        TargetState::Unreadable => Situation::RecordUnreadable,
        TargetState::Owned if !settings.override_owned_hpas => Situation::OwnedByController,
        _ if lacks_current(ovr, target, None) => Situation::NoHpaStatus,
        TargetState::Owned | TargetState::Free | TargetState::Absent => Situation::Active,
    }
}

/// Why an override that is active already cannot be as its spec says now: a limit refuses a spec that is newer than the
/// layer, or the spec needs a number that is not known.
fn refused_edit(ovr: &ParsedOverride, target: TargetFacts, layer: &Layer, settings: &Settings) -> Option<Situation> {
    let is_edited = ovr.generation > layer.generation && layer.generation.is_some();
    // As of a start, and as at admission: by the default end of today, not by the one that the record has fixed.
    let window = Window::from_spec(ovr, settings, None).filter(|_| is_edited);
    let findings =
        if is_edited { check_limits(ovr, window.as_ref(), settings, Precision::Lenient) } else { Vec::new() };
    if !findings.is_empty() {
        return Some(Situation::EditRefused(findings));
    }
    lacks_current(ovr, target, Some(layer)).then_some(Situation::EditLacksStatus)
}

/// Whether it needs to know how many replicas run, and neither its layer nor the HPA says so.
fn lacks_current(ovr: &ParsedOverride, target: TargetFacts, layer: Option<&Layer>) -> bool {
    let is_known = target.state == TargetState::Absent || target.current.is_some();
    let is_captured = layer.is_some_and(|layer| layer.current.is_some());
    uses_current(ovr.amounts()) && !is_known && !is_captured
}

/// Phase, reason, message and next change of a situation. docs/reference/status.md has the table.
fn eligibility(ovr: &ParsedOverride, timing: &Timing, layer: Option<&Layer>, situation: &Situation) -> Eligibility {
    let refused_edit = match situation {
        Situation::EditRefused(findings) => {
            Some((reason_of(findings), format!("the edit is refused, {}", joined(findings))))
        }
        Situation::EditLacksStatus => Some((Reason::NoHpaStatus, format!("the edit waits, {NO_STATUS}"))),
        _ => None,
    };
    let accepted = layer.filter(|_| refused_edit.is_some()).and_then(|layer| layer.until);
    let window = shown_window(ovr, timing).map(|window| window.ending_by(accepted));
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
        Situation::NoHpaStatus => (Phase::Pending, Reason::NoHpaStatus, NO_STATUS.into(), next_check),
        Situation::Active => (Phase::Active, Reason::Applied, format!("it is active until {until}"), next),
        // What the edit would begin or extend is not accepted.
        Situation::EditRefused(_) | Situation::EditLacksStatus => {
            let next = window.and_then(|window| window.until);
            (Phase::Active, Reason::Applied, format!("it is active until {until}"), next)
        }
    };
    let refused_edit = refused_edit
        .map(|(reason, why)| (reason, format!("{why}; what was accepted before stays active until {until}")));
    Eligibility { phase, reason, message, window, next, question: None, goes_on: timing.goes_on, refused_edit }
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
const NO_STATUS: &str = "the status of the HorizontalPodAutoscaler does not say yet how many replicas it asks for, which \
                         `current` counts from";
