//! What the controller knows of an object beyond what its watch has delivered: its own last write, the record that it
//! saw, problems, failures. Keyed by uid; lost with the process, which is safe.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hpa_override_plan::Problem;
use serde_json::Value;

use crate::{
    context::Moment,
    object::{Kind, Object},
    revert_backoff::RevertBackoff,
};

/// How many times longer than its planning took an override is left alone.
const THROTTLE: u32 = 4;

/// What is known of the objects of one kind.
#[derive(Debug)]
pub struct KnownObjects<T>(Mutex<HashMap<String, Known<T>>>);

#[derive(Debug)]
struct Known<T> {
    /// The response to our last write: the watch may lag behind it.
    written: Option<Arc<T>>,
    /// The status that we last sent, where the API server has stored another: an older CRD prunes what it does not know.
    sent_status: Option<Value>,
    record: Option<String>,
    problem: Option<Problem>,
    failures: u32,
    backoff: RevertBackoff,
    /// Since when it is throttled, and for how long.
    throttle: Option<(Moment, Duration)>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        let backoff = RevertBackoff::default();
        Self { written: None, sent_status: None, record: None, problem: None, failures: 0, backoff, throttle: None }
    }
}

impl<T> Default for KnownObjects<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Kind> KnownObjects<Object<K>> {
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

    /// Keeps the response to a write of the status, and the status that was sent.
    pub fn note_status(&self, response: Arc<Object<K>>, sent: &Value) {
        let is_stored = response.json().get("status") == Some(sent);
        self.with(&response.clone(), |known| {
            known.sent_status = (!is_stored).then(|| sent.clone());
            known.written = Some(response);
        });
    }

    /// The object with the status that we last sent, where it has what the API server made of that.
    pub fn as_sent<'a>(&self, object: &'a Object<K>) -> Cow<'a, Value> {
        let known = self.known();
        let known = known.get(object.uid());
        let stored = known.and_then(|known| known.written.as_ref()).and_then(|written| written.json().get("status"));
        match known.and_then(|known| known.sent_status.as_ref()) {
            Some(sent) if object.json().get("status") == stored => {
                let mut json = object.json().clone();
                if let Some(fields) = json.as_object_mut() {
                    fields.insert("status".into(), sent.clone());
                }
                Cow::Owned(json)
            }
            _ => Cow::Borrowed(object.json()),
        }
    }

    /// The last record seen: the plan uses it where the record has vanished.
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
    pub fn problem(&self, object: &Object<K>) -> Option<Problem> {
        self.known().get(object.uid()).and_then(|known| known.problem.clone())
    }

    /// Notes a problem, or that there is none any more; whether that is a change.
    pub fn note_problem(&self, object: &Object<K>, problem: Option<Problem>) -> bool {
        if problem.is_none() && !self.known().contains_key(object.uid()) {
            return false;
        }
        self.with(object, |known| {
            let changed = known.problem != problem;
            known.problem = problem;
            changed
        })
    }

    /// How long to wait before a revert is undone; none: undo it now. It counts as undone only by
    /// [`note_undone`](Self::note_undone): a write that is refused and tried again is one revert, not many.
    pub fn revert_delay(&self, object: &Object<K>, moment: Moment) -> Option<Duration> {
        self.with(object, |known| {
            let mut noted = known.backoff;
            let delay = noted.note_revert(moment);
            if delay.is_some() {
                known.backoff = noted;
            }
            delay
        })
    }

    /// Notes that a revert seen at `moment` is undone.
    pub fn note_undone(&self, object: &Object<K>, moment: Moment) {
        self.with(object, |known| known.backoff.note_revert(moment));
    }

    /// How much longer the object counts as contested.
    pub fn contested_for(&self, object: &Object<K>, moment: Moment) -> Option<Duration> {
        self.known().get(object.uid()).and_then(|known| known.backoff.contested_for(moment))
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

    /// Throttles the object after planning that took `duration` and ended at `moment`, so that planning takes a fifth of
    /// the time at most.
    pub fn throttle(&self, object: &Object<K>, duration: Duration, moment: Moment) {
        self.with(object, |known| known.throttle = Some((moment, duration.saturating_mul(THROTTLE))));
    }

    /// How much longer it is throttled.
    pub fn throttled_for(&self, object: &Object<K>, moment: Moment) -> Option<Duration> {
        let (since, length) = self.known().get(object.uid())?.throttle?;
        length.checked_sub(moment.since(since)).filter(|left| !left.is_zero())
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
    use crate::object::{Hpa, Override};

    fn hpa() -> Hpa {
        serde_json::from_value(json!({"metadata": {"uid": "hpa-1"}})).unwrap()
    }

    #[test]
    fn planning_is_throttled_for_four_times_as_long_as_it_took() {
        let (known, moment, second) = (KnownObjects::<Hpa>::default(), Moment::now(), Duration::from_secs(1));
        assert_eq!(known.throttled_for(&hpa(), moment), None);
        known.throttle(&hpa(), second, moment);
        assert_eq!(known.throttled_for(&hpa(), moment), Some(4 * second));
        assert_eq!(known.throttled_for(&hpa(), moment.after(3 * second)), Some(second));
        assert_eq!(known.throttled_for(&hpa(), moment.after(4 * second)), None);
    }

    #[test]
    fn a_status_of_which_less_is_stored_counts_as_it_was_sent() {
        let known = KnownObjects::<Override>::default();
        let with = |status: Value| -> Override {
            serde_json::from_value(json!({"metadata": {"uid": "o"}, "status": status})).unwrap()
        };
        let (sent, stored) = (json!({"phase": "Active", "fresh": 1}), json!({"phase": "Active"}));
        assert_eq!(*known.as_sent(&with(stored.clone())), *with(stored.clone()).json());
        known.note_status(Arc::new(with(stored.clone())), &sent);
        assert_eq!(known.as_sent(&with(stored))["status"], sent);
        let edited = json!({"phase": "Expired"});
        assert_eq!(known.as_sent(&with(edited.clone()))["status"], edited, "somebody else has written it");
        known.note_status(Arc::new(with(sent.clone())), &sent);
        assert_eq!(known.as_sent(&with(sent.clone()))["status"], sent);
    }

    #[test]
    fn a_write_that_is_tried_again_is_one_revert() {
        let (known, moment) = (KnownObjects::<Hpa>::default(), Moment::now());
        for _ in 0..9 {
            assert_eq!(known.revert_delay(&hpa(), moment), None);
        }
        for _ in 0..3 {
            assert_eq!(known.revert_delay(&hpa(), moment), None);
            known.note_undone(&hpa(), moment);
        }
        let delay = Duration::from_secs(2);
        assert_eq!(known.revert_delay(&hpa(), moment), Some(delay));
        assert_eq!(known.revert_delay(&hpa(), moment.after(delay)), None);
        assert_eq!(known.revert_delay(&hpa(), moment.after(delay)), None, "refused, and tried again");
    }
}
