//! The writes to HPAs and overrides: merge patches of HPAs and of override statuses, and the deletion after
//! `ttlAfterFinished`. An answer is read once, into what plans need of it.

use hpa_override_core::{Id, Instant, MANAGER};
use hpa_override_plan::HpaView;
use kube::{
    api::{DeleteParams, GetParams, Patch, PatchParams, Preconditions},
    core::Request,
};
use serde_json::Value;
use tokio::time::Instant as SteadyInstant;

use crate::{
    error::Failure,
    object::{HPA, Kind, OVERRIDE, Override},
    queue::Priority,
    request::{Requests, built, quote},
    write::Write,
};

/// Writes a planned patch; one of a confirmed plan only for as long as that holds.
///
/// # Errors
/// When it is refused or fails.
pub async fn patch_hpa(
    requests: &Requests,
    hpa: &Id,
    patch: &Value,
    priority: Priority,
    not_after: Option<SteadyInstant>,
) -> Result<HpaView, Failure> {
    let request = built(api(HPA, hpa).patch(&hpa.name, &as_controller(), &Patch::Merge(patch)))?;
    let answer = match not_after {
        Some(not_after) => requests.write_until(Write::Hpa(priority), not_after, request).await?,
        None => requests.write(Write::Hpa(priority), request).await?,
    };
    view(answer.as_bytes())
}

fn view(answer: &[u8]) -> Result<HpaView, Failure> {
    let text = str::from_utf8(answer).ok();
    let view = text.and_then(|text| HpaView::parse_text(text).ok());
    view.ok_or_else(|| Failure::Unreadable(quote(answer)))
}

/// Reads an HPA that somebody else has changed between our read and our write.
///
/// # Errors
/// When it cannot be read.
pub async fn read_hpa(requests: &Requests, hpa: &Id) -> Result<HpaView, Failure> {
    let request = api(HPA, hpa).get(&hpa.name, &GetParams::default());
    view(&requests.read(built(request)?).await?)
}

/// Writes a planned status.
///
/// # Errors
/// When it is refused or fails.
pub async fn patch_status(requests: &Requests, ovr: &Id, patch: &Value, now: Instant) -> Result<Override, Failure> {
    let patch = Patch::Merge(patch);
    let request = api(OVERRIDE, ovr).patch_subresource("status", &ovr.name, &as_controller(), &patch);
    Ok(Override::parse(&requests.write_json(Write::Status, built(request)?).await?, now))
}

/// Deletes an override whose `ttlAfterFinished` has passed, by uid and resourceVersion.
///
/// # Errors
/// When it is refused or fails.
pub async fn delete(requests: &Requests, ovr: &Id, uid: &str, resource_version: &str) -> Result<(), Failure> {
    let preconditions = Preconditions { uid: Some(uid.into()), resource_version: Some(resource_version.into()) };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    requests.write(Write::Deletion, built(api(OVERRIDE, ovr).delete(&ovr.name, &params))?).await?;
    tracing::info!(namespace = ovr.namespace, name = ovr.name, "deleted after ttlAfterFinished");
    Ok(())
}

fn api(kind: Kind, id: &Id) -> Request {
    Request::new(kind.path(Some(&id.namespace)))
}

fn as_controller() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() }
}
