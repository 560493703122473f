//! What the watches deliver, into the state; what follows from it, into the queues.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hpa_override_core::{Id, Question};
use hpa_override_plan::HpaView;
use serde_json::Value;

use crate::{
    access_review::Answers,
    clock::Clock,
    list_watch::Sink,
    listed::Part,
    object::{Key, Override},
    queues::Queues,
    reached::Readings,
    settings::CurrentSettings,
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
    /// The one namespace that is watched; none: all.
    namespace: Option<String>,
    listing: Mutex<Listing>,
    is_listed: Part,
}

impl Hpas {
    /// HPAs of that namespace, or of all, go into `state`; once the first list is complete, `is_listed` is set.
    pub fn new(
        state: Arc<State>,
        queues: Queues,
        readings: Arc<Readings>,
        clock: Clock,
        namespace: Option<String>,
        is_listed: Part,
    ) -> Self {
        Self { state, queues, readings, clock, namespace, listing: Mutex::default(), is_listed }
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

    fn listed(&self, object: &str) -> serde_json::Result<()> {
        let view = HpaView::parse_text(object)?;
        let mark = locked(&self.listing).note(view.id());
        self.put(view, Source::List(mark));
        Ok(())
    }

    fn end_list(&self, version: &str) {
        let Listing { mark, listed } = std::mem::take(&mut *locked(&self.listing));
        self.queues.notify(self.state.keep_hpas(self.namespace.as_deref(), &listed, mark, version));
        self.is_listed.send_replace(true);
    }

    fn applied(&self, object: &str) -> serde_json::Result<()> {
        self.put(HpaView::parse_text(object)?, Source::Event);
        Ok(())
    }

    fn deleted(&self, object: &str) -> serde_json::Result<()> {
        self.queues.notify(self.state.remove_hpa(HpaView::parse_text(object)?.id()));
        Ok(())
    }
}

/// Where overrides go. A clone is the same place.
#[derive(Clone, Debug)]
pub struct Overrides {
    state: Arc<State>,
    queues: Queues,
    answers: Arc<Answers>,
    settings: CurrentSettings,
    clock: Clock,
    /// The one namespace that is watched; none: all.
    namespace: Option<String>,
    listing: Arc<Mutex<Listing>>,
    is_listed: Part,
}

impl Overrides {
    /// Overrides of that namespace, or of all, go into `state`; once the first list is complete, `is_listed` is set.
    pub fn new(
        state: Arc<State>,
        queues: Queues,
        answers: Arc<Answers>,
        settings: CurrentSettings,
        clock: Clock,
        namespace: Option<String>,
        is_listed: Part,
    ) -> Self {
        Self { state, queues, answers, settings, clock, namespace, listing: Arc::default(), is_listed }
    }

    /// Takes an override that was read beside the watch.
    pub fn answered(&self, object: &Value) {
        self.notify(self.state.put_override(self.parse(object), Source::Answer));
    }

    fn parse(&self, object: &Value) -> Override {
        Override::parse(object, self.clock.now().instant())
    }

    /// A changed override is checked anew: what was answered before may be about another right.
    fn notify(&self, change: Change) {
        let settings = self.settings.now();
        for ovr in &change.changed {
            if let Some(question) = Question::about(ovr, &settings) {
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

    fn listed(&self, object: &str) -> serde_json::Result<()> {
        let ovr = self.parse(&serde_json::from_str(object)?);
        let mark = locked(&self.listing).note(&ovr.parsed.id);
        self.notify(self.state.put_override(ovr, Source::List(mark)));
        Ok(())
    }

    fn end_list(&self, version: &str) {
        let Listing { mark, listed } = std::mem::take(&mut *locked(&self.listing));
        self.notify(self.state.keep_overrides(self.namespace.as_deref(), &listed, mark, version));
        self.is_listed.send_replace(true);
    }

    fn applied(&self, object: &str) -> serde_json::Result<()> {
        self.notify(self.state.put_override(self.parse(&serde_json::from_str(object)?), Source::Event));
        Ok(())
    }

    fn deleted(&self, object: &str) -> serde_json::Result<()> {
        self.notify(self.state.remove_override(&self.parse(&serde_json::from_str(object)?).parsed.id));
        Ok(())
    }
}

fn locked(listing: &Mutex<Listing>) -> MutexGuard<'_, Listing> {
    listing.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use hpa_override_core::{MayPatch, Settings};
    use serde_json::json;

    use super::*;
    use crate::access_review::Waiting;

    #[test]
    fn a_change_that_is_read_beside_the_watch_is_asked_about_anew() {
        let (answers, mut questions) = Answers::new();
        let settings = Settings { authorize_requester: true, ..Settings::default() };
        let (answers, settings, clock) =
            (Arc::new(answers), CurrentSettings::new(settings), Clock::System { offset: 0 });
        let (state, is_listed) = (Arc::new(State::default()), Part::new(false));
        let sink = Overrides::new(state, Queues::default(), answers.clone(), settings.clone(), clock, None, is_listed);
        let ovr = |version: &str, min: i32| {
            json!({"metadata": {"namespace": "shop", "name": "a", "uid": "o", "resourceVersion": version,
                                "annotations": {"hpa-override.dev/requested-by": r#"{"user":"alice"}"#}},
                   "spec": {"hpa": "web", "minReplicas": min, "duration": "1h"}})
        };
        sink.applied(&ovr("1", 3).to_string()).unwrap();
        let question = Question::about(&sink.parse(&ovr("1", 3)).parsed, &settings.now()).unwrap();
        let mut is_asked = || {
            answers.known([&question], &Waiting::Status(sink.parse(&ovr("1", 3)).key()), clock.now());
            questions.try_recv().is_ok()
        };
        assert!(is_asked());
        answers.note(&question, MayPatch::No, clock.now());
        assert!(!is_asked(), "the answer holds");
        sink.answered(&ovr("2", 4));
        assert!(is_asked());
    }
}
