//! The files, as they are in the repository.

use std::{fs, path::PathBuf};

use serde_json::Value;

pub const CLUSTERWIDE: &str = "deploy/kubewarden";
pub const NAMESPACED: &str = "deploy/kubewarden/namespaced";
pub const KUSTOMIZE: &str = "deploy/kustomize/policies";
/// The configurations of the controller's own webhook.
pub const WEBHOOK: &str = "deploy/kustomize/webhook";
/// Every folder with the two policies.
pub const FOLDERS: [&str; 3] = [CLUSTERWIDE, NAMESPACED, KUSTOMIZE];

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn guard(folder: &str) -> Value {
    yaml(&format!("{folder}/guard.yaml"))
}

pub fn merge(folder: &str) -> Value {
    yaml(&format!("{folder}/merge.yaml"))
}

/// Both policies of every folder.
pub fn policies() -> Vec<Value> {
    FOLDERS.iter().flat_map(|folder| [guard(folder), merge(folder)]).collect()
}

pub fn metadata() -> Value {
    yaml("policy/wapc/metadata.yml")
}
