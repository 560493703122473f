//! The metadata names what the module asks its host, and nothing that it does not.

use std::{
    collections::BTreeSet,
    error::Error,
    sync::{Arc, Mutex},
};

use hpa_override_testbed::{HostCalls, Module};
use serde_json::{Value, json};

use crate::{
    common::{payload, requests},
    files::{metadata, root},
};

/// Remembers what it is asked, and answers everything with the same.
struct Recorder {
    asked: Mutex<BTreeSet<String>>,
    answer: Result<Value, &'static str>,
}

impl HostCalls for Recorder {
    fn call(
        &self,
        binding: &str,
        namespace: &str,
        operation: &str,
        _: &[u8],
    ) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        assert_eq!(binding, "kubewarden");
        self.asked.lock().unwrap().insert(format!("{namespace}/{operation}"));
        Ok(self.answer.clone()?.to_string().into_bytes())
    }
}

/// Every request in `test_data/`, under settings that make it ask and under those that do not.
fn asked(settings: &[Value], answer: &Result<Value, &'static str>) -> BTreeSet<String> {
    let recorder = Arc::new(Recorder { asked: Mutex::default(), answer: answer.clone() });
    let module = Module::load(&root().join("dist/policy.wasm"));
    let module = module.unwrap_or_else(|error| panic!("no module: run `cargo xtask dist` first; {error:#}"));
    let module = module.with_host_calls(recorder.clone());
    for settings in settings {
        module.call_raw("validate_settings", settings.to_string().as_bytes()).unwrap();
        for request in requests().values() {
            module.call_raw("validate", &payload(request, settings)).unwrap();
        }
    }
    recorder.asked.lock().unwrap().clone()
}

#[test]
fn what_the_module_asks_is_what_the_metadata_names() {
    let named: BTreeSet<String> = serde_json::from_value(metadata()["hostCapabilities"].clone()).unwrap();
    let settings = [
        json!({}),
        json!({"authorizeRequester": true, "crossNamespace": "Authorized"}),
        json!({"authorizeRequester": true, "crossNamespace": "Allow", "overrideOwnedHpas": true, "directions": "UpOnly"}),
    ];
    for answer in [Ok(json!({"allowed": true})), Ok(json!({"allowed": false})), Ok(json!(7)), Err("no cluster")] {
        assert_eq!(asked(&settings, &answer), named, "{answer:?}");
    }
}

#[test]
fn by_default_it_asks_nothing() {
    assert_eq!(asked(&[json!({}), json!({"crossNamespace": "Allow"})], &Ok(json!({"allowed": true}))), BTreeSet::new());
}

#[test]
fn it_looks_nothing_up() {
    assert_eq!(metadata()["contextAwareResources"], json!([]));
}
