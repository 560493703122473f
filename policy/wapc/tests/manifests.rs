//! The policies in `deploy/kubewarden/` fit the module, its metadata and each other.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use hpa_override_core::{GROUP, PLURAL, RECORD_ANNOTATION, Settings};
use hpa_override_policy::validate_settings;
use serde_json::{Value, json};

fn text(path: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap()
}

fn policies() -> [Value; 2] {
    ["guard", "merge"].map(|name| yaml(&format!("deploy/kubewarden/{name}.yaml")))
}

#[test]
fn both_run_this_module_in_this_version() {
    let uri = yaml("policy/wapc/metadata.yml")["annotations"]["io.kubewarden.policy.ociUrl"].clone();
    let module = format!("registry://{}:v{}", uri.as_str().unwrap(), env!("CARGO_PKG_VERSION"));
    for policy in policies() {
        assert_eq!(policy["apiVersion"], "policies.kubewarden.io/v1");
        assert_eq!(policy["kind"], "ClusterAdmissionPolicy");
        assert_eq!(policy["spec"]["module"], module.as_str());
        assert_eq!(policy["spec"]["mutating"], true);
        assert_eq!(policy["spec"]["backgroundAudit"], false);
    }
}

#[test]
fn together_they_ask_for_what_the_metadata_names() {
    let rules = |value: &Value| value.as_array().unwrap().iter().map(Value::to_string).collect::<BTreeSet<_>>();
    let [guard, merge] = policies();
    let asked = rules(&guard["spec"]["rules"]).union(&rules(&merge["spec"]["rules"])).cloned().collect::<BTreeSet<_>>();
    assert_eq!(asked, rules(&yaml("policy/wapc/metadata.yml")["rules"]));
}

#[test]
fn the_guard_fails_closed_everywhere() {
    let [guard, _] = policies();
    let spec = &guard["spec"];
    assert_eq!(spec["failurePolicy"], "Fail");
    assert_eq!(spec["allowInsideAdmissionControllerNamespace"], true);
    assert_eq!(spec["rules"][0]["apiGroups"], json!([GROUP]));
    assert_eq!(spec["rules"][0]["resources"], json!([PLURAL]));
}

#[test]
fn the_merge_fails_open_and_asks_only_about_records() {
    let [_, merge] = policies();
    let spec = &merge["spec"];
    assert_eq!(spec["failurePolicy"], "Ignore");
    assert_eq!(spec["timeoutSeconds"], 2);
    for condition in spec["matchConditions"].as_array().unwrap() {
        let expression = condition["expression"].as_str().unwrap();
        assert!(expression.contains(&format!("'{RECORD_ANNOTATION}'")), "{expression}");
        let guards = expression.matches("has(object.metadata.annotations) &&").count();
        assert_eq!(guards, expression.matches("in object.metadata.annotations").count(), "{expression}");
        let guards = expression.matches("oldObject != null && has(oldObject.metadata.annotations) &&").count();
        assert_eq!(guards, expression.matches("in oldObject.metadata.annotations").count(), "{expression}");
    }
}

#[test]
fn the_settings_are_valid() {
    for policy in policies() {
        let answer: Value =
            serde_json::from_slice(&validate_settings(policy["spec"]["settings"].to_string().as_bytes())).unwrap();
        assert_eq!(answer, json!({"valid": true, "message": null}));
    }
}

/// Taking a comment mark away changes nothing, but for `maxDuration`, which has no default.
#[test]
fn the_commented_settings_are_the_defaults() {
    let text = text("deploy/kubewarden/guard.yaml");
    let (_, settings) = text.split_once("  settings:\n").unwrap();
    let uncommented = settings.lines().map(|line| line.replacen("    # ", "    ", 1) + "\n");
    let shown: Value = serde_saphyr::from_str(&uncommented.collect::<String>()).unwrap();
    let mut shown = shown.as_object().unwrap().clone();
    assert_eq!(shown.remove("maxDuration"), Some("7d".into()));
    assert_eq!(shown.remove("replicaCeiling"), Some(500.into()));
    assert_eq!(Settings::parse(&shown.into()), Ok(Settings::default()));
}
