//! HPA status updates at the rate of a real cluster: each HPA every 15 s, and nothing in them that a plan reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use kube::Client;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::interval;

use super::api::{self, Kind};
use super::concurrent::AT_ONCE;
use super::fleet::{self, HPA_CONTROLLER};

/// How often the HPA controller writes the status of an HPA.
const PERIOD: Duration = Duration::from_secs(15);

/// A flow of status updates. Dropping it ends it.
pub(crate) struct Load {
    written: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Load {
    /// Writes the status of each of so many HPAs in turn.
    pub(crate) fn start(client: &Client, hpas: usize) -> Self {
        let written = Arc::<AtomicUsize>::default();
        let task = tokio::spawn(write_all(client.clone(), hpas, Arc::clone(&written)));
        Self { written, task }
    }

    /// How many have been written so far.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An API server that cannot follow gets no more than [`AT_ONCE`] at once; how many came is counted.
async fn write_all(client: Client, hpas: usize, written: Arc<AtomicUsize>) {
    let free = Arc::new(Semaphore::new(AT_ONCE));
    let mut ticks = interval(PERIOD / u32::try_from(hpas).unwrap_or(u32::MAX));
    for number in 0.. {
        ticks.tick().await;
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let (client, written) = (client.clone(), Arc::clone(&written));
        tokio::spawn(async move {
            if write(&client, number % hpas, number / hpas).await.is_ok() {
                written.fetch_add(1, Ordering::Relaxed);
            }
            drop(permit);
        });
    }
}

async fn write(client: &Client, number: usize, round: usize) -> Result<()> {
    let hpa = json!({"metadata": {"namespace": fleet::namespace(number), "name": fleet::name(number)}});
    let path = format!("{}/status", Kind::Hpa.of(&hpa));
    api::merge(client, &path, HPA_CONTROLLER, &fleet::metrics(round + 1)).await.map(drop)
}
