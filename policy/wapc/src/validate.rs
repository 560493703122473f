//! Decodes a request of the host, asks the core, encodes the answer. It never compares replica numbers or times.

use hpa_override_core::{
    Audit, Instant, MayPatch, Question, Settings, access_question, admit_hpa, review_override,
    value::text::warning_lines,
};
use serde_json::Value;

use crate::{
    payload::{Payload, Subject, Unreadable},
    response::{accepted, all, numbered, rejected, settings},
};

/// The object is not acceptable: HTTP's "unprocessable content", as the API server says it of invalid objects.
const INVALID: u16 = 422;
/// The request is not readable.
const UNREADABLE: u16 = 400;
/// The settings of the policy are not valid.
const MISCONFIGURED: u16 = 500;

/// Answers a request of the host, `{"request": …, "settings": …}`, with a validation response, both as JSON.
///
/// `may_patch` asks the cluster, where the settings want that. Total: whatever the payload is, there is an answer.
#[must_use]
pub fn validate(payload: &[u8], now: Instant, may_patch: impl FnOnce(&Question) -> MayPatch) -> Vec<u8> {
    let payload = match Payload::parse(payload) {
        Ok(payload) => payload,
        Err(unreadable) => return unread(&unreadable),
    };
    match payload.subject {
        Subject::Override if payload.writes => guard(&payload, now, may_patch),
        Subject::Hpa if payload.writes => merge(&payload, now),
        _ => accepted(None, Vec::new(), Audit::default()),
    }
}

/// Answers with all mistakes in the settings at once, for either policy.
#[must_use]
pub fn validate_settings(payload: &[u8]) -> Vec<u8> {
    let errors = match serde_json::from_slice::<Value>(payload) {
        Ok(document) => Settings::parse(&document).err().unwrap_or_default(),
        Err(error) => vec![format!("the settings cannot be read: {error}")],
    };
    settings(&errors)
}

/// May this override exist? Fails closed: what cannot be checked is refused.
fn guard(payload: &Payload, now: Instant, may_patch: impl FnOnce(&Question) -> MayPatch) -> Vec<u8> {
    if !payload.request.sub_resource.is_empty() {
        return accepted(None, Vec::new(), Audit::default());
    }
    let settings = match Settings::parse(&payload.settings) {
        Ok(settings) => settings,
        Err(errors) => return refused(misconfigured(&errors), MISCONFIGURED),
    };
    let Some(object) = &payload.object else {
        return refused("the request carries no object".into(), UNREADABLE);
    };
    let (old, request) = (payload.old.as_ref(), &payload.request);
    let answer = match access_question(object, old, request, &settings) {
        Some(question) => may_patch(&question),
        None => MayPatch::NotAsked,
    };
    let review = review_override(object, old, request, &settings, now, answer);
    let warnings = review.report.warning_lines();
    if review.report.is_clean() {
        accepted(review.object, warnings, review.audit)
    } else {
        rejected(all(&review.report.errors), INVALID, warnings, review.audit)
    }
}

/// Does this write keep the override? Fails open: what cannot be checked passes as sent.
fn merge(payload: &Payload, now: Instant) -> Vec<u8> {
    let settings = match Settings::parse(&payload.settings) {
        Ok(settings) => settings,
        Err(errors) => return let_through(&misconfigured(&errors)),
    };
    let Some(object) = &payload.object else { return let_through("the request carries no object") };
    let admission = admit_hpa(payload.old.as_ref(), object, &payload.request, &settings, now);
    accepted(admission.object, admission.warnings, admission.audit)
}

fn unread(unreadable: &Unreadable) -> Vec<u8> {
    let reason = format!("the request cannot be read: {}", unreadable.reason);
    match unreadable.subject {
        Some(Subject::Other) => accepted(None, Vec::new(), Audit::default()),
        Some(Subject::Hpa) => let_through(&reason),
        Some(Subject::Override) | None => refused(reason, UNREADABLE),
    }
}

fn let_through(reason: &str) -> Vec<u8> {
    let warning = format!("hpa-override: let through as sent, so an override may not stay effective: {reason}");
    accepted(None, warning_lines([warning]), Audit::new("letThrough").with("why", reason.into()))
}

fn refused(reason: String, code: u16) -> Vec<u8> {
    let audit = Audit::new("rejected").with("why", reason.clone());
    rejected(reason, code, Vec::new(), audit)
}

fn misconfigured(errors: &[String]) -> String {
    format!("the settings of this policy are not valid: {}", numbered(errors.len(), &errors.join("; ")))
}
