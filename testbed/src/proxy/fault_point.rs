//! Which write to stop at, how many came, and whether the point is reached; and which answers are stalled.
//!
//! It sees method and path only and touches no connection.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use http::Method;
use tokio::sync::watch;

/// The point at which the controller is stopped. The first write is number 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// When its n-th write arrives: it is not forwarded.
    Before(u32),
    /// When its n-th write is done: its answer is withheld.
    After(u32),
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    Forward,
    /// Forward, then report and withhold the answer.
    ForwardAndHold,
    Hold,
}

#[derive(Debug, Default)]
pub(super) struct FaultPoint {
    state: watch::Sender<State>,
    stalls: AtomicU32,
    /// Whether questions about rights are held.
    mute: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    namespace: String,
    stop: Option<Stop>,
    writes: u32,
    stopped: bool,
}

impl FaultPoint {
    pub(super) fn watch_writes(&self, namespace: &str, stop: Option<Stop>) {
        self.state.send_replace(State { namespace: namespace.to_owned(), stop, ..State::default() });
    }

    pub(super) fn writes(&self) -> u32 {
        self.state.borrow().writes
    }

    pub(super) async fn stopped(&self) {
        // The sender lives as long as this.
        let _ = self.state.subscribe().wait_for(|state| state.stopped).await;
    }

    pub(super) fn resume(&self) {
        self.state.send_modify(|state| {
            state.stop = None;
            state.stopped = false;
        });
    }

    /// Stalls every answer that has begun.
    pub(super) fn stall(&self) {
        self.stalls.fetch_add(1, Ordering::SeqCst);
    }

    /// How often answers were stalled: one that began at a lower number is.
    pub(super) fn stalls(&self) -> u32 {
        self.stalls.load(Ordering::SeqCst)
    }

    /// Holds questions about rights, or no longer.
    pub(super) fn mute_access_reviews(&self, mute: bool) {
        self.mute.store(mute, Ordering::SeqCst);
    }

    /// Reports that the point is reached.
    pub(super) fn reached(&self) {
        self.state.send_modify(|state| state.stopped = true);
    }

    /// What becomes of a request that arrives.
    pub(super) fn handling(&self, method: &Method, path: &str) -> Handling {
        if path.ends_with("/subjectaccessreviews") && self.mute.load(Ordering::SeqCst) {
            return Handling::Hold;
        }
        let mut handling = Handling::Forward;
        self.state.send_modify(|state| handling = state.handling(method, path));
        handling
    }
}

impl State {
    fn handling(&mut self, method: &Method, path: &str) -> Handling {
        if self.stopped {
            return Handling::Hold;
        }
        if method != Method::PATCH || !is_hpa_of(&self.namespace, path) {
            return Handling::Forward;
        }
        self.writes += 1;
        match self.stop {
            Some(Stop::Before(n)) if n == self.writes => {
                self.stopped = true;
                Handling::Hold
            }
            Some(Stop::After(n)) if n == self.writes => Handling::ForwardAndHold,
            _ => Handling::Forward,
        }
    }
}

fn is_hpa_of(namespace: &str, path: &str) -> bool {
    path.starts_with("/apis/autoscaling/")
        && path.contains(&format!("/namespaces/{namespace}/horizontalpodautoscalers/"))
}
