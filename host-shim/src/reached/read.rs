//! The requests: a workload's status, or of other kinds the subresource `scale`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hpa_override_plan::{ScaleReading, ScaleTarget, Workload};
use kube::{
    Api, Client,
    core::{ApiResource, DynamicObject, GroupVersionKind},
    discovery,
};

use crate::{apply::within_time, error::Failure};

/// One read.
///
/// # Errors
/// Why there was no answer, or none that says anything about the target.
pub(super) async fn read(client: &Client, target: &ScaleTarget, kinds: &Kinds) -> Result<ScaleReading, String> {
    let answer = match target.workload() {
        Some(workload) => by_status(client, target, workload).await,
        None => by_scale(client, target, kinds).await,
    };
    match answer {
        Ok(reading) => Ok(reading),
        Err(gone) if gone.is_not_found() => Ok(ScaleReading::NotFound),
        Err(refused) if refused.is_forbidden() => Ok(ScaleReading::Unreadable(refused.to_string())),
        Err(failure) => {
            tracing::debug!("failed to read the replicas of {target}: {failure}");
            Err(failure.to_string())
        }
    }
}

async fn by_status(client: &Client, target: &ScaleTarget, workload: Workload) -> Result<ScaleReading, Failure> {
    let kind = GroupVersionKind::gvk("apps", "v1", &target.kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, workload.resource());
    let object = within_time(objects(client, target, &resource).get(&target.name)).await?;
    Ok(ScaleReading::Replicas { replicas: count(&object, "replicas"), ready: Some(count(&object, "readyReplicas")) })
}

async fn by_scale(client: &Client, target: &ScaleTarget, kinds: &Kinds) -> Result<ScaleReading, Failure> {
    if target.group_and_version().1.is_empty() {
        // No API server serves that.
        return Ok(ScaleReading::NotFound);
    }
    let resource = kinds.resource(client, target).await?;
    let scale = within_time(objects(client, target, &resource).get_subresource("scale", &target.name)).await?;
    Ok(ScaleReading::Replicas { replicas: count(&scale, "replicas"), ready: None })
}

fn objects(client: &Client, target: &ScaleTarget, resource: &ApiResource) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), &target.namespace, resource)
}

/// A number of the status. The API server leaves out 0.
fn count(object: &DynamicObject, key: &str) -> i64 {
    object.data.get("status").and_then(|status| status.get(key)?.as_i64()).unwrap_or_default()
}

/// The resources of kinds that have only `scale`, by version and kind.
#[derive(Debug, Default)]
pub(super) struct Kinds(Mutex<BTreeMap<(String, String), ApiResource>>);

impl Kinds {
    /// The target's resource, as the API server names it.
    async fn resource(&self, client: &Client, target: &ScaleTarget) -> Result<ApiResource, Failure> {
        let key = (target.api_version.clone(), target.kind.clone());
        if let Some(known) = self.known().get(&key) {
            return Ok(known.clone());
        }
        let (group, version) = target.group_and_version();
        let kind = GroupVersionKind::gvk(group, version, &target.kind);
        let (resource, _) = within_time(discovery::pinned_kind(client, &kind)).await?;
        self.known().insert(key, resource.clone());
        Ok(resource)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(String, String), ApiResource>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
