//! The baseline: a bare client that makes the merge patches of the controller, as its user, and plans nothing.
//!
//! ```text
//!   begin: bounds and record ──► managedFields back (with the merge admission there is no second: the first has done it)
//!   end:   bounds back, a record without layers ──► record away, managedFields back
//! ```
//! Afterwards every HPA is as before, so that it can be repeated, and the controller finds nothing to do.

use std::time::Instant;

use anyhow::{Result, ensure};
use hpa_override_testbed::hpa::{Bounds, text};
use kube::Client;
use serde_json::{Value, json};

use super::api::{self, Kind};
use super::concurrent::for_each;
use super::fleet::OWNER;
use super::table::float;

const MANAGER: &str = "hpa-override";
const RECORD: &str = "/metadata/annotations/hpa-override.dev~1record";
const BOUNDS: Bounds = Bounds(13, 26);

/// What the bare client does in a second, in HPAs.
#[derive(Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) begin: f64,
    pub(crate) end: f64,
}

/// An HPA before its override, and as it is now.
struct Pair {
    before: Value,
    now: Value,
}

/// So many HPAs make the API server warm.
const WARM_UP: usize = 200;

/// Makes the API server, and the policy host, warm.
pub(crate) async fn warm_up(client: &Client, is_merged: bool) -> Result<()> {
    let mut hpas = api::list_all(client, Kind::Hpa).await?;
    hpas.truncate(WARM_UP);
    begin_and_end(client, hpas, is_merged).await.map(drop)
}

/// Begins and ends an override of every HPA.
pub(crate) async fn measure(client: &Client, is_merged: bool) -> Result<Rates> {
    begin_and_end(client, api::list_all(client, Kind::Hpa).await?, is_merged).await
}

async fn begin_and_end(client: &Client, hpas: Vec<Value>, is_merged: bool) -> Result<Rates> {
    let count = hpas.len();
    let pairs: Vec<_> = hpas.into_iter().map(|hpa| Pair { before: hpa.clone(), now: hpa }).collect();
    let (start, shared) = (Instant::now(), client.clone());
    let overridden = for_each(pairs, move |pair| begin(shared.clone(), pair, is_merged)).await?;
    let begin = per_second(count, start.elapsed().as_secs_f64());
    let (start, shared) = (Instant::now(), client.clone());
    for_each(overridden, move |pair| end(shared.clone(), pair)).await?;
    Ok(Rates { begin, end: per_second(count, start.elapsed().as_secs_f64()) })
}

/// So many in so many seconds.
pub(crate) fn per_second(count: usize, seconds: f64) -> f64 {
    float(count) / seconds
}

async fn begin(client: Client, mut pair: Pair, is_merged: bool) -> Result<Pair> {
    let owners = json!({"owners": [{
        "manager": "argocd", "operation": "Apply", "apiVersion": "autoscaling/v2",
        "fields": ["maxReplicas", "minReplicas"],
    }]});
    let first = pair.record(1, BOUNDS, &if is_merged { json!({}) } else { owners });
    pair.patch(&client, json!(first), None, Some(BOUNDS)).await?;
    if !is_merged {
        let second = pair.record(2, BOUNDS, &json!({}));
        pair.patch(&client, json!(second), pair.owners_fields(), None).await?;
    }
    Ok(pair)
}

async fn end(client: Client, mut pair: Pair) -> Result<()> {
    let record = pair.record(3, OWNER, &json!({"layers": null}));
    pair.patch(&client, json!(record), None, Some(OWNER)).await?;
    pair.patch(&client, Value::Null, pair.owners_fields(), None).await
}

impl Pair {
    /// A record as the controller writes it, with `changes` merged into it.
    fn record(&self, revision: u32, effective: Bounds, changes: &Value) -> String {
        let pair = |Bounds(min, max): Bounds| json!({"minReplicas": min, "maxReplicas": max});
        let by = format!("{}/{}", text(&self.before, "/metadata/namespace"), text(&self.before, "/metadata/name"));
        let layer = json!({
            "by": by, "uid": text(&self.before, "/metadata/uid"), "generation": 1, "mode": "Set",
            "minReplicas": BOUNDS.0, "maxReplicas": BOUNDS.1, "until": "2999-11-27T23:00:00Z",
        });
        let mut record = json!({
            "v": 1, "rev": revision, "asOf": "2026-11-27T06:00:00Z", "desired": pair(OWNER), "effective": pair(effective),
            "ours": {"minReplicas": [BOUNDS.0], "maxReplicas": [BOUNDS.1]}, "layers": [layer],
        });
        json_patch::merge(&mut record, changes);
        record.to_string()
    }

    fn owners_fields(&self) -> Option<Value> {
        self.before.pointer("/metadata/managedFields").cloned()
    }

    /// One patch, for exactly the version of now. The answer must have the record that was sent.
    async fn patch(
        &mut self,
        client: &Client,
        record: Value,
        managed_fields: Option<Value>,
        bounds: Option<Bounds>,
    ) -> Result<()> {
        let mut metadata = json!({
            "resourceVersion": text(&self.now, "/metadata/resourceVersion"),
            "annotations": {"hpa-override.dev/record": record},
        });
        if let Some(fields) = managed_fields {
            json_patch::merge(&mut metadata, &json!({ "managedFields": fields }));
        }
        let mut patch = json!({ "metadata": metadata });
        if let Some(Bounds(min, max)) = bounds {
            json_patch::merge(&mut patch, &json!({"spec": {"minReplicas": min, "maxReplicas": max}}));
        }
        self.now = api::merge(client, &Kind::Hpa.of(&self.before), MANAGER, &patch).await?;
        let kept = self.now.pointer(RECORD).unwrap_or(&Value::Null);
        ensure!(read(kept) == read(&record), "the record {record} came back as {kept}");
        Ok(())
    }
}

/// What a record says: admission may order it differently.
fn read(record: &Value) -> Option<Value> {
    serde_json::from_str(record.as_str()?).ok()
}
