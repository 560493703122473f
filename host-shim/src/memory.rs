//! What the controller knows of an object beyond what its watch has delivered: its own last write, the record that it
//! saw, what went wrong. Keyed by uid; lost with the process, which is safe.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hpa_override_core::Trouble;

use crate::{
    contest::{Contest, Verdict},
    context::Moment,
    object::{Kind, Object},
};

/// How many times longer than the effort the rest after it is.
const REST: u32 = 4;

/// What is known of the objects of one kind.
#[derive(Debug)]
pub struct Memory<T>(Mutex<HashMap<String, Known<T>>>);

#[derive(Debug)]
struct Known<T> {
    /// The response to our last write: the watch may lag behind it.
    written: Option<Arc<T>>,
    record: Option<String>,
    trouble: Option<Trouble>,
    failures: u32,
    contest: Contest,
    /// Since when it rests, and for how long.
    rest: Option<(Moment, Duration)>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { written: None, record: None, trouble: None, failures: 0, contest: Contest::default(), rest: None }
    }
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Kind> Memory<Object<K>> {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Known<Object<K>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<R>(&self, object: &Object<K>, change: impl FnOnce(&mut Known<Object<K>>) -> R) -> R {
        change(self.known().entry(object.uid().into()).or_default())
    }

    /// The later of what the watch delivered and what we last wrote.
    pub fn freshest(&self, watched: Arc<Object<K>>) -> Arc<Object<K>> {
        let known = self.known();
        let written = known.get(watched.uid()).and_then(|known| known.written.clone());
        written.filter(|written| written.is_later_than(&watched)).unwrap_or(watched)
    }

    /// Keeps the response to a write of ours.
    pub fn note_written(&self, response: Arc<Object<K>>) {
        self.with(&response.clone(), |known| known.written = Some(response));
    }

    /// The record to take as still there where it has vanished.
    pub fn record(&self, object: &Object<K>) -> Option<String> {
        self.known().get(object.uid()).and_then(|known| known.record.clone())
    }

    /// Remembers a record, or forgets it.
    pub fn note_record(&self, object: &Object<K>, record: Option<String>) {
        match record {
            Some(record) => self.with(object, |known| known.record = Some(record)),
            None => {
                if let Some(known) = self.known().get_mut(object.uid()) {
                    known.record = None;
                }
            }
        }
    }

    /// What keeps the object from being as planned.
    pub fn trouble(&self, object: &Object<K>) -> Option<Trouble> {
        self.known().get(object.uid()).and_then(|known| known.trouble.clone())
    }

    /// Notes what went wrong; whether that is news.
    pub fn note_trouble(&self, object: &Object<K>, trouble: Option<Trouble>) -> bool {
        if trouble.is_none() && !self.known().contains_key(object.uid()) {
            return false;
        }
        self.with(object, |known| {
            let news = known.trouble != trouble;
            known.trouble = trouble;
            news
        })
    }

    /// Somebody wrote over ours; whether to put it back now. It counts as put back only by
    /// [`note_put_back`](Self::note_put_back): a write that is refused and tried again is one revert, not many.
    pub fn judge_revert(&self, object: &Object<K>, moment: Moment) -> Verdict {
        self.with(object, |known| {
            let mut judged = known.contest;
            let verdict = judged.note_revert(moment);
            if verdict != Verdict::PutBack {
                known.contest = judged;
            }
            verdict
        })
    }

    /// Notes that a revert judged at `moment` is put back.
    pub fn note_put_back(&self, object: &Object<K>, moment: Moment) {
        self.with(object, |known| known.contest.note_revert(moment));
    }

    /// How much longer a contest is held to go on.
    pub fn contested_for(&self, object: &Object<K>, moment: Moment) -> Option<Duration> {
        self.known().get(object.uid()).and_then(|known| known.contest.goes_on_for(moment))
    }

    /// Counts a failure; how many there were in a row before it.
    pub fn note_failure(&self, object: &Object<K>) -> u32 {
        self.with(object, |known| {
            known.failures = known.failures.saturating_add(1);
            known.failures - 1
        })
    }

    /// Ends a row of failures.
    pub fn note_success(&self, object: &Object<K>) {
        if let Some(known) = self.known().get_mut(object.uid()) {
            known.failures = 0;
        }
    }

    /// Has the object rest after `effort` that ended at `moment`, so that it takes a fifth of the time at most.
    pub fn note_effort(&self, object: &Object<K>, effort: Duration, moment: Moment) {
        self.with(object, |known| known.rest = Some((moment, effort.saturating_mul(REST))));
    }

    /// How much longer it rests.
    pub fn rests_for(&self, object: &Object<K>, moment: Moment) -> Option<Duration> {
        let (since, rest) = self.known().get(object.uid())?.rest?;
        rest.checked_sub(moment.since(since)).filter(|left| !left.is_zero())
    }

    /// Forgets a deleted object.
    pub fn forget(&self, object: &Object<K>) {
        self.known().remove(object.uid());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Hpa;

    #[test]
    fn after_an_effort_it_rests_four_times_as_long() {
        let (memory, moment, second) = (Memory::<Hpa>::default(), Moment::now(), Duration::from_secs(1));
        let hpa: Hpa = serde_json::from_value(json!({"metadata": {"uid": "hpa-1"}})).unwrap();
        assert_eq!(memory.rests_for(&hpa, moment), None);
        memory.note_effort(&hpa, second, moment);
        assert_eq!(memory.rests_for(&hpa, moment), Some(4 * second));
        assert_eq!(memory.rests_for(&hpa, moment.after(3 * second)), Some(second));
        assert_eq!(memory.rests_for(&hpa, moment.after(4 * second)), None);
    }

    #[test]
    fn a_write_that_is_tried_again_is_one_revert() {
        let (memory, moment) = (Memory::<Hpa>::default(), Moment::now());
        let hpa: Hpa = serde_json::from_value(json!({"metadata": {"uid": "hpa-1"}})).unwrap();
        for _ in 0..9 {
            assert_eq!(memory.judge_revert(&hpa, moment), Verdict::PutBack);
        }
        for _ in 0..3 {
            assert_eq!(memory.judge_revert(&hpa, moment), Verdict::PutBack);
            memory.note_put_back(&hpa, moment);
        }
        let pause = Duration::from_secs(2);
        assert_eq!(memory.judge_revert(&hpa, moment), Verdict::Hold(pause));
        assert_eq!(memory.judge_revert(&hpa, moment.after(pause)), Verdict::PutBack);
        assert_eq!(memory.judge_revert(&hpa, moment.after(pause)), Verdict::PutBack, "refused, and tried again");
    }
}
