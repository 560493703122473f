//! The requests in `test_data/`, and how the host hands them over.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::{collections::BTreeMap, fs, path::PathBuf, sync::LazyLock};

use hpa_override_testbed::Module;
use serde_json::{Value, json};

/// The module as it is shipped.
pub static MODULE: LazyLock<Module> = LazyLock::new(|| {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../dist/policy.wasm");
    assert!(path.exists(), "there is no dist/policy.wasm; run `cargo xtask dist`");
    Module::load(&path).unwrap()
});

/// What `kwctl run` takes for one request.
pub struct Sample {
    pub request: Value,
    /// Empty where there is no file `NAME.settings.json`.
    pub settings: Value,
    /// The text of `NAME.session.yml`.
    pub session: Option<String>,
}

pub fn test_data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("test_data")
}

/// Every request with what belongs to it, by the name of its file.
pub fn samples() -> BTreeMap<String, Sample> {
    let text = |name: &str, end: &str| fs::read_to_string(test_data().join(format!("{name}{end}"))).ok();
    let json = |text: String| serde_json::from_str(&text).unwrap();
    let sample = |name: &str| Sample {
        request: json(text(name, ".json").unwrap()),
        settings: text(name, ".settings.json").map_or_else(|| json!({}), json),
        session: text(name, ".session.yml"),
    };
    names().into_iter().map(|name| (name.clone(), sample(&name))).collect()
}

/// Names have no dots.
fn names() -> Vec<String> {
    let files = fs::read_dir(test_data()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = |file: String| file.strip_suffix(".json").filter(|name| !name.contains('.')).map(Into::into);
    files.filter_map(name).collect()
}

/// Every request, by the name of its file.
pub fn requests() -> BTreeMap<String, Value> {
    samples().into_iter().map(|(name, sample)| (name, sample.request)).collect()
}

/// What the host hands over.
pub fn payload(request: &Value, settings: &Value) -> Vec<u8> {
    json!({ "request": request, "settings": settings }).to_string().into_bytes()
}
