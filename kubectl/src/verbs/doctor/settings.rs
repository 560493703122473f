//! The settings: valid, and the same on all sides.

use hpa_override_core::Settings;
use serde_json::Value;

use super::{
    finding::Finding,
    look::{Look, SETTINGS_FILE},
};
use crate::objects::{id_of, text};

const CHECK: &str = "settings";

/// One copy of the settings.
struct Copy {
    of: String,
    document: Value,
}

/// Checks them.
pub fn check(look: &Look) -> Vec<Finding> {
    let mut findings = Vec::new();
    let controllers = controllers(look, &mut findings);
    let guards =
        look.policy("hpa-override-guard").map(|policy| copy("ClusterAdmissionPolicy hpa-override-guard", policy));
    let copies: Vec<Copy> = controllers.into_iter().chain(guards).collect();
    let mut valid = Vec::new();
    for copy in &copies {
        match Settings::parse(&copy.document) {
            Ok(settings) => valid.push((copy, settings)),
            Err(errors) => {
                let finding =
                    Finding::error(CHECK, format!("those of {} are not valid: {}", copy.of, errors.join("; ")));
                findings
                    .push(finding.so("correct them: the controller goes on with the ones before, the guard refuses"));
            }
        }
    }
    if let [(first, settings), rest @ ..] = valid.as_slice() {
        for (other, others) in rest.iter().filter(|(_, others)| others != settings) {
            let keys = differing(&first.document, &other.document);
            let _ = others;
            let message = format!("{} and {} differ in {}", first.of, other.of, keys.join(", "));
            findings.push(Finding::error(CHECK, message).so("both must have the same document"));
        }
        findings.extend(account(look, settings));
        if let Some(merge) = look.policy("hpa-override-merge") {
            let user = text(merge, "/spec/settings/controllerUser");
            if !user.is_empty() && user != settings.controller_user {
                let message = format!(
                    "the merge policy takes `{user}` for the controller, the settings say `{}`",
                    settings.controller_user
                );
                findings.push(Finding::error(CHECK, message).so("controllerUser must be the same everywhere"));
            }
        }
    }
    findings
}

/// The controller must be who the settings say.
fn account(look: &Look, settings: &Settings) -> Option<Finding> {
    let deployment = look.deployments.as_ref().ok()?.first()?;
    let account = text(deployment, "/spec/template/spec/serviceAccountName");
    let user = format!("system:serviceaccount:{}:{account}", id_of(deployment).namespace);
    (user != settings.controller_user).then(|| {
        let message = format!("the controller is `{user}`, the settings say `{}`", settings.controller_user);
        Finding::error(CHECK, message).so("set controllerUser to the first")
    })
}

fn copy(of: &str, policy: &Value) -> Copy {
    Copy { of: of.into(), document: policy.pointer("/spec/settings").cloned().unwrap_or_default() }
}

/// The settings files of the controllers, by the `ConfigMaps` that their Deployments mount.
fn controllers(look: &Look, findings: &mut Vec<Finding>) -> Vec<Copy> {
    let (Ok(deployments), config_maps) = (&look.deployments, &look.config_maps) else { return Vec::new() };
    let config_maps = match config_maps {
        Ok(config_maps) => config_maps,
        Err(failure) => {
            findings.push(Finding::unknown(CHECK, failure.message()));
            return Vec::new();
        }
    };
    let mut copies = Vec::new();
    for deployment in deployments {
        let volumes = deployment.pointer("/spec/template/spec/volumes").and_then(Value::as_array).into_iter().flatten();
        for name in volumes.map(|volume| text(volume, "/configMap/name")).filter(|name| !name.is_empty()) {
            let id = hpa_override_core::Id { namespace: id_of(deployment).namespace, name: name.into() };
            let Some(file) = config_maps
                .iter()
                .find(|map| id_of(map) == id)
                .and_then(|map| map.get("data")?.get(SETTINGS_FILE)?.as_str())
            else {
                let finding = Finding::error(
                    CHECK,
                    format!("ConfigMap {id}, which the controller mounts, has no `{SETTINGS_FILE}`"),
                );
                findings.push(finding.so("apply the manifests again"));
                continue;
            };
            match serde_saphyr::from_str(file) {
                Ok(document) => copies.push(Copy { of: format!("ConfigMap {id}"), document }),
                Err(error) => findings.push(Finding::error(CHECK, format!("ConfigMap {id} is no YAML: {error}"))),
            }
        }
    }
    copies
}

fn differing(one: &Value, other: &Value) -> Vec<String> {
    let keys = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut all: Vec<String> =
        keys(one).into_iter().chain(keys(other)).filter(|key| one.get(key) != other.get(key)).collect();
    all.sort();
    all.dedup();
    all
}
