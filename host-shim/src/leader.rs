//! Which replica leads: the one that holds the Lease. Only it writes HPAs, statuses and events.
//!
//! ```text
//!   read the Lease ──► ours, or free for long enough ──► write it ──► lead for 10 s from the beginning of that write
//!        ▲                                                                  │
//!        └────────────────────────── every 2 s ◄───────────────────────────┘
//! ```
//! Whoever cannot renew it stops leading at that instant, by the steady clock, also amid a write: see [`Leadership`].

mod election;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use kube::{
    api::{GetParams, PostParams},
    core::Request,
};
use serde_json::{Value, json};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};

pub use self::election::RENEW_DEADLINE;
use self::election::{Election, Held, LEASE_DURATION, RETRY_PERIOD, Verdict};
use crate::{
    clock::Clock,
    error::{Class, Failure},
    leadership::Leadership,
    object::host_name,
    request::{Requests, built},
    write::Write,
};

/// How long an attempt may take: one that hangs leaves time for others before the deadline.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(4);

/// Attempts to take a Lease that is renewed every two seconds.
const SEIZE_ATTEMPTS: u32 = 5;

/// Attempts after which a failure that lasts is said again: a minute.
const SAID_EVERY: u32 = 30;

/// Where the Lease is.
#[derive(Clone, Debug)]
pub struct LeaseName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A candidate for the Lease.
pub struct Candidate {
    requests: Requests,
    lease: LeaseName,
    clock: Clock,
    leadership: Leadership,
    election: Election,
    /// The Lease as we last wrote it: the next write needs no read.
    last: Option<Value>,
    /// Whose leading was last logged.
    said: Option<String>,
}

impl Candidate {
    /// `requests` are its own, so that nothing delays a renewal.
    pub fn new(requests: Requests, lease: LeaseName, clock: Clock, leadership: Leadership) -> Self {
        Self { requests, lease, clock, leadership, election: Election::new(identity()), last: None, said: None }
    }

    /// Takes the Lease when it is free, and renews it, until it is to resign: then it gives the Lease back, so that another
    /// replica need not wait until it is over. Nothing may be written then.
    pub async fn run_until(mut self, resign: Arc<Notify>) {
        tokio::select! {
            never = self.run() => match never {},
            () = resign.notified() => {}
        }
        self.release().await;
    }

    async fn run(&mut self) -> Infallible {
        let mut failures = 0;
        loop {
            let began = self.clock.now().steady();
            match timeout(ATTEMPT_WITHIN, self.attempt(began)).await {
                Ok(Ok(())) => {
                    if failures > 0 {
                        tracing::info!("the Lease {} can be read and written again", self.lease);
                    }
                    failures = 0;
                }
                Ok(Err(failure)) => self.note_failure(&mut failures, &failure),
                Err(_) => self.note_failure(&mut failures, &Failure::Timeout(ATTEMPT_WITHIN.as_secs())),
            }
            sleep_until(began + RETRY_PERIOD).await;
        }
    }

    /// Takes the Lease also where another replica holds it, which then leads no more: at its next renewal, or at its deadline.
    /// Returns whose it was, where it was somebody's.
    ///
    /// # Errors
    /// When the Lease is not there, or can be neither read nor written.
    pub async fn seize(&mut self) -> Result<Option<String>, Failure> {
        for _ in 0..SEIZE_ATTEMPTS {
            match self.seize_once().await {
                // It was renewed meanwhile.
                Err(failure) if failure.is_conflict() => {}
                other => return other,
            }
        }
        self.seize_once().await
    }

    async fn seize_once(&mut self) -> Result<Option<String>, Failure> {
        let began = self.clock.now().steady();
        let lease = self.read().await?;
        let holder = held(&lease).holder;
        self.take(lease, began).await?;
        Ok(Some(holder).filter(|holder| !holder.is_empty() && holder != self.election.identity()))
    }

    /// The last renewal may have been given up on its way: what counts is what is stored.
    async fn release(&mut self) {
        if self.election.leads_until().is_none() {
            return;
        }
        self.leadership.set(None);
        let released = async {
            let lease = self.read().await?;
            if held(&lease).holder == self.election.identity() {
                self.replace(lease, "").await?;
            }
            Ok::<_, Failure>(())
        };
        match timeout(ATTEMPT_WITHIN, released).await {
            Ok(Ok(())) => tracing::info!("released the Lease {}", self.lease),
            Ok(Err(failure)) => tracing::warn!(error = %failure, "failed to release the Lease {}", self.lease),
            Err(_) => tracing::warn!("failed to release the Lease {} in time", self.lease),
        }
    }

    async fn attempt(&mut self, began: Instant) -> Result<(), Failure> {
        // Who holds the Lease has its latest version, unless somebody else has written it since.
        if self.leadership.is_held(began)
            && let Some(last) = self.last.take()
        {
            match self.take(last, began).await {
                Err(failure) if failure.is_conflict() || failure.is_not_found() => {}
                other => return other,
            }
        }
        let lease = match self.read().await {
            Ok(lease) => lease,
            Err(failure) if failure.is_not_found() => match self.create(began).await {
                // Another candidate was faster.
                Err(failure) if failure.is_conflict() => self.read().await?,
                other => return other,
            },
            Err(failure) => return Err(failure),
        };
        match self.election.judge(held(&lease), self.clock.now().steady()) {
            Verdict::Renew | Verdict::Take => match self.take(lease, began).await {
                // Another candidate was faster: the next attempt sees who.
                Err(failure) if failure.is_conflict() => Ok(()),
                other => other,
            },
            Verdict::Leave => {
                self.note_left();
                Ok(())
            }
        }
    }

    async fn take(&mut self, lease: Value, began: Instant) -> Result<(), Failure> {
        let identity = self.election.identity().to_owned();
        let stored = self.replace(lease, &identity).await?;
        self.note_granted(stored, began);
        Ok(())
    }

    async fn create(&mut self, began: Instant) -> Result<(), Failure> {
        let LeaseName { namespace, name } = &self.lease;
        let mut lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"namespace": namespace, "name": name},
        });
        self.fill(&mut lease, self.election.identity());
        let request = Request::new(self.path()).create(&PostParams::default(), lease.to_string().into_bytes());
        let stored = self.requests.write_json(Write::Lease, built(request)?).await?;
        self.note_granted(stored, began);
        Ok(())
    }

    async fn read(&self) -> Result<Value, Failure> {
        let request = Request::new(self.path()).get(&self.lease.name, &GetParams::default());
        self.requests.read_json(built(request)?).await
    }

    /// Writes the Lease as it was read, with another holder: whoever has written it since makes this a conflict.
    async fn replace(&self, mut lease: Value, holder: &str) -> Result<Value, Failure> {
        self.fill(&mut lease, holder);
        let body = lease.to_string().into_bytes();
        let request = Request::new(self.path()).replace(&self.lease.name, &PostParams::default(), body);
        self.requests.write_json(Write::Lease, built(request)?).await
    }

    /// As client-go fills it.
    fn fill(&self, lease: &mut Value, holder: &str) {
        let now = self.clock.now().instant().to_string().replace('Z', ".000000Z");
        let mut spec = lease.get("spec").and_then(Value::as_object).cloned().unwrap_or_default();
        let before = spec.insert("holderIdentity".into(), holder.into());
        if before.as_ref().and_then(Value::as_str) != Some(holder) {
            let transitions = spec.get("leaseTransitions").and_then(Value::as_u64).unwrap_or_default();
            let is_transition = before.is_some() && !holder.is_empty();
            spec.insert("leaseTransitions".into(), (transitions + u64::from(is_transition)).into());
            spec.insert("acquireTime".into(), now.as_str().into());
        }
        let seconds = if holder.is_empty() { 1 } else { LEASE_DURATION.as_secs() };
        spec.insert("leaseDurationSeconds".into(), seconds.into());
        spec.insert("renewTime".into(), now.into());
        if let Some(lease) = lease.as_object_mut() {
            lease.insert("spec".into(), spec.into());
        }
    }

    fn note_granted(&mut self, stored: Value, began: Instant) {
        let was_held = self.leadership.is_held(began);
        self.election.note_granted(began);
        self.leadership.set(self.election.leads_until());
        self.last = Some(stored);
        if !was_held {
            tracing::info!(identity = self.election.identity(), "leading by the Lease {}", self.lease);
        }
    }

    /// Somebody else holds the Lease.
    fn note_left(&mut self) {
        self.election.note_lost();
        self.leadership.set(None);
        let holder = self.election.holder().map(ToOwned::to_owned);
        if self.said != holder {
            let holder = holder.as_deref().unwrap_or_default();
            tracing::info!(holder, "waiting for the Lease {}: another replica leads", self.lease);
        }
        self.said = holder;
    }

    /// The first failure of a row is said, and one a minute while it lasts: without the Lease nobody writes.
    fn note_failure(&self, failures: &mut u32, failure: &Failure) {
        if failures.is_multiple_of(SAID_EVERY) && failure.class() != Class::Unauthorized {
            tracing::warn!(error = %failure, "failed to read or write the Lease {}", self.lease);
        }
        *failures += 1;
    }

    fn path(&self) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.lease.namespace)
    }
}

/// The pod's name, and what no other process of that pod has.
fn identity() -> String {
    format!("{}_{:016x}", host_name(), fastrand::u64(..))
}

/// What is read of a Lease. A duration that is none counts as ours: such a Lease is not to be held for ever.
fn held(lease: &Value) -> Held {
    let text = |path| lease.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let seconds = lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_u64);
    Held {
        holder: text("/spec/holderIdentity"),
        duration: seconds.map_or(LEASE_DURATION, Duration::from_secs),
        resource_version: text("/metadata/resourceVersion"),
    }
}
