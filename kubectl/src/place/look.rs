//! Where overrides are to be made, and what there is now.

use std::sync::Arc;

use hpa_override_core::{Instant, ParsedOverride};
use serde_json::Value;

use super::order::Order;
use crate::{
    api::Resource,
    cluster::Cluster,
    failure::{Failure, Outcome},
    flags::DryRun,
    objects,
    say::note,
    session::Session,
};

/// One namespace in which an override is to be made, with the HPAs that it targets now.
pub struct Place {
    pub namespace: String,
    pub hpas: Vec<Value>,
    /// The overrides that may target them.
    pub overrides: Arc<Vec<ParsedOverride>>,
    /// Whether these are all: a user may be able to read one namespace only.
    pub is_whole: bool,
    /// Whether it could be read.
    pub is_seen: bool,
}

impl Place {
    /// A namespace that cannot be read.
    pub fn unseen(namespace: String) -> Self {
        Self { namespace, hpas: Vec::new(), overrides: Arc::default(), is_whole: true, is_seen: false }
    }
}

/// What there is now, and the time of the API server.
pub async fn look(order: &Order, session: &Session, cluster: &Cluster) -> Outcome<(Vec<Place>, Instant)> {
    let is_dry = order.more.dry_run == DryRun::Client;
    let target = &order.target;
    let namespace = if target.all_namespaces { None } else { Some(session.namespace().await?) };
    let found = if let (Some(name), Some(namespace)) = (&target.hpa, &namespace) {
        let (hpa, overrides) =
            tokio::join!(objects::hpa(cluster, namespace, name), objects::overrides_of_namespace(cluster, namespace));
        hpa.and_then(|hpa| Ok((hpa.now, vec![hpa.object], overrides?)))
    } else {
        let resource = Resource::hpas(namespace.as_deref());
        let overrides = async {
            match &namespace {
                Some(namespace) => objects::overrides_of_namespace(cluster, namespace).await,
                None => Ok((objects::overrides(cluster, None, None).await?, true)),
            }
        };
        let (hpas, overrides) = tokio::join!(cluster.list(&resource, target.selector.as_deref()), overrides);
        hpas.and_then(|hpas| Ok((hpas.now, objects::items(hpas), overrides?)))
    };
    let (now, hpas, (overrides, is_whole)) = match found {
        Ok(found) => found,
        // Who may create overrides need not be able to read HPAs.
        Err(failure) if is_dry || failure.is_forbidden() && namespace.is_some() => {
            note!("note: there is no preview: {}", failure.message());
            let now = session.server_time().await;
            return Ok((vec![Place::unseen(namespace.unwrap_or_else(|| session.offline_namespace()))], now));
        }
        Err(failure) => return Err(failure),
    };
    let mut namespaces: Vec<String> = match &namespace {
        Some(namespace) => vec![namespace.clone()],
        None => hpas.iter().map(|hpa| objects::text(hpa, "/metadata/namespace").to_owned()).collect(),
    };
    namespaces.sort();
    namespaces.dedup();
    if namespaces.is_empty() {
        let selector = target.selector.as_deref().unwrap_or_default();
        let failure = Failure::new(format!("no HorizontalPodAutoscaler in any namespace has the labels `{selector}`"));
        return Err(failure.hint("`kubectl get hpa -A --show-labels` shows what there is"));
    }
    let now = now.unwrap_or_else(|| session.now());
    let overrides = Arc::new(overrides.iter().map(|ovr| ParsedOverride::parse(ovr, now)).collect::<Vec<_>>());
    let place = |namespace: String| Place {
        hpas: hpas.iter().filter(|hpa| objects::text(hpa, "/metadata/namespace") == namespace).cloned().collect(),
        overrides: overrides.clone(),
        is_whole,
        is_seen: true,
        namespace,
    };
    Ok((namespaces.into_iter().map(place).collect(), now))
}
