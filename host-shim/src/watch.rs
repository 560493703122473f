//! What the watches deliver, into the state; what follows from it, into the queues.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hpa_override_core::{Id, Question, Settings};
use hpa_override_plan::HpaView;
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    access_review::Answers,
    clock::Clock,
    list_watch::Sink,
    object::{Key, Override},
    queues::Queues,
    reached::Readings,
    state::{Change, ListMark, Source, State},
};

/// The objects of a list that is under way.
#[derive(Debug, Default)]
struct Listing {
    mark: ListMark,
    listed: HashSet<Key>,
}

impl Listing {
    /// Notes that an object is listed; when the list began.
    fn note(&mut self, id: &Id) -> ListMark {
        self.listed.insert(Key::from(id.clone()));
        self.mark
    }
}

/// Where HPAs go.
#[derive(Debug)]
pub struct Hpas {
    state: Arc<State>,
    queues: Queues,
    readings: Arc<Readings>,
    clock: Clock,
    listing: Mutex<Listing>,
    is_listed: watch::Sender<bool>,
}

impl Hpas {
    /// HPAs go into `state`; once the first list is complete, `is_listed` is set.
    pub fn new(
        state: Arc<State>,
        queues: Queues,
        readings: Arc<Readings>,
        clock: Clock,
        is_listed: watch::Sender<bool>,
    ) -> Self {
        Self { state, queues, readings, clock, listing: Mutex::default(), is_listed }
    }

    fn put(&self, view: HpaView, source: Source) {
        self.readings.note_asked(&view, self.clock.now().steady());
        self.queues.notify(self.state.put_hpa(view, source));
    }
}

impl Sink for Hpas {
    fn begin_list(&self) {
        *locked(&self.listing) = Listing { mark: self.state.begin_list(), listed: HashSet::new() };
    }

    fn listed(&self, object: Value) {
        let view = HpaView::parse(&object);
        let mark = locked(&self.listing).note(view.id());
        self.put(view, Source::List(mark));
    }

    fn end_list(&self) {
        let Listing { mark, listed } = std::mem::take(&mut *locked(&self.listing));
        self.queues.notify(self.state.keep_hpas(&listed, mark));
        self.is_listed.send_replace(true);
    }

    fn applied(&self, object: Value) {
        self.put(HpaView::parse(&object), Source::Event);
    }

    fn deleted(&self, object: Value) {
        self.queues.notify(self.state.remove_hpa(HpaView::parse(&object).id()));
    }
}

/// Where overrides go.
#[derive(Debug)]
pub struct Overrides {
    state: Arc<State>,
    queues: Queues,
    answers: Arc<Answers>,
    settings: Arc<Settings>,
    clock: Clock,
    listing: Mutex<Listing>,
    is_listed: watch::Sender<bool>,
}

impl Overrides {
    /// Overrides go into `state`; once the first list is complete, `is_listed` is set.
    pub fn new(
        state: Arc<State>,
        queues: Queues,
        answers: Arc<Answers>,
        settings: Arc<Settings>,
        clock: Clock,
        is_listed: watch::Sender<bool>,
    ) -> Self {
        Self { state, queues, answers, settings, clock, listing: Mutex::default(), is_listed }
    }

    fn parse(&self, object: &Value) -> Override {
        Override::parse(object, self.clock.now().instant())
    }

    /// A changed override is checked anew: what was answered before may be about another right.
    fn notify(&self, change: Change) {
        for ovr in &change.changed {
            if let Some(question) = Question::about(ovr, &self.settings) {
                self.answers.forget(&question);
            }
        }
        self.queues.notify(change);
    }
}

impl Sink for Overrides {
    fn begin_list(&self) {
        *locked(&self.listing) = Listing { mark: self.state.begin_list(), listed: HashSet::new() };
    }

    fn listed(&self, object: Value) {
        let ovr = self.parse(&object);
        let mark = locked(&self.listing).note(&ovr.parsed.id);
        self.notify(self.state.put_override(ovr, Source::List(mark)));
    }

    fn end_list(&self) {
        let Listing { mark, listed } = std::mem::take(&mut *locked(&self.listing));
        self.notify(self.state.keep_overrides(&listed, mark));
        self.is_listed.send_replace(true);
    }

    fn applied(&self, object: Value) {
        self.notify(self.state.put_override(self.parse(&object), Source::Event));
    }

    fn deleted(&self, object: Value) {
        self.notify(self.state.remove_override(&self.parse(&object).parsed.id));
    }
}

fn locked(listing: &Mutex<Listing>) -> MutexGuard<'_, Listing> {
    listing.lock().unwrap_or_else(PoisonError::into_inner)
}
