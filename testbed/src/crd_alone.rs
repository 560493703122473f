//! A control plane with the CRD and nothing else of hpa-override: what the schema alone admits.

use anyhow::{Context as _, Result, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Client;
use kube::client::Body;
use serde_json::Value;

use crate::control_plane::{ControlPlane, Identity, Options};
use crate::wait::block_on;
use crate::world::install_crd;

/// Requests at a time: enough to keep the API server busy, and far below what it serves at once.
const AT_A_TIME: usize = 16;
/// Unknown fields are dropped, as for any raw client, and nothing is stored.
const CREATE: &str =
    "/apis/hpa-override.dev/v1/namespaces/default/autoscaleroverrides?dryRun=All&fieldValidation=Ignore";

/// The control plane. Dropping it ends everything.
#[derive(Debug)]
pub struct CrdAlone(ControlPlane);

/// What the API server says to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It would be stored.
    Admitted,
    /// It would not, and why.
    Refused(String),
}

impl CrdAlone {
    /// Starts the control plane and installs the CRD that is shipped.
    pub fn start() -> Result<Self> {
        let plane = ControlPlane::start(&Options::default())?;
        block_on(async || install_crd(&plane.client(&Identity::Admin).await?).await)?;
        Ok(Self(plane))
    }

    /// The control plane.
    #[must_use]
    pub fn plane(&self) -> &ControlPlane {
        &self.0
    }

    /// Creates each object as a dry run, in the namespace `default`. The answers are in the order of the objects.
    pub fn ask(&self, objects: &[Value]) -> Result<Vec<Verdict>> {
        block_on(async || {
            let client = self.0.client(&Identity::Admin).await?;
            let answers = stream::iter(objects).map(|object| ask(&client, object)).buffered(AT_A_TIME);
            answers.try_collect().await
        })
    }
}

async fn ask(client: &Client, object: &Value) -> Result<Verdict> {
    let body = serde_json::to_vec(object).context("failed to print an object")?;
    let request = http::Request::post(CREATE).header("Content-Type", "application/json").body(Body::from(body))?;
    let response = client.send(request).await.context("failed to ask the API server")?;
    let status = response.status().as_u16();
    let answer = response.into_body().collect_bytes().await.context("failed to read an answer")?;
    let answer: Value = serde_json::from_slice(&answer).context("failed to read an answer")?;
    let message = answer.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    match status {
        201 => Ok(Verdict::Admitted),
        400 | 422 => Ok(Verdict::Refused(message)),
        _ => bail!("the API server answered {status}: {message}"),
    }
}
