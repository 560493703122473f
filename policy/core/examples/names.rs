//! Prints the public names that are not in the CRD, by kind, as JSON: what `cargo xtask promise` compares.

use std::{collections::BTreeSet, error::Error, io::stdout};

use hpa_override_core::{Code, Phase, Reason, Record, Settings, value::settings::namespace_rule::NamespaceRule};
use hpa_override_crd::{ANNOTATIONS, ConditionType};
use serde_json::{Value, json};

/// A record with every key. One that this version does not know is left out of what is printed.
const RECORD: &str = r#"{
    "v": 1, "rev": 3, "asOf": "2026-11-27T06:00:00Z",
    "desired": {"minReplicas": 2, "maxReplicas": 5},
    "effective": {"minReplicas": 40, "maxReplicas": 60},
    "ours": {"minReplicas": [40], "maxReplicas": [60]},
    "layers": [{"by": "shop/a", "uid": "u", "generation": 1, "priority": 5, "mode": "Set", "minReplicas": 40,
                "maxReplicas": "current+50%", "current": 40, "until": "2026-11-27T23:00:00Z", "returnOver": "10m"}],
    "gradualReturn": {"by": "shop/b", "from": {"minReplicas": 40, "maxReplicas": 60}, "at": "2026-11-27T06:00:00Z",
                      "over": "10m"},
    "limits": {"ceiling": 500, "factor": 10, "upOnly": true},
    "owners": [{"manager": "argocd", "operation": "Apply", "apiVersion": "autoscaling/v2", "fields": ["maxReplicas"]}]
}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::ALL.iter().map(|setting| match setting.default {
        Some(default) => format!("{}: {default}", setting.key),
        None => setting.key.to_owned(),
    });
    let names = json!({
        "annotations": ANNOTATIONS,
        "codes": codes()?,
        "conditionTypes": ConditionType::ALL.map(ConditionType::as_str),
        "phases": Phase::ALL.map(Phase::as_str),
        "reasons": Reason::ALL.map(Reason::as_str),
        "recordKeys": record_keys()?,
        "settings": settings.chain(NamespaceRule::KEYS.map(|key| format!("namespaces[].{key}"))).collect::<Vec<_>>(),
    });
    serde_json::to_writer(stdout().lock(), &names)?;
    Ok(())
}

/// Each with what it is: a warning that became an error would refuse what was accepted.
fn codes() -> Result<Vec<String>, Box<dyn Error>> {
    let severity = |code: &Code| if code.is_warning() { "warning" } else { "error" };
    let named = |code| Ok(format!("{}: {}", serde_json::to_value(code)?.as_str().unwrap_or_default(), severity(code)));
    Code::ALL.iter().map(named).collect()
}

fn record_keys() -> Result<BTreeSet<String>, Box<dyn Error>> {
    let mut record = Record::parse(RECORD).map_err(|_| "the record of this program cannot be read")?;
    record.unknown.clear();
    record.layers.iter_mut().for_each(|layer| layer.unknown.clear());
    record.gradual_return.iter_mut().for_each(|returning| returning.unknown.clear());
    record.limits.unknown.clear();
    let mut keys = BTreeSet::new();
    collect("", &serde_json::to_value(record)?, &mut keys);
    Ok(keys)
}

/// The paths of all keys; those of a list's items after `[]`.
fn collect(path: &str, value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            collect(&path, value, keys);
            keys.insert(path);
        }),
        Value::Array(items) => items.iter().for_each(|item| collect(&format!("{path}[]"), item, keys)),
        _ => {}
    }
}
