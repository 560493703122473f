//! What there is in the cluster, as far as this user may read it. Each part is read by itself.

use hpa_override_crd::Instant;
use serde_json::Value;

use crate::{
    api::{CRD, Resource},
    cluster::Cluster,
    failure::{Failure, Outcome},
    objects::{self, items, text},
    session::Session,
    verbs::version::CONTROLLER,
};

/// What was read. A part that could not be is the reason why.
pub struct Look {
    /// The time of the API server.
    pub now: Instant,
    /// The CRD; none where it is not there.
    pub crd: Outcome<Option<Value>>,
    /// `MutatingWebhookConfigurations`.
    pub webhooks: Outcome<Vec<Value>>,
    /// `ClusterAdmissionPolicies` of Kubewarden; none where Kubewarden is not there.
    pub policies: Outcome<Vec<Value>>,
    /// The controller's Deployments.
    pub deployments: Outcome<Vec<Value>>,
    /// Leases by which its replicas elect a leader.
    pub leases: Outcome<Vec<Value>>,
    /// The `ConfigMaps` in the namespaces of the Deployments.
    pub config_maps: Outcome<Vec<Value>>,
    /// All overrides.
    pub overrides: Outcome<Vec<Value>>,
    /// All HPAs.
    pub hpas: Outcome<Vec<Value>>,
}

/// The Lease, unless `--lease-name` names another.
const LEASE: &str = "hpa-override";
/// The settings in a `ConfigMap` of the controller.
pub const SETTINGS_FILE: &str = "settings.yaml";

impl Look {
    /// Reads what there is.
    pub async fn read(cluster: &Cluster, session: &Session) -> Self {
        let (crds, webhooks, deployments) = (Resource::crds(), Resource::webhooks(), Resource::deployments());
        let policies =
            Resource::at("ClusterAdmissionPolicy", "/apis/policies.kubewarden.io/v1/clusteradmissionpolicies");
        let leases = Resource::at("Lease", "/apis/coordination.k8s.io/v1/leases");
        let overrides = Resource::overrides(None);
        let (crd, webhooks, policies, deployments, leases, overrides, hpas) = tokio::join!(
            cluster.get(&crds, CRD),
            cluster.list(&webhooks, None),
            cluster.list(&policies, None),
            cluster.list(&deployments, Some(CONTROLLER)),
            cluster.list(&leases, None),
            cluster.list(&overrides, None),
            objects::hpas(cluster, None, None),
        );
        let now = overrides.as_ref().ok().and_then(|answer| answer.now);
        let now = now.or_else(|| crd.as_ref().ok().and_then(|answer| answer.now)).unwrap_or_else(|| session.now());
        let deployments = deployments.map(items);
        let config_maps = config_maps(cluster, deployments.as_deref().unwrap_or_default()).await;
        let names: Vec<String> = match &deployments {
            Ok(deployments) => deployments.iter().map(lease_name).chain([LEASE.to_owned()]).collect(),
            Err(_) => vec![LEASE.to_owned()],
        };
        let is_ours = |lease: &Value| names.iter().any(|name| name == text(lease, "/metadata/name"));
        Self {
            now,
            crd: found(crd.map(|answer| answer.object)),
            webhooks: webhooks.map(items),
            policies: found(policies.map(items)).map(Option::unwrap_or_default),
            deployments,
            leases: leases.map(|leases| items(leases).into_iter().filter(is_ours).collect()),
            config_maps,
            overrides: overrides.map(items),
            hpas,
        }
    }

    /// The webhook configuration with that name.
    pub fn webhook(&self, name: &str) -> Option<&Value> {
        named(self.webhooks.as_ref().ok()?, name)
    }

    /// The policy of Kubewarden with that name.
    pub fn policy(&self, name: &str) -> Option<&Value> {
        named(self.policies.as_ref().ok()?, name)
    }
}

/// The values of an argument of the controller, as `--name=value` or as two words.
pub fn arguments(deployment: &Value, name: &str) -> Vec<String> {
    let words = deployment.pointer("/spec/template/spec/containers/0/args").and_then(Value::as_array);
    let words: Vec<&str> = words.into_iter().flatten().filter_map(Value::as_str).collect();
    let joined = words.iter().filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let separate = words.iter().zip(words.iter().skip(1)).filter(|(word, _)| **word == name).map(|(_, value)| *value);
    joined.chain(separate).flat_map(|value| value.split(',')).map(ToOwned::to_owned).collect()
}

/// The name of its Lease.
pub fn lease_name(deployment: &Value) -> String {
    arguments(deployment, "--lease-name").pop().unwrap_or_else(|| LEASE.into())
}

fn named<'a>(objects: &'a [Value], name: &str) -> Option<&'a Value> {
    objects.iter().find(|object| text(object, "/metadata/name") == name)
}

/// What is not there is none.
fn found<T>(read: Outcome<T>) -> Outcome<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.is_not_found() => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn config_maps(cluster: &Cluster, deployments: &[Value]) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    let mut namespaces: Vec<&str> = deployments.iter().map(|each| text(each, "/metadata/namespace")).collect();
    namespaces.dedup();
    for namespace in namespaces {
        let resource = Resource::at("ConfigMap", format!("/api/v1/namespaces/{namespace}/configmaps"));
        all.extend(items(cluster.list(&resource, None).await?));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_read_in_both_forms() {
        let args = json!(["--namespace=shop,ops", "--lease-name", "mine", "--namespace", "lab"]);
        let deployment = json!({"spec": {"template": {"spec": {"containers": [{ "args": args }]}}}});
        assert_eq!(arguments(&deployment, "--namespace"), ["shop", "ops", "lab"]);
        assert_eq!((lease_name(&deployment), lease_name(&json!({}))), ("mine".into(), "hpa-override".into()));
    }
}
