//! The consistent read before a timed end: a watch may lag, and a missed extension must not cut pods.
//!
//! ```text
//!   the first end of all ──► ahead of it, read the overrides that decide ──► State
//!   a plan that ends something ──► fresh enough? ──no──► read the overrides that decide, one by one
//! ```
//! What is read goes into the state like an event: the later version of an override counts. So a plan that is made
//! afterwards is made of what the API server had no more than five seconds before, when the read began.
//!
//! A page of 500 overrides costs the API server about as much as 40 reads of one (measured), and no more than some hundreds
//! are ended while a read is fresh. So pages are read where many of them end soon, and single ones where few do, or where
//! there are so many that the first pages would be old when the last one comes.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use hpa_override_core::Id;
use kube::{api::ListParams, core::Request};

use crate::{
    clock::{Clock, Moment},
    error::Failure,
    object::{Key, OVERRIDE},
    page,
    queues::Queues,
    request::{Requests, built},
    state::State,
    watch::Overrides,
};

/// How old a read may be when an override is ended by it.
const FRESH: Duration = Duration::from_secs(5);
/// How long before an end its overrides are read.
const AHEAD: Duration = Duration::from_secs(3);
/// How old a read may be that a read ahead makes do with: with the next, it is not too old before there is another.
const NEW: Duration = Duration::from_millis(3500);
/// How often that is looked at while there are ends.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So many overrides may be ended while a read is fresh.
const ENDED_MEANWHILE: usize = 500;
/// Reads of one override that cost as much as a page.
const ONES_FOR_A_PAGE: usize = 40;
/// Reads of one override at once, ahead of their ends.
const AT_ONCE: usize = 8;

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
}

/// When what was last read.
#[derive(Debug, Default)]
struct Reads {
    all: Option<Moment>,
    namespaces: HashMap<String, Moment>,
    /// Of one override, and who waits for it meanwhile.
    ones: HashMap<Key, Arc<tokio::sync::Mutex<Option<Moment>>>>,
}

impl Reads {
    fn note_namespace(&mut self, namespace: &str, now: Moment) {
        self.namespaces.retain(|_, at| now.since(*at) < FRESH);
        self.namespaces.insert(namespace.into(), now);
    }

    /// Whether the override was read, with others, within `age`.
    fn cover(&self, ovr: &Id, age: Duration, now: Moment) -> bool {
        let is_new = |at: &Moment| now.since(*at) < age;
        self.all.as_ref().is_some_and(is_new) || self.namespaces.get(&ovr.namespace).is_some_and(is_new)
    }

    /// The last read of one override. Those that are too old, and that nobody waits for, are forgotten.
    fn one(&mut self, ovr: &Key, now: Moment) -> Arc<tokio::sync::Mutex<Option<Moment>>> {
        if self.ones.len() >= 2 * ENDED_MEANWHILE {
            let is_old = |at: &Option<Moment>| at.is_none_or(|at| now.since(at) >= FRESH);
            self.ones.retain(|_, one| Arc::strong_count(one) > 1 || !one.try_lock().is_ok_and(|at| is_old(&at)));
        }
        self.ones.entry(ovr.clone()).or_default().clone()
    }
}

/// What to read ahead of ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadAhead {
    /// All overrides that are served.
    All,
    /// Those of the namespaces concerned.
    Namespaces,
    /// Those concerned, one by one.
    Ones,
    /// Nothing: it would be too old when it is needed.
    Nothing,
}

impl ReadAhead {
    /// So many overrides in so many namespaces are concerned, of so many that are known.
    fn plan(concerned: usize, namespaces: usize, known: usize, serves_one_namespace: bool) -> Self {
        let pages_of_all = known.div_ceil(page::SIZE as usize);
        let is_all = serves_one_namespace || pages_of_all < namespaces;
        let pages = if is_all { pages_of_all } else { namespaces };
        if concerned.min(ENDED_MEANWHILE) >= ONES_FOR_A_PAGE * pages {
            if is_all { Self::All } else { Self::Namespaces }
        } else if concerned <= ENDED_MEANWHILE {
            Self::Ones
        } else {
            Self::Nothing
        }
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
        Self { requests, overrides, state, queues, clock, namespace, reads: Arc::default() }
    }

    /// Makes sure that these overrides in the state are not older than five seconds.
    ///
    /// # Errors
    /// When they cannot be read: then nothing may be ended.
    pub async fn make_fresh(&self, overrides: &HashSet<Key>) -> Result<(), Failure> {
        for ovr in overrides {
            self.make_one_fresh(ovr, FRESH).await?;
        }
        Ok(())
    }

    /// Keeps what the next ends depend on fresh, from a few seconds ahead of them until they are made.
    pub async fn run_ahead(self) {
        loop {
            self.queues.ends.until_first(self.clock, AHEAD).await;
            let overrides = self.state.overrides_that_decide(&self.queues.ends.within(self.clock, AHEAD));
            if let Err(failure) = self.read_ahead(overrides).await {
                tracing::debug!(%failure, "failed to read overrides ahead of an end; they are read again at the end");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn read_ahead(&self, mut overrides: HashSet<Key>) -> Result<(), Failure> {
        let namespaces: HashSet<String> = overrides.iter().map(|ovr| ovr.namespace.clone()).collect();
        let (_, known) = self.state.counts();
        let plan = ReadAhead::plan(overrides.len(), namespaces.len(), known, self.namespace.is_some());
        let now = self.clock.now();
        overrides.retain(|ovr| !self.reads().cover(ovr, NEW, now));
        match plan {
            ReadAhead::All if !overrides.is_empty() => {
                self.read(self.namespace.as_deref()).await?;
                self.reads().all = Some(now);
            }
            ReadAhead::Namespaces => {
                let namespaces: HashSet<&str> = overrides.iter().map(|ovr| ovr.namespace.as_str()).collect();
                for namespace in namespaces {
                    let now = self.clock.now();
                    self.read(Some(namespace)).await?;
                    self.reads().note_namespace(namespace, now);
                }
            }
            ReadAhead::Ones => {
                let read = |ovr| async move { self.make_one_fresh(&ovr, NEW).await };
                stream::iter(overrides).map(Ok).try_for_each_concurrent(AT_ONCE, read).await?;
            }
            ReadAhead::All | ReadAhead::Nothing => {}
        }
        Ok(())
    }

    /// Reads one override where it was last read longer ago than `age`.
    async fn make_one_fresh(&self, ovr: &Key, age: Duration) -> Result<(), Failure> {
        let now = self.clock.now();
        if self.reads().cover(ovr, age, now) {
            return Ok(());
        }
        let last = self.reads().one(ovr, now);
        // Who waits for it need not read it again.
        let mut last = last.lock().await;
        let now = self.clock.now();
        if last.is_some_and(|at| now.since(at) < age) {
            return Ok(());
        }
        // As a list: it is consistent, and needs no other right.
        let params = ListParams::default().fields(&format!("metadata.name={}", ovr.name));
        self.read_page(Some(&ovr.namespace), &params).await?;
        *last = Some(now);
        Ok(())
    }

    fn reads(&self) -> MutexGuard<'_, Reads> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the overrides of a namespace, or of all, page by page.
    async fn read(&self, namespace: Option<&str>) -> Result<(), Failure> {
        let mut params = ListParams::default().limit(page::SIZE);
        loop {
            let rest = self.read_page(namespace, &params).await?;
            if rest.is_empty() {
                return Ok(());
            }
            params.continue_token = Some(rest);
        }
    }

    async fn read_page(&self, namespace: Option<&str>, params: &ListParams) -> Result<String, Failure> {
        let request = Request::new(OVERRIDE.path(namespace)).list(params);
        self.take(&self.requests.read(built(request)?).await?)
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::few((3, 2, 10_000), ReadAhead::Ones)]
    #[case::few_of_few((3, 1, 10), ReadAhead::Ones)]
    #[case::most_of_one_page((50, 30, 400), ReadAhead::All)]
    #[case::many_of_two_pages((1000, 20, 1000), ReadAhead::All)]
    #[case::a_namespace_of_many((300, 1, 10_000), ReadAhead::Namespaces)]
    #[case::more_than_are_ended_meanwhile((10_000, 20, 10_000), ReadAhead::Nothing)]
    fn pages_are_read_where_that_is_less_work(
        #[case] (concerned, namespaces, known): (usize, usize, usize),
        #[case] expected: ReadAhead,
    ) {
        assert_eq!(ReadAhead::plan(concerned, namespaces, known, false), expected);
    }

    #[test]
    fn who_serves_one_namespace_reads_all_of_it() {
        assert_eq!(ReadAhead::plan(300, 1, 1000, true), ReadAhead::All);
    }
}
