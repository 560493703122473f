//! Which admissions answer for HPAs: the policies of Kubewarden, this controller's own webhook, or both, by the names that their
//! manifests give to what the API server asks by.
//!
//! Both give the same object as one, but the second takes back what the first has released (DESIGN §4, rule 5): so the annotation
//! `hpa-override.dev/release` has no effect.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kube::{api::GetParams, core::Request};
use tokio::time::sleep;

use crate::{
    error::{Class, Failure},
    queues::Queues,
    request::{Requests, built},
    state::State,
};

/// Where the API server keeps by what it asks webhooks.
pub const CONFIGURATIONS_PATH: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
/// What Kubewarden makes of the policy `hpa-override-merge`, and our own configuration.
pub const MERGES: [&str; 2] = ["clusterwide-hpa-override-merge", "hpa-override-merge"];

/// How soon it is looked again, at the earliest.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// How many are installed, as far as this process may know. Cheap to clone; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Admissions(Arc<AtomicUsize>);

impl Admissions {
    /// How many: none where there is none, or the right to look is missing.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether there is one, which honours a release.
    pub fn is_one(&self) -> bool {
        self.count() == 1
    }

    /// Whether both are.
    pub fn are_two(&self) -> bool {
        self.count() == MERGES.len()
    }

    /// Looks at once, and again when an HPA is written: while nothing happens, nothing is asked. When it begins or ends that both
    /// are installed, everything is planned anew. For as long as the process runs.
    pub async fn run(self, requests: Requests, state: Arc<State>, queues: Queues) {
        loop {
            match look(&requests).await {
                Ok(count) => self.note(count, &state, &queues),
                Err(failure) => tracing::debug!(error = %failure, "failed to see which admissions are installed"),
            }
            sleep(LOOK_AGAIN).await;
            requests.hpa_written().await;
        }
    }

    fn note(&self, count: usize, state: &State, queues: &Queues) {
        let were_two = self.are_two();
        self.0.store(count, Ordering::Relaxed);
        if self.are_two() == were_two {
            return;
        }
        if were_two {
            tracing::info!("no longer are both the policies and the webhook of the controller installed");
        } else {
            let [policies, webhook] = MERGES;
            tracing::warn!(
                "both the policies and the webhook of the controller are installed (MutatingWebhookConfigurations {policies} and \
                 {webhook}): overrides are kept as by one of them, but the annotation hpa-override.dev/release has no effect; \
                 remove one of them"
            );
        }
        queues.notify(state.replan());
    }
}

async fn look(requests: &Requests) -> Result<usize, Failure> {
    let mut count = 0;
    for name in MERGES {
        let request = Request::new(CONFIGURATIONS_PATH).get(name, &GetParams::default());
        match requests.read(built(request)?).await {
            Ok(_) => count += 1,
            Err(failure) if failure.class() == Class::NotFound => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(count)
}
