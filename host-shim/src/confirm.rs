//! The consistent read before a timed end: a watch may lag, and a missed extension must not cut pods.
//!
//! ```text
//!   the first end of all ──► ahead of it, read the overrides that end ──► State
//!   a plan that ends something ──► fresh enough? ──no──► read the overrides that end, one by one
//! ```
//! What is read goes into the state like an event: the later version of an override counts. So a plan that is made
//! afterwards is made of what the API server had no more than five seconds before, when the read began.
//!
//! A page of 500 overrides costs the API server as much as many reads of one, and no more than some hundreds are ended while
//! a read is fresh (ADR 0015). So pages are read where many of them end soon, and single ones where few do, or where
//! there are so many that the first pages would be old when the last one comes.

mod reads;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt as _, stream};
use hpa_override_core::hpa::raw::name_of;
use kube::{
    api::{GetParams, ListParams},
    core::Request,
};

use self::reads::Reads;
use crate::{
    clock::Clock,
    error::{Class, Failure},
    object::{Key, OVERRIDE},
    page,
    queues::Queues,
    request::{Requests, built},
    scope::Scope,
    state::State,
    watch::Overrides,
};

/// How old a read may be when an override is ended by it; and how long after that the end may be sent.
pub const FRESH: Duration = Duration::from_secs(5);
/// How long before an end its overrides are read.
const AHEAD: Duration = Duration::from_secs(3);
/// How old a read may be that a read ahead makes do with: with the next, it is not too old before there is another.
const NEW: Duration = Duration::from_millis(3500);
/// How often that is looked at while there are ends.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So many HPAs are taken to be written, at most, while a read is fresh.
const WRITTEN_MEANWHILE: usize = 500;
/// So many are read ahead where more end than are written meanwhile: the others are read while these are written.
const FIRST: usize = 128;
/// Reads of one override that are taken to cost as much as a page: an estimate.
const ONES_FOR_A_PAGE: usize = 40;
/// Reads of one override at once.
const AT_ONCE: usize = 8;
/// Rounds of reads before an end: with many overrides the first may be old when the last is read.
const ROUNDS: usize = 2;

/// What a consistent read needs.
#[derive(Clone)]
pub struct Confirm {
    /// A client of its own: a burst of writes must not delay it.
    pub requests: Requests,
    /// Where the overrides go that were read.
    pub overrides: Overrides,
    /// For which overrides end on an HPA, and how many there are.
    pub state: Arc<State>,
    /// For when overrides end.
    pub queues: Queues,
    /// For how old a read is.
    pub clock: Clock,
    /// What is served.
    pub scope: Scope,
    reads: Arc<Mutex<Reads>>,
    /// Whether one override may be read by `get`, as far as is known.
    may_get: Arc<AtomicBool>,
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
    /// Those that end first, one by one: what is read of the others would be too old when it is needed.
    First,
}

impl ReadAhead {
    /// So many HPAs are due. All overrides have so many pages, and so have those of the namespaces concerned.
    fn plan(due: usize, pages_of_all: usize, pages: usize) -> Self {
        let is_worth = |pages| due.min(WRITTEN_MEANWHILE) >= ONES_FOR_A_PAGE * pages;
        if pages_of_all <= pages && is_worth(pages_of_all) {
            Self::All
        } else if is_worth(pages) {
            Self::Namespaces
        } else if due <= WRITTEN_MEANWHILE {
            Self::Ones
        } else {
            Self::First
        }
    }
}

/// The first `count` of these, which are in order of their ends, as the queue takes them: one of each namespace in turn.
fn first(due: &[Key], count: usize) -> Vec<Key> {
    let mut turns: HashMap<&str, usize> = HashMap::new();
    let mut due: Vec<_> = due
        .iter()
        .map(|key| {
            let turn = turns.entry(&key.namespace).or_default();
            *turn += 1;
            (*turn, key)
        })
        .collect();
    due.sort_by_key(|(turn, _)| *turn);
    due.into_iter().take(count).map(|(_, key)| key.clone()).collect()
}

impl Confirm {
    /// Reads overrides by `requests`, into `overrides`.
    pub fn new(
        requests: Requests,
        overrides: Overrides,
        state: Arc<State>,
        queues: Queues,
        clock: Clock,
        scope: Scope,
    ) -> Self {
        let may_get = Arc::new(AtomicBool::new(true));
        Self { requests, overrides, state, queues, clock, scope, reads: Arc::default(), may_get }
    }

    /// Makes sure that what the state has of these overrides is not older than five seconds.
    ///
    /// # Errors
    /// When they cannot be read, or not in time: then nothing may be ended.
    pub async fn make_fresh(&self, overrides: &HashSet<Key>) -> Result<(), Arc<Failure>> {
        for _ in 0..ROUNDS {
            let old = self.older_than(FRESH, overrides);
            if old.is_empty() {
                return Ok(());
            }
            self.read_each(old, FRESH).await?;
        }
        if self.older_than(FRESH, overrides).is_empty() {
            Ok(())
        } else {
            Err(Failure::Timeout(FRESH.as_secs()).into())
        }
    }

    /// Keeps what the next ends depend on fresh, from a few seconds ahead of them until they are made.
    pub async fn run_ahead(self) {
        loop {
            self.queues.ends.until_first(self.clock, AHEAD).await;
            if let Err(failure) = self.read_ahead(self.queues.ends.within(self.clock, AHEAD)).await {
                tracing::debug!(%failure, "failed to read overrides ahead of an end; they are read again at the end");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn read_ahead(&self, due: Vec<Key>) -> Result<(), Arc<Failure>> {
        let count = due.len();
        let due = first(&due, WRITTEN_MEANWHILE);
        let overrides = self.older_than(NEW, &self.state.overrides_that_end(&due));
        if overrides.is_empty() {
            return Ok(());
        }
        let namespaces: HashSet<&str> = overrides.iter().map(|ovr| ovr.namespace.as_str()).collect();
        let [pages_of_all, pages] = self.state.pages_of_overrides(&namespaces, page::SIZE as usize);
        // Each part that is served has one at least.
        match ReadAhead::plan(count, pages_of_all.max(self.scope.parts().len()), pages) {
            ReadAhead::All => {
                let began = self.clock.now();
                for part in self.scope.parts() {
                    self.read(part).await?;
                }
                self.reads().note_all(began);
            }
            ReadAhead::Namespaces => {
                for namespace in namespaces {
                    let began = self.clock.now();
                    self.read(Some(namespace)).await?;
                    self.reads().note_namespace(namespace, began);
                }
            }
            ReadAhead::Ones => self.read_each(overrides.clone(), NEW).await?,
            ReadAhead::First => {
                let due = due.get(..FIRST).unwrap_or(&due);
                self.read_each(self.older_than(NEW, &self.state.overrides_that_end(due)), NEW).await?;
            }
        }
        Ok(())
    }

    fn older_than(&self, age: Duration, overrides: &HashSet<Key>) -> HashSet<Key> {
        let (reads, now) = (self.reads(), self.clock.now());
        overrides.iter().filter(|ovr| !reads.cover(ovr, age, now)).cloned().collect()
    }

    /// Reads each of them; one that fails keeps none of the others.
    async fn read_each(&self, overrides: HashSet<Key>, age: Duration) -> Result<(), Arc<Failure>> {
        let read = |ovr| async move { self.read_one(&ovr, age).await };
        let read = stream::iter(overrides).map(read).buffer_unordered(AT_ONCE);
        read.fold(Ok(()), |all, one| async { all.and(one) }).await
    }

    /// Reads one override, unless somebody else has read it meanwhile.
    async fn read_one(&self, ovr: &Key, age: Duration) -> Result<(), Arc<Failure>> {
        let since = self.clock.now();
        let turn = self.reads().turn(ovr, FRESH, since);
        let _turn = turn.lock().await;
        let began = self.clock.now();
        if self.reads().cover(ovr, age, began) {
            return Ok(());
        }
        if let Some(failure) = self.reads().failed_since(ovr, since) {
            return Err(failure);
        }
        match self.read_single(ovr).await {
            Ok(()) => {
                self.reads().note_one(ovr, began);
                Ok(())
            }
            Err(failure) => {
                let failure = Arc::new(failure);
                self.reads().note_failed(ovr, self.clock.now(), failure.clone());
                Err(failure)
            }
        }
    }

    /// Reads it by `get`: a list of one costs the API server as much as a patch. Both are consistent. Who has not the right to `get`,
    /// by manifests of an earlier version, lists.
    async fn read_single(&self, ovr: &Key) -> Result<(), Failure> {
        let path = OVERRIDE.path(Some(&ovr.namespace));
        if self.may_get.load(Ordering::Relaxed) {
            let request = Request::new(&path).get(&ovr.name, &GetParams::default());
            match self.requests.read_json(built(request)?).await {
                Ok(object) if name_of(&object) == (ovr.namespace.as_str(), ovr.name.as_str()) => {
                    self.overrides.answered(&object);
                    return Ok(());
                }
                // Whoever stands between may answer anything.
                Ok(_) => return Err(Failure::Unreadable("another object than the override that was asked for".into())),
                // The watch says that it is gone.
                Err(failure) if failure.is_without(&ovr.name) => return Ok(()),
                Err(failure) if failure.class() == Class::Forbidden => self.may_get.store(false, Ordering::Relaxed),
                Err(failure) => return Err(failure),
            }
        }
        let params = ListParams::default().fields(&format!("metadata.name={}", ovr.name));
        self.read_page(Some(&ovr.namespace), &params).await.map(drop)
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
    use hpa_override_core::Id;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_first_are_one_of_each_namespace_in_turn() {
        let key = |(namespace, name): (&str, &str)| Key::from(Id { namespace: namespace.into(), name: name.into() });
        let due = [("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("c", "1"), ("b", "2")].map(key);
        let expected = [("a", "1"), ("b", "1"), ("c", "1"), ("a", "2"), ("b", "2")].map(key);
        assert_eq!(first(&due, 5), expected);
    }

    #[rstest]
    #[case::few(3, (20, 2), ReadAhead::Ones)]
    #[case::few_of_few(3, (1, 1), ReadAhead::Ones)]
    #[case::most_of_one_page(50, (1, 30), ReadAhead::All)]
    #[case::many_of_two_pages(1000, (2, 20), ReadAhead::All)]
    #[case::a_namespace_of_many(300, (20, 1), ReadAhead::Namespaces)]
    #[case::a_namespace_of_more_than_are_written_meanwhile(10_000, (20, 20), ReadAhead::First)]
    fn pages_are_read_where_that_is_less_work(
        #[case] due: usize,
        #[case] (pages_of_all, pages): (usize, usize),
        #[case] expected: ReadAhead,
    ) {
        assert_eq!(ReadAhead::plan(due, pages_of_all, pages), expected);
    }
}
