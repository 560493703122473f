//! The answer to a call of admission: which of the two decisions is asked, and what is said where it cannot be.
//!
//! The guard (`AutoscalerOverride`) fails closed: what cannot be checked is refused. The merge
//! (`HorizontalPodAutoscaler`) fails open: what cannot be checked passes as sent, with a warning.

use std::borrow::Borrow;

use hpa_override_crd::Instant;
use serde_json::Value;

use super::{
    admit::admit_hpa,
    audit::Audit,
    call::{Call, Subject, UnreadableCall},
    review::{access_question, review_override},
};
use crate::{
    rules::authorization::Question,
    value::{finding::joined, request::MayPatch, settings::Settings, text::warning_lines},
};

/// The object is not acceptable: HTTP's "unprocessable content", as the API server says it of invalid objects.
const INVALID: u16 = 422;
/// The request is not readable.
const UNREADABLE: u16 = 400;
/// The settings are not valid.
const MISCONFIGURED: u16 = 500;

/// What is answered to a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Why the write is refused; none: it is allowed.
    pub refusal: Option<Refusal>,
    /// What is stored instead of what was sent.
    pub object: Option<Value>,
    /// For the client, a line each.
    pub warnings: Vec<String>,
    /// For the audit log.
    pub audit: Audit,
}

/// Why a write is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For the client: all errors in one line.
    pub message: String,
    /// HTTP status.
    pub code: u16,
}

/// What has to be known of the cluster before a call is decided: whether this requester may patch this target. None where
/// nothing is asked.
#[must_use]
pub fn question_of(call: &Call, settings: &Settings) -> Option<Question> {
    access_question(call.object.as_ref().filter(|_| is_checked(call))?, call.old.as_ref(), &call.request, settings)
}

/// Whether the guard decides: of an override, its deletion and its status are not checked.
fn is_checked(call: &Call) -> bool {
    call.subject == Subject::Override && call.writes && call.request.sub_resource.is_empty()
}

/// Decides a call. `settings` is asked where they matter, and `may_patch` where they want that; errors are mistakes in the
/// settings. Total: whatever the call is, there is an answer.
#[must_use]
pub fn decide<S: Borrow<Settings>>(
    call: &Result<Call, UnreadableCall>,
    settings: impl FnOnce() -> Result<S, Vec<String>>,
    now: Instant,
    may_patch: impl FnOnce(&Question) -> MayPatch,
) -> Verdict {
    let call = match call {
        Ok(call) => call,
        Err(unreadable) => return unread(unreadable),
    };
    match call.subject {
        Subject::Override if is_checked(call) => match settings() {
            Ok(settings) => guard(call, settings.borrow(), now, may_patch),
            Err(errors) => refused(misconfigured(&errors), MISCONFIGURED),
        },
        Subject::Hpa if call.writes => match settings() {
            Ok(settings) => merge(call, settings.borrow(), now),
            Err(errors) => let_through(&misconfigured(&errors)),
        },
        _ => Verdict::default(),
    }
}

/// May this override exist?
fn guard(call: &Call, settings: &Settings, now: Instant, may_patch: impl FnOnce(&Question) -> MayPatch) -> Verdict {
    let Some(object) = &call.object else {
        return refused("the request carries no object".into(), UNREADABLE);
    };
    let answer = question_of(call, settings).map_or(MayPatch::NotAsked, |question| may_patch(&question));
    let review = review_override(object, call.old.as_ref(), &call.request, settings, now, answer);
    let warnings = review.report.warning_lines();
    if review.report.is_clean() {
        return Verdict { refusal: None, object: review.object, warnings, audit: review.audit };
    }
    let message = numbered(review.report.errors.len(), &joined(&review.report.errors));
    Verdict { refusal: Some(Refusal { message, code: INVALID }), object: None, warnings, audit: review.audit }
}

/// Does this write keep the override?
fn merge(call: &Call, settings: &Settings, now: Instant) -> Verdict {
    let Some(object) = &call.object else { return let_through("the request carries no object") };
    let admission = admit_hpa(call.old.as_ref(), object, &call.request, settings, now);
    Verdict { refusal: None, object: admission.object, warnings: admission.warnings, audit: admission.audit }
}

fn unread(unreadable: &UnreadableCall) -> Verdict {
    let reason = format!("the request cannot be read: {}", unreadable.reason);
    match unreadable.subject {
        Some(Subject::Other) => Verdict::default(),
        Some(Subject::Hpa) => let_through(&reason),
        Some(Subject::Override) | None => refused(reason, UNREADABLE),
    }
}

fn let_through(reason: &str) -> Verdict {
    let warning = format!("hpa-override: let through as sent, so an override may not stay effective: {reason}");
    let audit = Audit::new("letThrough").with("why", reason.into());
    Verdict { warnings: warning_lines([warning]), audit, ..Verdict::default() }
}

fn refused(message: String, code: u16) -> Verdict {
    let audit = Audit::new("rejected").with("why", message.clone());
    Verdict { refusal: Some(Refusal { message, code }), audit, ..Verdict::default() }
}

fn misconfigured(errors: &[String]) -> String {
    format!("the settings of this policy are not valid: {}", numbered(errors.len(), &errors.join("; ")))
}

/// One error as it is; several after their number.
#[must_use]
pub fn numbered(count: usize, line: &str) -> String {
    if count > 1 { format!("{count} errors: {line}") } else { line.into() }
}
