//! The module itself, in the engine that policy-server runs it with: a fresh instance per request, real clock.
//!
//! It answers exactly as the code natively does, however odd the request; `fuzz.rs` asks about any.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::panic, reason = "tests")]

mod changes;
mod common;
mod promises;

use std::{
    sync::LazyLock,
    time::{Duration, Instant as Stopwatch, SystemTime, UNIX_EPOCH},
};

use common::{MODULE, payload, requests};
use hpa_override_core::{Instant, MayPatch};
use hpa_override_policy::{validate, validate_settings};
use promises::check;
use rstest::rstest;
use serde_json::{Value, json};

/// One call in an instance of its own. A trap, an error of the guest or a call to its host is an error here.
fn call(function: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
    MODULE.call_raw(function, payload).map_err(|error| error.to_string())
}

/// The module's answer, which is the native code's at an instant while it was asked.
fn answer(payload: &[u8]) -> Result<Vec<u8>, String> {
    let before = now();
    let answer = call("validate", payload)?;
    let instants = before.as_unix()..=now().as_unix();
    let mut natively = instants.map(|second| validate(payload, Instant::from_unix(second), |_| MayPatch::Unavailable));
    if natively.any(|native| native == answer) {
        Ok(answer)
    } else {
        Err(format!("not the native answer: {}", String::from_utf8_lossy(&answer)))
    }
}

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Instant::from_unix(since.as_secs().try_into().unwrap())
}

#[test]
fn speaks_version_1_of_the_protocol() {
    assert_eq!(call("protocol_version", b"").as_deref(), Ok(&br#""v1""#[..]));
}

#[rstest]
#[case::empty("{}")]
#[case::wrong(r#"{"maxDuration":"7 days","requireReason":"no","max":1}"#)]
#[case::no_json("{")]
fn validates_settings_as_natively(#[case] document: &str) {
    assert_eq!(call("validate_settings", document.as_bytes()), Ok(validate_settings(document.as_bytes())));
}

#[test]
fn every_mistake_in_the_settings_is_reported_at_once() {
    let document = json!({
        "defaultDuration": "1.5h", "maxDuration": 5, "maxPriority": "9", "requireReason": "no",
        "protectedNamespaces": "kube-system", "crossNamespace": "Some", "controllerUser": "", "replicas": 3,
    });
    let answer = call("validate_settings", document.to_string().as_bytes()).unwrap();
    let message = "8 errors: controllerUser: not the name of a user; crossNamespace: not `Deny`, `Authorized` or `Allow`; \
                   defaultDuration: `1.5h` is not a duration; write it like `90m` or `1d12h`: whole numbers with d, h, \
                   m, s in that order, above zero and at most 36500d; maxDuration: not a duration: it must be text; \
                   maxPriority: not a whole number of 32 bits; protectedNamespaces: not a list of names of namespaces; \
                   replicas: unknown setting; requireReason: not true or false";
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer, json!({"valid": false, "message": message}));
}

/// As deep as can be read goes through all of decode, clone, compare and encode; deeper is skipped.
#[rstest]
fn depth_does_not_exhaust_the_stack(#[values(100, 120, 123, 125, 127, 10_000, 1_000_000)] levels: usize) {
    for name in ["override-create-accepted", "hpa-new-numbers-recorded"] {
        let mut request = requests().remove(name).unwrap();
        request["object"]["deep"] = "deep".into();
        let deep = "[".repeat(levels) + &"]".repeat(levels);
        let payload = payload(&request, &json!({}));
        let payload = String::from_utf8(payload).unwrap().replace(r#""deep":"deep""#, &format!(r#""deep":{deep}"#));
        answer(payload.as_bytes()).unwrap();
    }
}

/// Twice what the API server stores; the host waits two seconds.
#[test]
fn large_objects_are_answered_in_time() {
    let mut request = requests().remove("hpa-new-numbers-recorded").unwrap();
    request["object"]["metadata"]["annotations"]["filling"] = "\u{e9}\\\"".repeat(750_000).into();
    let payload = payload(&request, &json!({}));
    LazyLock::force(&MODULE);
    let start = Stopwatch::now();
    let answer = call("validate", &payload).unwrap();
    println!("3 MB of annotations: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    check(&payload, &answer);
}

/// One byte above 64 KiB: the write passes as it was sent, and the record stays, also where it was left out.
#[rstest]
#[case::sent_along(true)]
#[case::left_out(false)]
fn a_record_that_is_too_long_is_kept_with_a_warning(#[case] sent: bool) {
    const RECORD: &str = "hpa-override.dev/record";
    let mut request = requests().remove("hpa-new-numbers-recorded").unwrap();
    let old = &mut request["oldObject"]["metadata"]["annotations"];
    let mut record: Value = serde_json::from_str(old[RECORD].as_str().unwrap()).unwrap();
    record["pad"] = "".into();
    record["pad"] = "x".repeat(64 * 1024 + 1 - record.to_string().len()).into();
    old[RECORD] = record.to_string().into();
    let kept = old.clone();
    request["object"]["metadata"]["annotations"] = if sent { kept.clone() } else { json!({}) };
    let mut stored = request["object"].clone();
    stored["metadata"]["annotations"] = kept;
    let answer: Value = serde_json::from_slice(&answer(&payload(&request, &json!({}))).unwrap()).unwrap();
    assert_eq!(answer["accepted"], true);
    assert_eq!(answer["mutated_object"], if sent { Value::Null } else { stored });
    assert!(answer["warnings"][0].as_str().unwrap().contains("cannot be read"), "{answer}");
}
