//! The module runner: fresh memory, settings, calls to the host.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/guests.rs"]
mod guests;

use std::sync::Arc;

use hpa_override_testbed::{CallError, HostAnswer, HostCalls, Module, PolicyConfig, PolicyHost};
use serde_json::json;

#[test]
fn every_call_finds_fresh_memory() {
    let module = Module::from_bytes(&guests::counting()).unwrap();
    assert_eq!(module.call_raw("validate", b"").unwrap(), b"1");
    assert_eq!(module.call_raw("validate", b"").unwrap(), b"1");
}

#[test]
fn calls_in_parallel_do_not_disturb_each_other() {
    let module = Module::from_bytes(&guests::echoing()).unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let module = &module;
            scope.spawn(move || {
                for _ in 0..50 {
                    assert_eq!(module.validate(&json!(number)).unwrap(), json!(number));
                }
            });
        }
    });
}

#[test]
fn without_host_functions_a_call_to_the_host_is_an_error_of_the_guest_to_handle() {
    let module = Module::from_bytes(&guests::calling_its_host()).unwrap();
    let answer = module.call_raw("validate", b"").unwrap();
    let text = String::from_utf8(answer).unwrap();
    assert!(text.ends_with("unsupported host call: kubewarden kubernetes/can_i"), "{text}");
}

struct Allowed;

impl HostCalls for Allowed {
    fn call(&self, _: &str, _: &str, operation: &str, _: &[u8]) -> HostAnswer {
        Ok(format!("{operation}: yes").into_bytes())
    }
}

#[test]
fn host_functions_can_be_given() {
    let module = Module::from_bytes(&guests::calling_its_host()).unwrap().with_host_calls(Arc::new(Allowed));
    assert_eq!(module.call_raw("validate", b"").unwrap(), b"can_i: yes");
}

#[test]
fn a_guest_that_does_not_start_says_so() {
    let module = Module::from_bytes(&guests::trapping_at_start()).unwrap();
    assert!(matches!(module.call_raw("validate", b""), Err(CallError::Init(_))));
}

#[test]
fn what_is_no_module_is_not_loaded() {
    let error = Module::from_bytes(b"nonsense").unwrap_err();
    assert_eq!(error.to_string(), "failed to compile the module");
}

#[test]
fn a_host_does_not_start_with_settings_that_the_policy_refuses() {
    let module = Module::from_bytes(&guests::with_bad_settings("key x is unknown")).unwrap();
    let policies = vec![PolicyConfig::new("guard", json!({"x": 1}))];
    let error = PolicyHost::start_with(module, policies, hpa_override_testbed::HostOptions::default()).unwrap_err();
    let text = format!("{error:#}");
    assert_eq!(text, "failed to start the policy guard: Policy settings are invalid: key x is unknown");
}
