//! The waPC side: registers the functions that Kubewarden calls, and reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use hpa_override_core::{Instant, MayPatch, Question};
use kubewarden_policy_sdk::{
    protocol_version_guest,
    wapc_guest::{CallResult, host_call, register_function},
};

/// The host calls it first.
#[expect(unsafe_code, reason = "the host finds the function by this name")]
#[unsafe(no_mangle)]
extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings);
    register_function("protocol_version", protocol_version_guest);
}

// The signature is waPC's. An error would reach the client as a refusal, so there is none.
#[expect(clippy::unnecessary_wraps, reason = "the signature is waPC's")]
fn validate(payload: &[u8]) -> CallResult {
    Ok(crate::validate(payload, now(), may_patch))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature is waPC's")]
fn validate_settings(payload: &[u8]) -> CallResult {
    Ok(crate::validate_settings(payload))
}

/// The only clock read, once per decision, floored to whole seconds.
fn now() -> Instant {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Instant::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Asks the host, which asks the cluster by a `SubjectAccessReview`.
fn may_patch(question: &Question) -> MayPatch {
    crate::may_patch(question, |request| host_call("kubewarden", "kubernetes", "can_i", request))
}
