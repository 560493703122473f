//! Reads HPAs and overrides; where a name is wrong, says which was probably meant.

use hpa_override_core::{Id, Instant, ParsedOverride};
use hpa_override_plan::Target;
use serde_json::Value;

use crate::{
    api::{Answer, Resource},
    cluster::Cluster,
    failure::{Failure, Outcome},
    similar_name::suggestion,
};

/// The text at a path, empty where there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Namespace and name.
pub fn id_of(object: &Value) -> Id {
    Id { namespace: text(object, "/metadata/namespace").into(), name: text(object, "/metadata/name").into() }
}

/// What a list holds.
pub fn items(answer: Answer) -> Vec<Value> {
    match answer.object {
        Value::Object(mut list) => match list.remove("items") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A name, with the kind in front of it where it says so: `hpa/web`, `hpao/campaign`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// Of either kind.
    Any(&'a str),
    /// Of an HPA.
    Hpa(&'a str),
    /// Of an override.
    Override(&'a str),
}

impl<'a> Named<'a> {
    /// Reads it.
    pub fn parse(text: &'a str) -> Outcome<Self> {
        match text.split_once('/') {
            None => Ok(Self::Any(text)),
            Some(("hpa" | "horizontalpodautoscaler" | "horizontalpodautoscalers", name)) => Ok(Self::Hpa(name)),
            Some(("hpao" | "autoscaleroverride" | "autoscaleroverrides", name)) => Ok(Self::Override(name)),
            Some((kind, _)) => Err(Failure::new(format!("`{kind}` is no kind: write hpa/NAME or hpao/NAME"))),
        }
    }

    /// The name.
    pub fn name(self) -> &'a str {
        match self {
            Self::Any(name) | Self::Hpa(name) | Self::Override(name) => name,
        }
    }
}

/// Reads an HPA.
pub async fn hpa(cluster: &Cluster, namespace: &str, name: &str) -> Outcome<Answer> {
    named(cluster, &Resource::hpas(Some(namespace)), namespace, name, "hpa").await
}

/// Reads an override.
pub async fn ovr(cluster: &Cluster, namespace: &str, name: &str) -> Outcome<Answer> {
    named(cluster, &Resource::overrides(Some(namespace)), namespace, name, "hpao").await
}

async fn named(cluster: &Cluster, resource: &Resource, namespace: &str, name: &str, short: &str) -> Outcome<Answer> {
    let named = Named::parse(name)?;
    if matches!((named, short), (Named::Hpa(_), "hpao") | (Named::Override(_), "hpa")) {
        return Err(Failure::new(format!("`{name}` is no {}", resource.kind)).not_found());
    }
    let name = named.name();
    match cluster.get(resource, name).await {
        Err(failure) if failure.is_not_found() => {}
        answer => return answer,
    }
    let others = cluster.list(resource, None).await.map(items).unwrap_or_default();
    let known: Vec<&str> = others.iter().map(|other| text(other, "/metadata/name")).collect();
    let failure =
        Failure::new(format!("there is no {} `{name}` in namespace `{namespace}`", resource.kind)).not_found();
    Err(failure.hint(suggestion(name, &known, &format!("kubectl -n {namespace} get {short}"))))
}

/// The HPAs of a namespace, or of all.
pub async fn hpas(cluster: &Cluster, namespace: Option<&str>, labels: Option<&str>) -> Outcome<Vec<Value>> {
    cluster.list(&Resource::hpas(namespace), labels).await.map(items)
}

/// The overrides of a namespace, or of all.
pub async fn overrides(cluster: &Cluster, namespace: Option<&str>, labels: Option<&str>) -> Outcome<Vec<Value>> {
    cluster.list(&Resource::overrides(namespace), labels).await.map(items)
}

/// The overrides that may target HPAs of a namespace, and whether those are all: a user who may read one namespace only does
/// not see what comes from another.
pub async fn overrides_of_namespace(cluster: &Cluster, namespace: &str) -> Outcome<(Vec<Value>, bool)> {
    match overrides(cluster, None, None).await {
        Ok(all) => Ok((all, true)),
        Err(failure) if failure.is_forbidden() => Ok((overrides(cluster, Some(namespace), None).await?, false)),
        Err(failure) => Err(failure),
    }
}

/// How its target is called: `web`, or the selector with the number of its HPAs.
pub fn target_of(object: &Value) -> String {
    let parsed = ParsedOverride::parse(object, Instant::MIN);
    let elsewhere =
        |namespace: &str| if namespace == parsed.id.namespace { String::new() } else { format!("{namespace}/") };
    match Target::of(&parsed) {
        Some(Target::Named { namespace, name }) => format!("{}{name}", elsewhere(&namespace)),
        Some(Target::Selected { namespace, .. }) => {
            let count = object.pointer("/status/targets").and_then(Value::as_i64);
            let count = count.map_or_else(|| "?".into(), |count| count.to_string());
            format!("{}{count} by selector", elsewhere(&namespace))
        }
        None => "-".into(),
    }
}
