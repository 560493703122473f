//! Which overrides a verb is about: by their names, or by their batch.

use hpa_override_core::rules::window::RecordedEnd;
use serde_json::Value;

use crate::{
    cluster::Cluster,
    failure::{Failure, Outcome},
    objects::{self, text},
    session::Session,
    similar_name::suggestion,
};

/// The label of overrides that were made together, in several namespaces.
pub const BATCH_LABEL: &str = "hpa-override.dev/batch";

/// Overrides that were made by one command.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct BatchArgs {
    /// Overrides that one `set -l SELECTOR -A` has made, in all namespaces: the value of their label hpa-override.dev/batch
    #[arg(long, value_name = "BATCH", conflicts_with_all = ["namespace", "names"])]
    pub batch: Option<String>,
}

/// The overrides of the batch, in all namespaces.
async fn of_batch(batch: &str, cluster: &Cluster) -> Outcome<Vec<Value>> {
    let found = objects::overrides(cluster, None, Some(&format!("{BATCH_LABEL}={batch}"))).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let all = objects::overrides(cluster, None, Some(BATCH_LABEL)).await?;
    let names: Vec<&str> = all.iter().map(batch_of).collect();
    let failure = Failure::new(format!("there is no batch `{batch}`")).not_found();
    Err(failure.hint(suggestion(batch, &names, &format!("kubectl hpa-override list -A -l {BATCH_LABEL}"))))
}

/// The batch that it belongs to.
fn batch_of(object: &Value) -> &str {
    let labels = object.pointer("/metadata/labels");
    labels.and_then(|labels| labels.get(BATCH_LABEL)).and_then(Value::as_str).unwrap_or_default()
}

/// The overrides with these names, or of the batch.
pub async fn select(names: &[String], batch: &BatchArgs, session: &Session) -> Outcome<Vec<Value>> {
    let cluster = session.cluster().await?;
    if let Some(batch) = &batch.batch {
        return of_batch(batch, cluster).await;
    }
    let namespace = session.namespace().await?;
    let mut selected = Vec::new();
    for name in names {
        selected.push(objects::ovr(cluster, &namespace, name).await?.object);
    }
    Ok(selected)
}

/// The end that was fixed when it became active, where its spec names none: that of its status, if that is about this spec.
pub fn recorded_end(object: &Value) -> Option<RecordedEnd> {
    let is_current = object.pointer("/status/observedGeneration") == object.pointer("/metadata/generation");
    let is_active = matches!(text(object, "/status/phase"), "Active" | "Superseded");
    (is_current && is_active).then(|| RecordedEnd(text(object, "/status/endsAt").parse().ok()))
}
