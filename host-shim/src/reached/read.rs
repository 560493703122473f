//! The requests: a workload's status, or of other kinds the subresource `scale`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hpa_override_plan::{ScaleReading, ScaleTarget};
use kube::{api::GetParams, core::Request};
use serde_json::Value;

use crate::{
    error::Failure,
    request::{Requests, built},
};

/// One read.
///
/// # Errors
/// Why there was no answer, or none that says anything about the target.
pub(super) async fn read(requests: &Requests, target: &ScaleTarget, kinds: &Kinds) -> Result<ScaleReading, String> {
    let answer = match target.workload() {
        Some(workload) => by_status(requests, target, workload.resource()).await,
        None => by_scale(requests, target, kinds).await,
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

async fn by_status(requests: &Requests, target: &ScaleTarget, plural: &str) -> Result<ScaleReading, Failure> {
    let request = objects(target, ("apps", "v1"), plural).get(&target.name, &GetParams::default());
    let object = requests.read_behind(built(request)?).await?;
    Ok(ScaleReading::Replicas { replicas: count(&object, "replicas"), ready: Some(count(&object, "readyReplicas")) })
}

async fn by_scale(requests: &Requests, target: &ScaleTarget, kinds: &Kinds) -> Result<ScaleReading, Failure> {
    // No API server serves a kind without a version.
    let Some(plural) = kinds.plural(requests, target).await? else { return Ok(ScaleReading::NotFound) };
    let request = objects(target, target.group_and_version(), &plural).get_subresource("scale", &target.name);
    let scale = requests.read_behind(built(request)?).await?;
    Ok(ScaleReading::Replicas { replicas: count(&scale, "replicas"), ready: None })
}

fn objects(target: &ScaleTarget, version: (&str, &str), plural: &str) -> Request {
    Request::new(format!("{}/namespaces/{}/{plural}", path_of(version), target.namespace))
}

/// Where a group and version is served.
fn path_of((group, version): (&str, &str)) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// A number of the status. The API server leaves out 0.
fn count(object: &Value, key: &str) -> i64 {
    object.get("status").and_then(|status| status.get(key)?.as_i64()).unwrap_or_default()
}

/// The plurals of kinds that have only `scale`, by version and kind.
#[derive(Debug, Default)]
pub(super) struct Kinds(Mutex<BTreeMap<(String, String), String>>);

impl Kinds {
    /// The plural of the target's kind, as the API server names it; none where it serves no such kind.
    async fn plural(&self, requests: &Requests, target: &ScaleTarget) -> Result<Option<String>, Failure> {
        let key = (target.api_version.clone(), target.kind.clone());
        if let Some(known) = self.known().get(&key) {
            return Ok(Some(known.clone()));
        }
        if target.group_and_version().1.is_empty() {
            return Ok(None);
        }
        let request = http::Request::get(path_of(target.group_and_version())).body(Vec::new());
        let served = requests.read_behind(request.map_err(kube::Error::HttpError)?).await?;
        let plural = plural_in(&served, &target.kind);
        if let Some(plural) = &plural {
            self.known().insert(key, plural.clone());
        }
        Ok(plural)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(String, String), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The plural of a kind in an `APIResourceList`, which lists subresources too.
fn plural_in(served: &Value, kind: &str) -> Option<String> {
    let text = |resource: &Value, key: &str| resource.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let resources = served.get("resources").and_then(Value::as_array)?;
    let is_kind = |resource: &&Value| text(resource, "kind") == kind && !text(resource, "name").contains('/');
    resources.iter().find(is_kind).map(|resource| text(resource, "name"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_is_found_beside_its_subresources() {
        let served = json!({"resources": [{"name": "runners/scale", "kind": "Scale"}, {"name": "runners/status", "kind": "Runner"},
                                          {"name": "runners", "kind": "Runner"}]});
        assert_eq!(plural_in(&served, "Runner").as_deref(), Some("runners"));
        assert_eq!(plural_in(&served, "Walker"), None);
        assert_eq!((path_of(("", "v1")), path_of(("a.b", "v2"))), ("/api/v1".into(), "/apis/a.b/v2".into()));
    }
}
