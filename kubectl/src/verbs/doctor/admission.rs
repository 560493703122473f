//! The admission: is it there, once, as shipped, and does it answer?

use std::collections::BTreeMap;

use hpa_override_core::Settings;
use serde_json::{Value, json};

use super::{
    certificate::valid_until,
    finding::Finding,
    look::{Look, SETTINGS_FILE},
};
use crate::{
    api::Resource,
    objects::text,
    session::Session,
    when::{distance, shown},
};

const CHECK: &str = "admission";
/// As this version ships them.
const GUARD: &str = include_str!("../../../../deploy/kubewarden/guard.yaml");
const MERGE: &str = include_str!("../../../../deploy/kubewarden/merge.yaml");
/// Kubewarden's own namespace, which it leaves out.
const KUBEWARDEN: &str = "kubewarden";
/// A certificate that lives no longer than this is renewed by nobody: own ones are renewed before a third is left.
const WEEK: i64 = 7 * 86_400;

/// Who answers admission.
struct Family {
    name: &'static str,
    guard: &'static str,
    merge: &'static str,
    remedy: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family {
        name: "Kubewarden",
        guard: "clusterwide-hpa-override-guard",
        merge: "clusterwide-hpa-override-merge",
        remedy: "apply deploy/kustomize/policies, or the chart with admission=kubewarden",
    },
    Family {
        name: "the controller's webhook",
        guard: "hpa-override-guard",
        merge: "hpa-override-merge",
        remedy: "apply deploy/kustomize/webhook, or the chart with admission=webhook",
    },
];

/// Checks it.
pub async fn check(look: &Look, session: &Session) -> Vec<Finding> {
    if let Err(failure) = &look.webhooks {
        return vec![Finding::unknown(CHECK, failure.message())];
    }
    let mut findings = Vec::new();
    let mut installed = Vec::new();
    for family in &FAMILIES {
        let (guard, merge) = (look.webhook(family.guard), look.webhook(family.merge));
        if guard.is_some() || merge.is_some() {
            installed.push(family.name);
        }
        let missing = match (guard, merge) {
            (Some(_), None) => Some(("merge", "owners' writes remove overrides until the controller writes again")),
            (None, Some(_)) => Some(("guard", "overrides are neither checked nor stamped with their requester")),
            _ => None,
        };
        if let Some((what, follows)) = missing {
            let message = format!("{} has no {what} admission: {follows}", family.name);
            findings.push(Finding::error(CHECK, message).so(family.remedy));
        }
        findings.extend(guard.into_iter().flat_map(|found| configuration(found, GUARD, look, session)));
        findings.extend(merge.into_iter().flat_map(|found| configuration(found, MERGE, look, session)));
    }
    match installed.len() {
        0 => findings.push(
            Finding::warning(
                CHECK,
                "there is none: overrides are not checked, and owners' writes remove them for a moment",
            )
            .so(FAMILIES.iter().map(|family| family.remedy).collect::<Vec<_>>().join("; or ")),
        ),
        1 => {}
        _ => findings.push(
            Finding::warning(CHECK, format!("{} are both there: releases have no effect", installed.join(" and ")))
                .so("take one of them away, see docs/webhook.md"),
        ),
    }
    findings.extend(
        ["hpa-override-guard", "hpa-override-merge"].into_iter().filter_map(|name| look.policy(name)).flat_map(policy),
    );
    let is_known = !matches!(look.crd, Ok(None));
    if is_known && FAMILIES.iter().any(|family| look.webhook(family.guard).is_some()) {
        findings.extend(answers(look, session).await);
    }
    findings
}

/// The namespaces that the settings call unguarded: those of the guard policy, and those of the controller, which has them for the
/// webhook, too.
fn unguarded(look: &Look) -> Vec<String> {
    let of_guard = look.policy("hpa-override-guard").and_then(|policy| policy.pointer("/spec/settings")).cloned();
    let maps = look.config_maps.as_deref().unwrap_or_default().iter();
    let files = maps.filter_map(|map| serde_saphyr::from_str(map.get("data")?.get(SETTINGS_FILE)?.as_str()?).ok());
    let settings = of_guard.into_iter().chain(files).filter_map(|document: Value| Settings::parse(&document).ok());
    settings.flat_map(|settings| settings.unguarded_namespaces).collect()
}

/// One configuration beside the shipped policy that it is made of.
fn configuration(found: &Value, shipped: &str, look: &Look, session: &Session) -> Vec<Finding> {
    let name = text(found, "/metadata/name");
    let policy: Value = serde_saphyr::from_str(shipped).unwrap_or_default();
    let mut findings = Vec::new();
    for webhook in found.get("webhooks").and_then(Value::as_array).into_iter().flatten() {
        let (is, wanted) = (text(webhook, "/failurePolicy"), text(&policy, "/spec/failurePolicy"));
        if is != wanted {
            let message = format!("{name}: its failurePolicy is {is}, shipped is {wanted}");
            findings.push(Finding::error(CHECK, message).so("apply the shipped manifest again"));
        }
        let (is, wanted) =
            (conditions(webhook.get("matchConditions")), conditions(policy.pointer("/spec/matchConditions")));
        let differing: Vec<&str> = wanted
            .iter()
            .filter(|(name, expression)| is.get(*name) != Some(*expression))
            .map(|(name, _)| name.as_str())
            .chain(is.keys().filter(|name| !wanted.contains_key(*name)).map(String::as_str))
            .collect();
        if !differing.is_empty() {
            let message = format!("{name}: its matchConditions are not as shipped: {}", differing.join(", "));
            findings.push(Finding::error(CHECK, message).so("apply the shipped manifest again"));
        }
        findings.extend(selectors(name, webhook, look));
        findings.extend(certificate(name, webhook, look, session));
    }
    findings
}

/// Expressions by their names; line breaks and indentation are no part of them.
fn conditions(list: Option<&Value>) -> BTreeMap<String, String> {
    let one = |each: &Value| {
        let expression = text(each, "/expression").split_whitespace().collect::<Vec<_>>().join(" ");
        (text(each, "/name").to_owned(), expression)
    };
    list.and_then(Value::as_array).into_iter().flatten().map(one).collect()
}

/// Objects or namespaces that are left out. Kubewarden leaves out its own namespace by name; others are for the settings to say.
fn selectors(name: &str, webhook: &Value, look: &Look) -> Vec<Finding> {
    let is_empty = |pointer: &str| match webhook.pointer(pointer) {
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        _ => true,
    };
    let expressions = webhook.pointer("/namespaceSelector/matchExpressions").and_then(Value::as_array);
    let unguarded = unguarded(look);
    let only_by_name = expressions.into_iter().flatten().all(|each| {
        let values = each.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let is_excluded = |name: &str| name == KUBEWARDEN || unguarded.iter().any(|known| known == name);
        text(each, "/key") == "kubernetes.io/metadata.name"
            && text(each, "/operator") == "NotIn"
            && values.into_iter().all(is_excluded)
    });
    let mut changed = Vec::new();
    if !only_by_name || !is_empty("/namespaceSelector/matchLabels") {
        changed.push("namespaceSelector");
    }
    if !is_empty("/objectSelector/matchExpressions") || !is_empty("/objectSelector/matchLabels") {
        changed.push("objectSelector");
    }
    let finding = |field: &str| {
        let message = format!(
            "{name}: its {field} leaves out what it should see: {}",
            webhook.get(field).unwrap_or(&Value::Null)
        );
        Finding::warning(CHECK, message).so("take it away, or list the namespaces in unguardedNamespaces")
    };
    changed.into_iter().map(finding).collect()
}

fn certificate(name: &str, webhook: &Value, look: &Look, session: &Session) -> Option<Finding> {
    let Some(until) = valid_until(text(webhook, "/clientConfig/caBundle")) else {
        let message = format!("{name}: there is no certificate in its caBundle, so it is never asked");
        return Some(
            Finding::error(CHECK, message)
                .so("Kubewarden writes it, or the controller with --webhook: their logs say what they lack"),
        );
    };
    let left = until.since(look.now);
    if left > WEEK {
        return None;
    }
    let message = format!(
        "{name}: the CA of its caBundle is valid until {}, {}",
        shown(until, &session.zone),
        distance(until, look.now)
    );
    let finding = if left <= 0 { Finding::error(CHECK, message) } else { Finding::warning(CHECK, message) };
    Some(finding.so("the controller that leads renews it, or cert-manager: its log says why it did not"))
}

/// A policy of Kubewarden.
fn policy(policy: &Value) -> Vec<Finding> {
    let name = text(policy, "/metadata/name");
    let mut findings = Vec::new();
    let status = text(policy, "/status/policyStatus");
    if status != "active" {
        let is = if status.is_empty() { "not scheduled" } else { status };
        let finding = Finding::error(CHECK, format!("ClusterAdmissionPolicy {name} is {is}"));
        findings.push(finding.so(format!("`kubectl describe clusteradmissionpolicy {name}` says why")));
    }
    if text(policy, "/spec/mode") == "monitor" {
        findings.push(
            Finding::error(CHECK, format!("ClusterAdmissionPolicy {name} is in mode monitor: it changes nothing"))
                .so("set mode to protect"),
        );
    }
    if policy.pointer("/spec/mutating") != Some(&Value::Bool(true)) {
        let message =
            format!("ClusterAdmissionPolicy {name} has not mutating: true: Kubewarden refuses what it would change");
        findings.push(Finding::error(CHECK, message).so("set mutating to true"));
    }
    findings
}

/// Asks the guard about an override that only it refuses; nothing is stored.
async fn answers(look: &Look, session: &Session) -> Option<Finding> {
    let (cluster, namespace) = (session.cluster().await.ok()?, session.namespace().await.ok()?);
    let why_not = |why: &str| Some(Finding::unknown(CHECK, format!("whether the guard answers: {why}")));
    if unguarded(look).contains(&namespace) {
        return why_not(&format!("namespace {namespace} is unguarded; name another by -n"));
    }
    let object = json!({
        "apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride",
        "metadata": {"name": "hpa-override-doctor", "namespace": namespace},
        "spec": {"hpa": "none", "minReplicas": 1, "duration": "1m", "schedule": {"cron": "not a schedule"}},
    });
    match cluster.create(&Resource::overrides(Some(&namespace)), &object, true).await {
        Ok(_) => {
            let message = format!("the guard is not asked about overrides in namespace {namespace}");
            Some(Finding::error(CHECK, message).so("look at its namespaceSelector, and at the API server's log"))
        }
        Err(failure) if failure.message().contains("spec.schedule.cron") => None,
        Err(failure) if failure.is_forbidden() || failure.is_not_found() => why_not(failure.message()),
        Err(failure) => {
            let message = format!("the guard does not answer, so no override can be created: {}", failure.message());
            Some(
                Finding::error(CHECK, message)
                    .so("is the policy server, or the controller with --webhook, running and reachable?"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policies_are_read() {
        for (text_of, policy) in [(GUARD, "Fail"), (MERGE, "Ignore")] {
            let shipped: Value = serde_saphyr::from_str(text_of).unwrap();
            assert_eq!(text(&shipped, "/spec/failurePolicy"), policy);
            assert_eq!(conditions(shipped.pointer("/spec/matchConditions")).len(), 2);
        }
    }
}
