//! What both loops share, and the only place in this crate that reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hpa_override_core::{Instant, Settings};
use kube::{
    Api, Client,
    runtime::{
        controller::Action,
        reflector::{ObjectRef, Store},
    },
};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    gather::Confirmation,
    memory::Memory,
    object::{Hpa, Kind, Object, Override},
    report::Told,
};

/// However far off the next transition is, the wall clock is looked at this often: it may be set, and a machine sleeps.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// What both loops share.
pub struct Context {
    /// Connection to the API server.
    pub client: Client,
    /// What the platform team set.
    pub settings: Settings,
    /// The one namespace served; none: all.
    pub namespace: Option<String>,
    /// All overrides, as watched.
    pub overrides: Store<Override>,
    /// All HPAs, as watched.
    pub hpas: Store<Hpa>,
    /// What is known of HPAs beyond what is watched.
    pub memory: Memory<Hpa>,
    /// The same of overrides.
    pub statuses: Memory<Override>,
    /// The last consistent read of the overrides.
    pub confirmation: Confirmation,
    /// What people are to be told.
    pub told: UnboundedSender<Told>,
    /// Overrides whose status is to be looked at.
    pub status_queue: UnboundedSender<ObjectRef<Override>>,
}

impl Context {
    /// The objects of a kind that are served.
    pub fn served<K: Kind>(&self) -> Api<Object<K>> {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }
}

/// One reading of the clock; a decision uses one.
#[derive(Clone, Copy, Debug)]
pub struct Moment(Duration);

impl Moment {
    /// Reads the clock.
    pub fn now() -> Self {
        Self(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// The instant of the decision: floored to whole seconds.
    pub fn instant(self) -> Instant {
        Instant::from_unix(i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX))
    }

    /// Sleeps until the next transition, or until the clock is to be looked at again.
    pub fn sleep_until(self, next_transition: Option<Instant>) -> Action {
        let Some(next) = next_transition else { return Action::await_change() };
        let next = Duration::from_secs(u64::try_from(next.as_unix()).unwrap_or_default());
        Action::requeue(next.saturating_sub(self.0).min(LONGEST_SLEEP))
    }
}
