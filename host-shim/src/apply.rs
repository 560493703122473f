//! The writes to HPAs and overrides: merge patches of HPAs and of override statuses, and the deletion after
//! `ttlAfterFinished`.

use std::{future::Future, sync::Arc, time::Duration};

use hpa_override_core::MANAGER;
use hpa_override_plan::verify_response;
use kube::{
    Api, Resource as _,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    context::Context,
    error::{Error, Failure},
    object::{Hpa, Override},
};

/// Seconds. The client itself has no limit.
const ANSWER_WITHIN: u64 = 10;

/// Limits how long a request may take.
pub async fn within_time<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
    match timeout(Duration::from_secs(ANSWER_WITHIN), request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::Timeout(ANSWER_WITHIN)),
    }
}

/// Writes a planned patch. An admission policy may have changed it, so the response is compared with what was sent.
///
/// # Errors
/// When it is refused, fails, or is altered.
pub async fn patch_hpa(context: &Context, hpa: &Hpa, patch: &Value) -> Result<Arc<Hpa>, Error> {
    let api: Api<Hpa> = Api::namespaced(context.client.clone(), hpa.namespace());
    let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    let (namespace, name) = (hpa.namespace().to_owned(), hpa.name().to_owned());
    let response = match within_time(api.patch(hpa.name(), &params, &Patch::Merge(patch))).await {
        Ok(response) => Arc::new(response),
        Err(source) => return Err(Error::WriteHpa { namespace, name, source }),
    };
    context.known_hpas.note_written(response.clone());
    match verify_response(patch, response.json()) {
        None => Ok(response),
        Some(what) => Err(Error::Altered { namespace, name, what }),
    }
}

/// Reads an HPA that somebody else has changed between our read and our write.
///
/// # Errors
/// When it cannot be read.
pub async fn reread(context: &Context, hpa: &Hpa) -> Result<Arc<Hpa>, Error> {
    let api: Api<Hpa> = Api::namespaced(context.client.clone(), hpa.namespace());
    let fresh = within_time(api.get(hpa.name())).await.map_err(|source| Error::WriteHpa {
        namespace: hpa.namespace().into(),
        name: hpa.name().into(),
        source,
    })?;
    let fresh = Arc::new(fresh);
    context.known_hpas.note_written(fresh.clone());
    Ok(fresh)
}

/// Writes a planned status. What is `sent` is remembered where less than that is stored.
///
/// # Errors
/// When it is refused or fails.
pub async fn patch_status(context: &Context, ovr: &Override, patch: &Value, sent: &Value) -> Result<(), Error> {
    let api: Api<Override> = Api::namespaced(context.client.clone(), ovr.namespace());
    let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    match within_time(api.patch_status(ovr.name(), &params, &Patch::Merge(patch))).await {
        Ok(response) => context.known_overrides.note_status(Arc::new(response), sent),
        Err(gone) if gone.is_not_found() || gone.is_conflict() => {}
        Err(source) => {
            let (namespace, name) = (ovr.namespace().into(), ovr.name().into());
            return Err(Error::WriteStatus { namespace, name, source });
        }
    }
    Ok(())
}

/// Deletes an override whose `ttlAfterFinished` has passed, by uid and resourceVersion.
///
/// # Errors
/// When it is refused or fails.
pub async fn delete(context: &Context, ovr: &Override) -> Result<(), Error> {
    let api: Api<Override> = Api::namespaced(context.client.clone(), ovr.namespace());
    let (uid, resource_version) = (Some(ovr.uid().into()), ovr.meta().resource_version.clone());
    let params =
        DeleteParams { preconditions: Some(Preconditions { uid, resource_version }), ..DeleteParams::default() };
    match within_time(api.delete(ovr.name(), &params)).await {
        Ok(_) => {
            tracing::info!(namespace = ovr.namespace(), name = ovr.name(), "deleted after ttlAfterFinished");
            Ok(())
        }
        Err(gone) if gone.is_not_found() || gone.is_conflict() => Ok(()),
        Err(source) => {
            let (namespace, name) = (ovr.namespace().into(), ovr.name().into());
            Err(Error::Delete { namespace, name, source })
        }
    }
}
