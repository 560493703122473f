//! One block of settings, in the controller's file and in every policy.

use hpa_override_core::Settings;
use hpa_override_policy::validate_settings;
use serde_json::{Value, json};

use crate::files::{FOLDERS, guard, merge, policies, text, yaml};

const SOURCE: &str = "deploy/kustomize/base/settings.yaml";

#[test]
fn all_policies_have_the_settings_of_the_controller() {
    let source = yaml(SOURCE);
    for folder in FOLDERS {
        assert_eq!(guard(folder)["spec"]["settings"], source, "{folder}");
        let user = json!({"controllerUser": source["controllerUser"]});
        assert_eq!(merge(folder)["spec"]["settings"], user, "{folder}");
    }
}

#[test]
fn they_are_valid() {
    for policy in policies() {
        let answer: Value =
            serde_json::from_slice(&validate_settings(policy["spec"]["settings"].to_string().as_bytes())).unwrap();
        assert_eq!(answer, json!({"valid": true, "message": null}));
    }
}

/// policy-server accepts everything there unseen.
#[test]
fn overrides_in_kubewardens_namespace_are_not_applied() {
    let settings = Settings::parse(&yaml(SOURCE)).unwrap();
    assert_eq!(settings, Settings { unguarded_namespaces: vec!["kubewarden".into()], ..Settings::default() });
}

/// Every setting is shown, and taking a comment mark away changes nothing, but for the three that have no default.
#[test]
fn the_commented_settings_are_the_defaults() {
    let uncommented = text(SOURCE).lines().map(uncommented).collect::<String>();
    let mut shown: Value = serde_saphyr::from_str(&uncommented).unwrap();
    let shown = shown.as_object_mut().unwrap();
    let mut keys: Vec<_> = Settings::ALL.iter().map(|row| row.key).collect();
    keys.sort_unstable();
    assert_eq!(shown.keys().collect::<Vec<_>>(), keys);
    assert_eq!(shown.remove("maxDuration"), Some("7d".into()));
    assert_eq!(shown.remove("replicaCeiling"), Some(500.into()));
    assert_eq!(shown.remove("maxFactor"), Some(10.into()));
    shown.remove("unguardedNamespaces");
    assert_eq!(Settings::parse(&shown.clone().into()), Ok(Settings::default()));
}

fn uncommented(line: &str) -> String {
    let is_setting = Settings::ALL.iter().any(|row| line.starts_with(&format!("# {}: ", row.key)));
    format!("{}\n", if is_setting { line.trim_start_matches("# ") } else { line })
}
