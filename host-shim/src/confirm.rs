//! The consistent read before a timed end: a watch may lag, and a missed extension must not cut pods.
//!
//! ```text
//!   the first end of all ──► ahead of it, read the namespaces concerned ──► State
//!   a plan that ends something ──► fresh enough? ──no──► read
//! ```
//! What is read goes into the state like an event: the later version of an override counts. So a plan that is made
//! afterwards is made of what the API server had no more than five seconds before, when the read began.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::{api::ListParams, core::Request};

use crate::{
    clock::{Clock, Moment},
    error::Failure,
    object::OVERRIDE,
    page,
    queues::Queues,
    request::{Requests, built},
    state::State,
    watch::Overrides,
};

/// How old a read may be when an override is ended by it.
const FRESH: Duration = Duration::from_secs(5);
/// How long before an end its overrides are read. With the next two, the read is never older than [`FRESH`] at the end, nor
/// in a burst of ends that lasts.
const AHEAD: Duration = Duration::from_secs(3);
/// How old a read may be that a read ahead makes do with.
const NEW: Duration = Duration::from_millis(1500);
/// How often that is looked at while there are ends.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a consistent read needs.
#[derive(Clone)]
pub struct Confirm {
    /// A client of its own: a burst of writes must not delay it.
    pub requests: Requests,
    /// Where the overrides go that were read.
    pub overrides: Overrides,
    /// For which overrides decide about an HPA, and how many there are.
    pub state: Arc<State>,
    /// For when overrides end.
    pub queues: Queues,
    /// For how old a read is.
    pub clock: Clock,
    /// The one namespace served; none: all.
    pub namespace: Option<String>,
    reads: Arc<Mutex<Reads>>,
    /// One read at a time: who waits for one need not make another.
    reading: Arc<tokio::sync::Mutex<()>>,
}

/// When each namespace was last read, and all of them.
#[derive(Debug, Default)]
struct Reads {
    namespaces: HashMap<String, Moment>,
    all: Option<Moment>,
}

impl Reads {
    /// Notes that a namespace was read; what is too old is forgotten.
    fn note(&mut self, namespace: &str, now: Moment) {
        self.namespaces.retain(|_, at| now.since(*at) < FRESH);
        self.namespaces.insert(namespace.into(), now);
    }

    /// Whether all of them were read within `age`.
    fn cover(&self, namespaces: &HashSet<String>, age: Duration, now: Moment) -> bool {
        let is_new = |at: &Moment| now.since(*at) < age;
        self.all.as_ref().is_some_and(is_new)
            || namespaces.iter().all(|name| self.namespaces.get(name).is_some_and(is_new))
    }
}

impl Confirm {
    /// Reads overrides by `requests`, into `overrides`.
    pub fn new(
        requests: Requests,
        overrides: Overrides,
        state: Arc<State>,
        queues: Queues,
        clock: Clock,
        namespace: Option<String>,
    ) -> Self {
        Self { requests, overrides, state, queues, clock, namespace, reads: Arc::default(), reading: Arc::default() }
    }

    /// Makes sure that the overrides of these namespaces in the state are not older than five seconds.
    ///
    /// # Errors
    /// When they cannot be read: then nothing may be ended.
    pub async fn make_fresh(&self, namespaces: &HashSet<String>) -> Result<(), Failure> {
        self.read_unless(namespaces, FRESH).await
    }

    /// Keeps what the next ends depend on fresh, from a few seconds ahead of them until they are made.
    pub async fn run_ahead(self) {
        loop {
            self.queues.ends.until_first(self.clock, AHEAD).await;
            let namespaces = self.state.namespaces_of(&self.queues.ends.within(self.clock, AHEAD));
            if let Err(failure) = self.read_unless(&namespaces, NEW).await {
                tracing::debug!(%failure, "failed to read overrides ahead of an end; it is read again at the end");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Reads where the last read is older than `age`.
    async fn read_unless(&self, namespaces: &HashSet<String>, age: Duration) -> Result<(), Failure> {
        // What is fresh enough does not wait for a read under way.
        if self.reads().cover(namespaces, age, self.clock.now()) {
            return Ok(());
        }
        let _turn = self.reading.lock().await;
        if self.reads().cover(namespaces, age, self.clock.now()) {
            return Ok(());
        }
        if self.is_less_work_in_one(namespaces) {
            let now = self.clock.now();
            self.read(self.namespace.as_deref()).await?;
            self.reads().all = Some(now);
            return Ok(());
        }
        for namespace in namespaces {
            let now = self.clock.now();
            self.read(Some(namespace)).await?;
            self.reads().note(namespace, now);
        }
        Ok(())
    }

    fn reads(&self) -> MutexGuard<'_, Reads> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one list of all overrides has no more pages than there are namespaces, of which each is a page or more.
    fn is_less_work_in_one(&self, namespaces: &HashSet<String>) -> bool {
        let (_, overrides) = self.state.counts();
        self.namespace.is_some() || overrides / (page::SIZE as usize) < namespaces.len()
    }

    /// Reads the overrides of a namespace, or of all, page by page.
    async fn read(&self, namespace: Option<&str>) -> Result<(), Failure> {
        let mut params = ListParams::default().limit(page::SIZE);
        loop {
            let request = Request::new(OVERRIDE.path(namespace)).list(&params);
            let answer = self.requests.read(built(request)?).await?;
            let rest = self.take(&answer)?;
            if rest.is_empty() {
                return Ok(());
            }
            params.continue_token = Some(rest);
        }
    }

    /// Takes the overrides of a page; what follows the page. One that cannot be read stays as the watch has delivered it, which
    /// says so.
    fn take(&self, answer: &[u8]) -> Result<String, Failure> {
        let page = page::decode(answer)?;
        for item in page.items.unwrap_or_default() {
            if let Ok(object) = serde_json::from_str(item.get()) {
                self.overrides.answered(&object);
            }
        }
        Ok(page.metadata.rest)
    }
}
