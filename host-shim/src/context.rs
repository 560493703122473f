//! What both loops share, and the only place in this crate that reads a clock.

use std::{
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hpa_override_core::{Instant, Question, Settings};
use kube::{
    Api, Client,
    runtime::{
        controller::Action,
        reflector::{ObjectRef, Store},
    },
};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    access_review::Answers,
    events::PendingEvent,
    gather::Confirmation,
    known_objects::KnownObjects,
    object::{Hpa, Kind, Object, Override},
    reached::Readings,
};

/// However far off the next transition is, the wall clock is read this often: it may be set, and a machine may be suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Seconds added to the clock of this process; only tests set it.
static CLOCK_OFFSET: OnceLock<i64> = OnceLock::new();

/// Sets the clock of this process, once and before anything reads it. For tests.
pub fn offset_clock(seconds: i64) {
    // A second call comes too late to change anything.
    let _ = CLOCK_OFFSET.set(seconds);
}

/// What both loops share.
pub struct Context {
    /// Connection to the API server.
    pub client: Client,
    /// Settings of the platform team.
    pub settings: Settings,
    /// The one namespace served; none: all.
    pub namespace: Option<String>,
    /// All overrides, as watched.
    pub overrides: Store<Override>,
    /// All HPAs, as watched.
    pub hpas: Store<Hpa>,
    /// State of HPAs beyond what the watch delivers.
    pub known_hpas: KnownObjects<Hpa>,
    /// The same of overrides.
    pub known_overrides: KnownObjects<Override>,
    /// The last consistent read of the overrides.
    pub confirmation: Confirmation,
    /// The cluster's answers about requesters.
    pub answers: Answers,
    /// What was read of scale targets.
    pub readings: Readings,
    /// Questions to be asked.
    pub questions: UnboundedSender<Question>,
    /// Events to be published.
    pub pending_events: UnboundedSender<PendingEvent>,
    /// Overrides whose status is to be reconciled.
    pub status_queue: UnboundedSender<ObjectRef<Override>>,
}

impl Context {
    /// The served objects of a kind.
    pub fn served<K: Kind>(&self) -> Api<Object<K>> {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }
}

/// One reading of the clock; a decision uses one.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Since 1970, as the wall clock has it.
    wall: Duration,
    /// For durations: never set back.
    steady: tokio::time::Instant,
}

impl Moment {
    /// Reads the clock.
    pub fn now() -> Self {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let offset = CLOCK_OFFSET.get().copied().unwrap_or_default();
        let shift = Duration::from_secs(offset.unsigned_abs());
        let wall = if offset < 0 { clock.saturating_sub(shift) } else { clock.saturating_add(shift) };
        Self { wall, steady: tokio::time::Instant::now() }
    }

    /// For lengths of time: never set back.
    pub fn steady(self) -> tokio::time::Instant {
        self.steady
    }

    /// How long ago `earlier` was; zero where it is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        self.steady.saturating_duration_since(earlier.steady)
    }

    /// The instant of the decision: floored to whole seconds.
    pub fn instant(self) -> Instant {
        Instant::from_unix(i64::try_from(self.wall.as_secs()).unwrap_or(i64::MAX))
    }

    /// Sleeps until the next transition, at most for `longest` where there is one, or until the clock is to be read again.
    pub fn sleep_until(self, next_transition: Option<Instant>, longest: Option<Duration>) -> Action {
        let since_1970 = |next: Instant| Duration::from_secs(u64::try_from(next.as_unix()).unwrap_or_default());
        let until_next = next_transition.map(|next| since_1970(next).saturating_sub(self.wall));
        match until_next.into_iter().chain(longest).min() {
            Some(wait) => Action::requeue(wait.min(LONGEST_SLEEP)),
            None => Action::await_change(),
        }
    }
}

#[cfg(test)]
impl Moment {
    /// A later moment.
    pub fn after(self, time: Duration) -> Self {
        Self { wall: self.wall + time, steady: self.steady + time }
    }
}
