//! Failures in a row: how long to wait before the next attempt, and what to say of them. An outage gives few lines.

use std::{collections::BTreeMap, fmt, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::clock::{Clock, Moment};

/// With as much again of jitter at most: from 0.5 s to 5 s.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_millis(2500);

/// How often the same failure is logged.
const SAID_EVERY: Duration = Duration::from_secs(30);

/// Different failures that are remembered; with more, some are logged again sooner.
const MOST_KINDS: usize = 16;

/// What has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    List,
    Watch,
}

/// The failures since it last worked. Each step has its own backoff: where lists succeed and watches do not, the lists
/// between them must not come ever faster.
pub(super) struct Outage {
    clock: Clock,
    plural: &'static str,
    said: BTreeMap<String, Said>,
    listing: ExponentialBackoff,
    watching: ExponentialBackoff,
}

struct Said {
    at: Moment,
    /// Failures since.
    unsaid: u32,
}

impl Outage {
    pub(super) fn new(clock: Clock, plural: &'static str) -> Self {
        Self { clock, plural, said: BTreeMap::new(), listing: backoff(), watching: backoff() }
    }

    /// How long to wait before the next attempt.
    pub(super) fn delay(&mut self, step: Step) -> Duration {
        let delays = match step {
            Step::List => &mut self.listing,
            Step::Watch => &mut self.watching,
        };
        delays.next().unwrap_or(LONGEST)
    }

    /// Logs a failure: at once where it is the first of its kind, then every 30 s with their number. That the API server asks
    /// to wait is no warning before it lasts: it does while the resource is new.
    pub(super) fn say(&mut self, failure: &impl fmt::Display, asks_to_wait: bool) {
        let (error, plural, now) = (failure.to_string(), self.plural, self.clock.now());
        match self.said.get_mut(&error) {
            None if asks_to_wait => tracing::info!(%error, "waiting to watch {plural}"),
            None => tracing::warn!(%error, "failed to watch {plural}"),
            Some(said) if now.since(said.at) < SAID_EVERY => {
                said.unsaid += 1;
                return;
            }
            Some(said) => tracing::warn!(%error, failures = said.unsaid + 1, "failed to watch {plural}"),
        }
        if self.said.len() >= MOST_KINDS {
            self.said.clear();
        }
        self.said.insert(error, Said { at: now, unsaid: 0 });
    }

    /// A list is complete.
    pub(super) fn note_listed(&mut self) {
        self.listing = backoff();
    }

    /// A watch works.
    pub(super) fn note_watching(&mut self) {
        self.listing = backoff();
        self.watching = backoff();
        if !self.said.is_empty() {
            self.said.clear();
            tracing::info!("watching {} again", self.plural);
        }
    }
}

fn backoff() -> ExponentialBackoff {
    let builder = ExponentialBuilder::default().with_min_delay(SHORTEST).with_max_delay(LONGEST);
    builder.with_factor(2.0).with_jitter().without_max_times().build()
}
