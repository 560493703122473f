//! Requests to the API server, as the user. Each answer comes with the warnings and the time of the server.

use std::time::UNIX_EPOCH;

use futures::Stream;
use hpa_override_core::GROUP;
use hpa_override_crd::Instant;
use http::{HeaderMap, Request, StatusCode};
use kube::{
    api::{WatchEvent, WatchParams},
    client::Body,
    core::{Request as Requests, params::ListParams},
};
use serde_json::Value;

use crate::{
    cluster::{Cluster, with_sources},
    failure::{Failure, Kind, Outcome},
    flags::DryRun,
};

/// Who wrote a field, for managedFields.
const FIELD_MANAGER: &str = "kubectl-hpa_override";
/// The name of our `CustomResourceDefinition`.
pub const CRD: &str = "autoscaleroverrides.hpa-override.dev";
/// Objects on a page of a list.
const PAGE: u32 = 500;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was answered.
    pub object: Value,
    /// The warnings beside it.
    pub warnings: Vec<String>,
    /// The time of the API server.
    pub now: Option<Instant>,
}

/// Which objects are watched.
#[derive(Clone, Copy, Debug)]
pub enum Watched<'a> {
    /// The one with that name.
    Named(&'a str),
    /// Those with these labels; none: all.
    Labelled(Option<&'a str>),
}

/// A kind of objects, in a namespace or in all.
#[derive(Clone, Debug)]
pub struct Resource {
    /// How messages call it.
    pub kind: &'static str,
    path: String,
}

impl Resource {
    /// `AutoscalerOverride` objects.
    pub fn overrides(namespace: Option<&str>) -> Self {
        let path = format!("/apis/{GROUP}/v1{}/autoscaleroverrides", in_namespace(namespace));
        Self { kind: "AutoscalerOverride", path }
    }

    /// `HorizontalPodAutoscaler` objects.
    pub fn hpas(namespace: Option<&str>) -> Self {
        let path = format!("/apis/autoscaling/v2{}/horizontalpodautoscalers", in_namespace(namespace));
        Self { kind: "HorizontalPodAutoscaler", path }
    }

    /// `MutatingWebhookConfiguration` objects.
    pub fn webhooks() -> Self {
        let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
        Self::at("MutatingWebhookConfiguration", path)
    }

    /// `CustomResourceDefinition` objects; ours is [`CRD`].
    pub fn crds() -> Self {
        Self::at("CustomResourceDefinition", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
    }

    /// `Deployment` objects in all namespaces.
    pub fn deployments() -> Self {
        Self::at("Deployment", "/apis/apps/v1/deployments")
    }

    /// Objects at that path.
    pub fn at(kind: &'static str, path: impl Into<String>) -> Self {
        Self { kind, path: path.into() }
    }
}

fn in_namespace(namespace: Option<&str>) -> String {
    namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default()
}

impl Cluster {
    /// Reads one object.
    pub async fn get(&self, resource: &Resource, name: &str) -> Outcome<Answer> {
        let request = Requests::new(&resource.path).get(name, &kube::api::GetParams::default());
        self.send(resource, &format!("read {} `{name}`", resource.kind), request).await
    }

    /// Reads all objects that match, page by page; the answer's `items` are all of them.
    pub async fn list(&self, resource: &Resource, labels: Option<&str>) -> Outcome<Answer> {
        let mut params =
            ListParams { label_selector: labels.map(Into::into), limit: Some(PAGE), ..ListParams::default() };
        let mut items = Vec::new();
        loop {
            let request = Requests::new(&resource.path).list(&params);
            let mut page = self.send(resource, &format!("list {} objects", resource.kind), request).await?;
            if let Some(Value::Array(found)) = page.object.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            params.continue_token = page
                .object
                .pointer("/metadata/continue")
                .and_then(Value::as_str)
                .filter(|token| !token.is_empty())
                .map(Into::into);
            if params.continue_token.is_none() {
                page.object.as_object_mut().map(|list| list.insert("items".into(), items.into()));
                return Ok(page);
            }
        }
    }

    /// Creates an object.
    pub async fn create(&self, resource: &Resource, object: &Value, dry_run: bool) -> Outcome<Answer> {
        let params = kube::api::PostParams { dry_run, field_manager: Some(FIELD_MANAGER.into()) };
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let request = Requests::new(&resource.path).create(&params, object.to_string().into_bytes());
        self.send(resource, &format!("create {} `{name}`", resource.kind), request).await
    }

    /// Changes an object by a JSON merge patch.
    pub async fn patch(&self, resource: &Resource, name: &str, patch: &Value, dry_run: bool) -> Outcome<Answer> {
        self.patch_as(resource, name, patch, dry_run, FIELD_MANAGER).await
    }

    /// The same, by the name of another field manager.
    pub async fn patch_as(
        &self,
        resource: &Resource,
        name: &str,
        patch: &Value,
        dry_run: bool,
        manager: &str,
    ) -> Outcome<Answer> {
        let field_manager = Some(manager.into());
        let params = kube::api::PatchParams { dry_run, field_manager, ..kube::api::PatchParams::default() };
        let request = Requests::new(&resource.path).patch(name, &params, &kube::api::Patch::Merge(patch));
        self.send(resource, &format!("change {} `{name}`", resource.kind), request).await
    }

    /// Deletes this version of an object.
    pub async fn delete(&self, resource: &Resource, object: &Value, dry_run: bool) -> Outcome<Answer> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(ToOwned::to_owned);
        let name = text("/metadata/name").unwrap_or_default();
        let preconditions = Some(kube::api::Preconditions {
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
        });
        let params = kube::api::DeleteParams { dry_run, preconditions, ..kube::api::DeleteParams::default() };
        let request = Requests::new(&resource.path).delete(&name, &params);
        self.send(resource, &format!("delete {} `{name}`", resource.kind), request).await
    }

    /// The time of the API server, where it answers.
    pub async fn time(&self) -> Option<Instant> {
        let request = http::Request::get("/version").body(Vec::new()).ok()?;
        self.send(&Resource::at("version", "/version"), "read the version", Ok(request)).await.ok()?.now
    }

    /// What happens to these objects, from `since` on; without it, what there is comes first.
    ///
    /// # Errors
    /// Where the watch does not begin. It ends now and then: begin another.
    pub async fn watch(
        &self,
        resource: &Resource,
        watched: Watched<'_>,
        since: Option<&str>,
    ) -> Outcome<impl Stream<Item = Result<WatchEvent<Value>, kube::Error>> + use<>> {
        let params = WatchParams::default();
        let params = match watched {
            Watched::Named(name) => params.fields(&format!("metadata.name={name}")),
            Watched::Labelled(Some(labels)) => params.labels(labels),
            Watched::Labelled(None) => params,
        };
        let what = format!("watch {} objects", resource.kind);
        let request = Requests::new(&resource.path).watch(&params, since.unwrap_or_default());
        let request = request.map_err(|error| Failure::new(format!("failed to {what}: {}", with_sources(&error))))?;
        self.client.request_events(request).await.map_err(|error| self.unreachable(&what, &error))
    }

    async fn send(
        &self,
        resource: &Resource,
        what: &str,
        request: Result<Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Outcome<Answer> {
        let failed = |why: String| Failure::new(format!("failed to {what}: {why}"));
        let request = request.map_err(|error| failed(with_sources(&error)))?;
        let whole = async {
            let response = self.client.send(request.map(Body::from)).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok((status, headers, response.into_body().collect_bytes().await?))
        };
        let (status, headers, body) = match tokio::time::timeout(self.limit, whole).await {
            Ok(answer) => answer.map_err(|error: kube::Error| self.unreachable(what, &error))?,
            Err(_) => return Err(failed(format!("{} has not answered for {:?}", self.url, self.limit))),
        };
        if !status.is_success() {
            return Err(refused(resource, what, status, &body));
        }
        let object =
            serde_json::from_slice(&body).map_err(|error| failed(format!("the answer is not JSON: {error}")))?;
        Ok(Answer { object, warnings: warnings(&headers), now: server_time(&headers) })
    }

    fn unreachable(&self, what: &str, error: &kube::Error) -> Failure {
        if let kube::Error::Api(status) = error {
            let kind = if status.code == 403 { Kind::Forbidden } else { Kind::Other };
            return Failure::new(format!("failed to {what}: {}", status.message)).of(kind);
        }
        if let kube::Error::Auth(error) = error {
            let failure = Failure::new(format!("failed to {what}: no credentials: {}", with_sources(error)));
            return failure.hint("the kubeconfig says how they are had; log in again");
        }
        let failure = Failure::new(format!("failed to {what}: {} does not answer: {}", self.url, with_sources(error)));
        failure.hint("is it the right cluster? `kubectl config current-context`, or name one with --context")
    }
}

fn server_time(headers: &HeaderMap) -> Option<Instant> {
    let date = httpdate::parse_http_date(headers.get("date")?.to_str().ok()?).ok()?;
    let seconds = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(Instant::from_unix(i64::try_from(seconds).ok()?))
}

/// The texts of the headers `Warning: 299 - "text"`.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let text = |value: &str| {
        let quoted = value.split_once('"')?.1.strip_suffix('"')?;
        Some(quoted.replace("\\\"", "\"").replace("\\\\", "\\"))
    };
    headers.get_all("warning").iter().filter_map(|value| text(value.to_str().ok()?)).collect()
}

/// A refusal in the words of the API server, and what to do about it.
fn refused(resource: &Resource, what: &str, status: StatusCode, body: &[u8]) -> Failure {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = parsed
        .get("message")
        .and_then(Value::as_str)
        .map_or_else(|| String::from_utf8_lossy(body).trim().to_owned(), ToOwned::to_owned);
    let is_ours = resource.path.starts_with("/apis/hpa-override.dev/");
    let is_named = parsed.pointer("/details/name").is_some();
    let by_admission = message.starts_with("admission webhook") || message.contains("ValidatingAdmissionPolicy");
    let failure = Failure::new(format!("failed to {what}: {message}"));
    match status {
        StatusCode::NOT_FOUND if is_ours && !is_named => {
            let failure = Failure::new(format!("failed to {what}: this cluster does not know AutoscalerOverride"));
            failure.hint("hpa-override is not installed here; its README says how")
        }
        StatusCode::NOT_FOUND => failure.not_found(),
        StatusCode::UNAUTHORIZED => failure.hint("the API server does not accept your credentials: log in again"),
        StatusCode::FORBIDDEN if by_admission => failure,
        StatusCode::FORBIDDEN if is_ours => failure
            .hint("the ClusterRole `hpa-override-editor` gives the right to write overrides, `hpa-override-viewer` to read them")
            .of(Kind::Forbidden),
        StatusCode::FORBIDDEN => failure.of(Kind::Forbidden),
        StatusCode::CONFLICT if is_named && message.contains("already exists") => failure.hint("give another --name"),
        StatusCode::CONFLICT => failure.hint("somebody else has changed it meanwhile: try again").of(Kind::Conflict),
        _ => failure,
    }
}

/// The dry run that a request is to be.
pub fn on_server(dry_run: DryRun) -> bool {
    dry_run == DryRun::Server
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_and_the_time_are_read_from_the_headers() {
        let mut headers = HeaderMap::new();
        headers.append("warning", r#"299 - "hpa-override: \"a\" ends""#.parse().unwrap());
        headers.append("warning", "299 - nothing".parse().unwrap());
        headers.append("date", "Fri, 27 Nov 2026 06:00:00 GMT".parse().unwrap());
        assert_eq!(warnings(&headers), [r#"hpa-override: "a" ends"#]);
        assert_eq!(server_time(&headers), Some("2026-11-27T06:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_cluster_without_the_crd_is_recognised() {
        let failure = refused(
            &Resource::overrides(Some("shop")),
            "create AutoscalerOverride `a`",
            StatusCode::NOT_FOUND,
            b"404 page not found\n",
        );
        assert_eq!(
            failure.message(),
            "failed to create AutoscalerOverride `a`: this cluster does not know AutoscalerOverride"
        );
        assert!(!failure.is_not_found());
    }
}
