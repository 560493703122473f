//! The CRD: is it there, is v1 served, and does it know every field that this version knows?

use std::collections::BTreeSet;

use serde_json::Value;

use super::{finding::Finding, look::Look};
use crate::objects::text;

const CHECK: &str = "CRD";
/// As this version ships it.
const SHIPPED: &str = include_str!("../../../../crd/crd.yaml");

/// Checks it.
pub fn check(look: &Look) -> Vec<Finding> {
    let crd = match &look.crd {
        Ok(Some(crd)) => crd,
        Ok(None) => {
            let finding = Finding::error(CHECK, "autoscaleroverrides.hpa-override.dev is not installed");
            return vec![finding.so("install hpa-override, see the README")];
        }
        Err(failure) => return vec![Finding::unknown(CHECK, failure.message())],
    };
    let conditions = crd.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let is_established =
        conditions.clone().any(|each| text(each, "/type") == "Established" && text(each, "/status") == "True");
    if !is_established {
        let why: Vec<String> = conditions
            .filter(|each| text(each, "/status") == "False")
            .map(|each| text(each, "/message").into())
            .collect();
        return vec![Finding::error(CHECK, format!("it is not established: {}", why.join("; ")))];
    }
    let Some(served) = version(crd).filter(|version| version.get("served") == Some(&Value::Bool(true))) else {
        return vec![Finding::error(CHECK, "its version v1 is not served").so("apply the CRD of this version")];
    };
    let shipped: Value = serde_saphyr::from_str(SHIPPED).unwrap_or_default();
    let wanted = version(&shipped).map(|version| fields(version, "/schema/openAPIV3Schema")).unwrap_or_default();
    let there = fields(served, "/schema/openAPIV3Schema");
    let missing: Vec<&str> = wanted.difference(&there).map(String::as_str).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let finding = Finding::warning(CHECK, format!("it is of another version: it lacks {}", missing.join(", ")));
    vec![finding.so("apply the CRD of this version: the API server drops fields that it does not know")]
}

fn version(crd: &Value) -> Option<&Value> {
    crd.pointer("/spec/versions")?.as_array()?.iter().find(|version| text(version, "/name") == "v1")
}

/// The paths of all fields of a schema.
fn fields(holder: &Value, pointer: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Some(schema) = holder.pointer(pointer) {
        collect(schema, "", &mut found);
    }
    found
}

fn collect(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        collect(field, &path, found);
        found.insert(path);
    }
    if let Some(items) = schema.get("items") {
        collect(items, path, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_one_has_fields() {
        let shipped: Value = serde_saphyr::from_str(SHIPPED).unwrap();
        let fields = fields(version(&shipped).unwrap(), "/schema/openAPIV3Schema");
        assert!(
            ["spec.hpa", "spec.schedule.cron", "status.conditions.reason"].iter().all(|path| fields.contains(*path))
        );
    }
}
