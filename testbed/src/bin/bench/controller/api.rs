//! The bare client: raw requests and JSON, with no more between than the controller has.

use anyhow::{Context as _, Result};
use hpa_override_testbed::hpa::{list, text};
use http::{Method, Request};
use kube::Client;
use serde::Deserialize;
use serde_json::Value;

/// What the bare client asks for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Hpa,
    Override,
    Deployment,
}

impl Kind {
    const fn group_and_plural(self) -> (&'static str, &'static str) {
        match self {
            Self::Hpa => ("autoscaling/v2", "horizontalpodautoscalers"),
            Self::Override => ("hpa-override.dev/v1", "autoscaleroverrides"),
            Self::Deployment => ("apps/v1", "deployments"),
        }
    }

    /// The path of all of them.
    pub(crate) fn everywhere(self) -> String {
        let (group, plural) = self.group_and_plural();
        format!("/apis/{group}/{plural}")
    }

    /// The path of those of a namespace.
    pub(crate) fn within(self, namespace: &str) -> String {
        let (group, plural) = self.group_and_plural();
        format!("/apis/{group}/namespaces/{namespace}/{plural}")
    }

    /// The path of that one.
    pub(crate) fn of(self, object: &Value) -> String {
        format!("{}/{}", self.within(text(object, "/metadata/namespace")), text(object, "/metadata/name"))
    }
}

/// A request with a JSON body.
pub(crate) async fn send(client: &Client, method: Method, path: &str, media: &str, body: &Value) -> Result<Value> {
    let request = Request::builder().method(&method).uri(path).header("content-type", media);
    let request = request.body(serde_json::to_vec(body)?)?;
    client.request(request).await.with_context(|| format!("failed to {method} {path}"))
}

/// Creates an object at the path of its kind.
pub(crate) async fn create(client: &Client, path: &str, object: &Value) -> Result<Value> {
    send(client, Method::POST, path, "application/json", object).await
}

/// Merges `changes` into the object at that path, as that field manager.
pub(crate) async fn merge(client: &Client, path: &str, manager: &str, changes: &Value) -> Result<Value> {
    let path = format!("{path}?fieldManager={manager}");
    send(client, Method::PATCH, &path, "application/merge-patch+json", changes).await
}

/// Applies an object on the server's side.
pub(crate) async fn apply(client: &Client, path: &str, manager: &str, object: &Value) -> Result<Value> {
    let path = format!("{path}?fieldManager={manager}");
    send(client, Method::PATCH, &path, "application/apply-patch+yaml", object).await
}

/// Deletes the object at that path.
pub(crate) async fn delete(client: &Client, path: &str) -> Result<()> {
    let request = Request::delete(path).body(Vec::new())?;
    client.request_text(request).await.map(drop).with_context(|| format!("failed to delete {path}"))
}

/// All of a kind.
pub(crate) async fn list_all(client: &Client, kind: Kind) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for page in pages(client, kind).await? {
        let page: Value = serde_json::from_str(&page)?;
        all.extend(list(&page, "/items").cloned());
    }
    Ok(all)
}

/// What of a page says whether there is another.
#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
}

#[derive(Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    token: String,
}

/// All of a kind as it comes, in pages of 500 as the controller lists it.
pub(crate) async fn pages(client: &Client, kind: Kind) -> Result<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("{}?limit=500{next}", kind.everywhere());
        let page = client.request_text(Request::get(&path).body(Vec::new())?).await?;
        let token = serde_json::from_str::<Page>(&page)?.metadata.token;
        pages.push(page);
        if token.is_empty() {
            return Ok(pages);
        }
        next = format!("&continue={token}");
    }
}
