//! kubeconform on what the chart renders. The schemas of Kubernetes' kinds are made from what this very API server says of them, so
//! that no network is needed.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use hpa_override_testbed::{ControlPlane, Identity};
use serde_json::{Map, Value, json};

/// Where kubeconform finds the schema of a kind.
const LAYOUT: &str = "{{.Group}}-{{.ResourceKind}}-{{.ResourceAPIVersion}}.json";
const DEFINITIONS: &str = "definitions.json";

/// Writes the schemas of all kinds that the API server serves into `folder`.
pub fn write_schemas(plane: &ControlPlane, folder: &Path) {
    let output = plane.kubectl(&Identity::Admin).unwrap().args(["get", "--raw", "/openapi/v2"]).output().unwrap();
    let api: Value = serde_json::from_slice(&output.stdout).unwrap();
    let definitions = api["definitions"].as_object().unwrap();
    let strict: Map<String, Value> = definitions.iter().map(|(name, schema)| (name.clone(), strict(schema))).collect();
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(DEFINITIONS), json!({ "definitions": strict }).to_string()).unwrap();
    for (name, schema) in definitions {
        for kind in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let text = |key: &str| kind[key].as_str().unwrap().to_lowercase();
            // What kubeconform takes for the group is what stands in front of the slash: `v1` where there is none.
            let group = if text("group").is_empty() { text("version") } else { text("group") };
            let file = format!("{group}-{}-{}.json", text("kind"), text("version"));
            let schema = json!({"$ref": format!("{DEFINITIONS}#/definitions/{name}")});
            fs::write(folder.join(file), schema.to_string()).unwrap();
        }
    }
}

/// Without fields that it does not know, and with the two types that the API server's schema calls text.
fn strict(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if schema["format"] == "int-or-string" {
        return json!({"type": ["integer", "string"]});
    }
    let is_closed = schema["properties"].is_object() && schema["x-kubernetes-preserve-unknown-fields"].is_null();
    if is_closed && schema["additionalProperties"].is_null() {
        schema["additionalProperties"] = false.into();
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(|property| *property = strict(property));
    }
    schema
}

/// What kubeconform says of the manifests in a file: how many are valid, skipped, and what is wrong with the others.
pub fn validate(schemas: &Path, file: &Path, skipped: &str) -> (usize, Vec<String>) {
    let program = std::env::var_os("HPA_OVERRIDE_KUBECONFORM");
    let program = program.unwrap_or_else(|| panic!("HPA_OVERRIDE_KUBECONFORM names kubeconform: `cargo xtask chart`"));
    let layout = schemas.join(LAYOUT);
    let mut command = Command::new(program);
    command
        .args(["-strict", "-verbose", "-output", "json", "-skip", skipped, "-schema-location"])
        .arg(layout)
        .arg(file);
    let output = command.output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let mut by_status: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for resource in answer["resources"].as_array().unwrap() {
        let said = format!("{} {}: {}", resource["kind"], resource["name"], resource["msg"]);
        by_status.entry(resource["status"].as_str().unwrap()).or_default().push(said);
    }
    let valid = by_status.remove("statusValid").unwrap_or_default().len();
    by_status.remove("statusSkipped");
    (valid, by_status.into_values().flatten().collect())
}
