//! The requests in `test_data/`, and how the host hands them over.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Value, json};

pub fn test_data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("test_data")
}

/// Every request, by the name of its file.
pub fn requests() -> BTreeMap<String, Value> {
    let paths = fs::read_dir(test_data()).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
    };
    paths.filter(|path| path.extension().is_some_and(|end| end == "json")).map(read).collect()
}

/// What the host hands over.
pub fn payload(request: &Value, settings: &Value) -> Vec<u8> {
    json!({ "request": request, "settings": settings }).to_string().into_bytes()
}
