//! The rights of the controller, and who may create overrides.

use futures::future::join_all;
use hpa_override_core::Settings;
use serde_json::{Value, json};

use super::{
    finding::Finding,
    look::{Look, arguments, lease_name},
};
use crate::{
    api::Resource,
    cluster::Cluster,
    objects::{items, text},
};

const CHECK: &str = "rights";
/// As this version ships them.
const SHIPPED: &str = include_str!("../../../../deploy/rbac/rbac.yaml");
/// Rules that may be left out, by their resource: a status says less without them.
const OPTIONAL: [&str; 2] = ["*/scale", "mutatingwebhookconfigurations"];

/// One right.
struct Right {
    namespace: Option<String>,
    group: String,
    resource: String,
    subresource: String,
    name: String,
    verb: String,
}

/// Checks them.
pub async fn check(look: &Look, cluster: &Cluster) -> Vec<Finding> {
    let mut findings = Vec::new();
    let user = controller_user(look);
    let deployment = look.deployments.as_ref().ok().and_then(|deployments| deployments.first());
    match missing(cluster, &user, &shipped(deployment)).await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => {
            let finding = Finding::error(CHECK, format!("the controller `{user}` may not {}", missing.join("; ")));
            findings.push(finding.so("kubectl apply -k deploy/rbac, or helm upgrade"));
        }
        Err(why) => findings.push(Finding::unknown(CHECK, format!("those of the controller: {why}"))),
    }
    match creators(cluster).await {
        Ok(creators) if creators.is_empty() => {
            findings.push(Finding::note(CHECK, "nobody but cluster administrators may create overrides"));
        }
        Ok(creators) => {
            findings.push(Finding::note(CHECK, format!("overrides may be created by {}", creators.join("; "))));
        }
        Err(why) => findings.push(Finding::unknown(CHECK, format!("who may create overrides: {why}"))),
    }
    findings
}

/// The controller's account: that of its Deployment, else the one that the settings name.
fn controller_user(look: &Look) -> String {
    let deployment = look.deployments.as_ref().ok().and_then(|deployments| deployments.first());
    let account = deployment
        .map(|each| (text(each, "/metadata/namespace"), text(each, "/spec/template/spec/serviceAccountName")));
    match account {
        Some((namespace, account)) if !account.is_empty() => format!("system:serviceaccount:{namespace}:{account}"),
        _ => Settings::default().controller_user,
    }
}

async fn missing(cluster: &Cluster, user: &str, rights: &[Right]) -> Result<Vec<String>, String> {
    let groups = match user.split(':').collect::<Vec<_>>().as_slice() {
        ["system", "serviceaccount", namespace, _] => {
            vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".into(),
            ]
        }
        _ => vec!["system:authenticated".into()],
    };
    let resource = Resource::at("SubjectAccessReview", "/apis/authorization.k8s.io/v1/subjectaccessreviews");
    let asked = rights.iter().map(|right| {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": groups, "resourceAttributes": {
                "namespace": right.namespace, "group": right.group, "resource": right.resource,
                "subresource": right.subresource, "name": right.name, "verb": right.verb}},
        });
        let resource = &resource;
        async move { cluster.create(resource, &review, false).await }
    });
    let mut missing = Vec::new();
    for (right, answer) in rights.iter().zip(join_all(asked).await) {
        let answer = answer.map_err(|failure| failure.message().to_owned())?;
        if answer.object.pointer("/status/allowed") != Some(&Value::Bool(true)) {
            let subresource =
                if right.subresource.is_empty() { String::new() } else { format!("/{}", right.subresource) };
            let place = right.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
            missing.push(format!("{} {}{subresource}{place}", right.verb, right.resource));
        }
    }
    Ok(missing)
}

/// The rights that the controller cannot do without, as this installation needs them: its Lease is in its own namespace, and with
/// `--namespace` it serves some namespaces only.
fn shipped(deployment: Option<&Value>) -> Vec<Right> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(SHIPPED).unwrap_or_default();
    let served: Vec<Option<String>> =
        deployment.map(|each| arguments(each, "--namespace")).unwrap_or_default().into_iter().map(Some).collect();
    let everywhere = if served.is_empty() { vec![None] } else { served };
    let mut rights = Vec::new();
    for role in documents.iter().filter(|each| matches!(text(each, "/kind"), "ClusterRole" | "Role")) {
        let own =
            deployment.map_or_else(|| text(role, "/metadata/namespace"), |each| text(each, "/metadata/namespace"));
        for rule in role.get("rules").and_then(Value::as_array).into_iter().flatten() {
            let group = list(rule, "apiGroups").first().cloned().unwrap_or_default();
            let places = match text(role, "/kind") {
                "Role" => vec![Some(own.to_owned())],
                // These reviews are of no namespace.
                _ if group == "authorization.k8s.io" => vec![None],
                _ => everywhere.clone(),
            };
            let is_named = !list(rule, "resourceNames").is_empty();
            let name =
                if is_named { deployment.map_or_else(|| "hpa-override".into(), lease_name) } else { String::new() };
            for resource in
                list(rule, "resources").into_iter().filter(|resource| !OPTIONAL.contains(&resource.as_str()))
            {
                let (resource, subresource) = resource.split_once('/').unwrap_or((&resource, ""));
                for verb in list(rule, "verbs") {
                    rights.extend(places.iter().map(|namespace| Right {
                        namespace: namespace.clone(),
                        group: group.clone(),
                        resource: resource.to_owned(),
                        subresource: subresource.to_owned(),
                        name: name.clone(),
                        verb: verb.clone(),
                    }));
                }
            }
        }
    }
    rights
}

fn list(rule: &Value, key: &str) -> Vec<String> {
    let all = rule.get(key).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|each| Some(each.as_str()?.to_owned())).collect()
}

/// Who may create overrides by a role that says so, and where.
async fn creators(cluster: &Cluster) -> Result<Vec<String>, String> {
    let rbac = |kind, plural: &str| Resource::at(kind, format!("/apis/rbac.authorization.k8s.io/v1/{plural}"));
    let (cluster_roles, roles, cluster_bindings, bindings) = (
        rbac("ClusterRole", "clusterroles"),
        rbac("Role", "roles"),
        rbac("ClusterRoleBinding", "clusterrolebindings"),
        rbac("RoleBinding", "rolebindings"),
    );
    let (cluster_roles, roles, cluster_bindings, bindings) = tokio::join!(
        cluster.list(&cluster_roles, None),
        cluster.list(&roles, None),
        cluster.list(&cluster_bindings, None),
        cluster.list(&bindings, None),
    );
    let read = |answer: crate::failure::Outcome<crate::api::Answer>| {
        answer.map(items).map_err(|failure| failure.message().to_owned())
    };
    let roles: Vec<(String, String)> = read(cluster_roles)?
        .iter()
        .chain(&read(roles)?)
        .filter(|role| may_create(role))
        .map(|role| (text(role, "/metadata/namespace").to_owned(), text(role, "/metadata/name").to_owned()))
        .collect();
    let mut found = Vec::new();
    for binding in read(cluster_bindings)?.iter().chain(&read(bindings)?) {
        let namespace = text(binding, "/metadata/namespace");
        let of = if text(binding, "/roleRef/kind") == "Role" { namespace } else { "" };
        let role = (of.to_owned(), text(binding, "/roleRef/name").to_owned());
        if !roles.contains(&role) {
            continue;
        }
        let place = if namespace.is_empty() { "everywhere".to_owned() } else { format!("in {namespace}") };
        for subject in binding.get("subjects").and_then(Value::as_array).into_iter().flatten() {
            found.push(format!("{} {} {place}", text(subject, "/kind").to_lowercase(), text(subject, "/name")));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Roles that mean everything are those of administrators.
fn may_create(role: &Value) -> bool {
    let has = |rule: &Value, key: &str, wanted: &str| {
        rule.get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .any(|each| each == wanted || (each == "*" && key != "apiGroups"))
    };
    let rules = role.get("rules").and_then(Value::as_array).into_iter().flatten();
    rules.into_iter().any(|rule| {
        has(rule, "apiGroups", "hpa-override.dev")
            && has(rule, "resources", "autoscaleroverrides")
            && has(rule, "verbs", "create")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rights_are_read() {
        let rights = shipped(None);
        let has =
            |verb: &str, resource: &str| rights.iter().any(|right| right.verb == verb && right.resource == resource);
        assert!(
            has("patch", "horizontalpodautoscalers") && has("update", "leases") && has("list", "autoscaleroverrides")
        );
        assert!(!rights.iter().any(|right| right.resource == "*"));
    }

    #[test]
    fn they_are_asked_for_where_the_controller_is() {
        let args = json!(["--namespace=shop,ops", "--lease-name=mine"]);
        let deployment = json!({"metadata": {"namespace": "platform"}, "spec": {"template": {"spec": {"containers": [{ "args": args }]}}}});
        let rights = shipped(Some(&deployment));
        let places = |verb: &str, resource: &str| {
            let of = rights.iter().filter(|right| right.verb == verb && right.resource == resource);
            of.map(|right| (right.namespace.as_deref(), right.name.as_str())).collect::<Vec<_>>()
        };
        assert_eq!(places("update", "leases"), [(Some("platform"), "mine")]);
        assert_eq!(places("patch", "horizontalpodautoscalers"), [(Some("shop"), ""), (Some("ops"), "")]);
        assert_eq!(places("create", "subjectaccessreviews"), [(None, "")]);
    }
}
