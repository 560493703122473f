//! Publishes Kubernetes Events on overrides and HPAs: few, and after the writes. A lost event is logged and changes nothing.
//!
//! What happens on thousands of HPAs at once would be as many events: those about the same object and of the same reason that
//! wait together become one, which says how many they are.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hpa_override_core::{Id, MANAGER};
use hpa_override_plan::{About, Event, HpaView, Problem};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    api::{Patch, PatchParams, PostParams},
    core::Request,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    clock::{Clock, Moment},
    error::Failure,
    metrics::Metrics,
    object::{HPA, OVERRIDE, host_name},
    request::{Requests, built},
    write::Write,
};

/// The API server's limit on a note, in bytes.
const LONGEST_NOTE: usize = 1024;
/// So much of an object's name begins the name of its event, in bytes.
const LONGEST_NAME: usize = 200;
/// The pause after an event: at most ten a second.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the first waits for others that it can be published with.
const GATHERING: Duration = Duration::from_secs(1);
/// How long after an event another of its topic is counted in a series with it, as client-go does.
const SERIES: Duration = Duration::from_mins(6);
/// Events that may wait; further ones are lost.
const MOST_WAITING: usize = 2000;

/// The events to be published. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Events(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    list: Mutex<List>,
    added: Notify,
}

/// An event to be published, and the object that it is about.
#[derive(Clone, Debug)]
pub struct PendingEvent {
    reason: &'static str,
    note: String,
    warning: bool,
    about: ObjectReference,
}

/// The object's uid, and the reason.
type Topic = (String, &'static str);

#[derive(Debug, Default)]
struct List {
    order: VecDeque<Topic>,
    events: HashMap<Topic, (PendingEvent, usize)>,
    lost: usize,
    closed: bool,
}

impl PendingEvent {
    /// An event of a plan for an HPA.
    pub fn from_hpa_plan(event: Event, hpa: &HpaView) -> Self {
        let about = match &event.about {
            About::Hpa => HPA.reference(hpa.id(), hpa.uid()),
            About::Override(id, uid) => about_override(id, uid),
        };
        Self::new(event, about)
    }

    /// An event about an HPA that is not as planned: also where no override is left whose status could say so.
    pub fn from_problem(problem: &Problem, hpa: &HpaView) -> Self {
        let note = format!("the bounds are not as planned: {}", problem.message);
        let about = HPA.reference(hpa.id(), hpa.uid());
        Self { reason: problem.reason.as_str(), note, warning: true, about }
    }

    /// An event of a plan for a status.
    pub fn from_status_plan(event: Event) -> Option<Self> {
        let About::Override(id, uid) = &event.about else { return None };
        let about = about_override(id, uid);
        Some(Self::new(event, about))
    }

    /// An event about this process, which runs in a pod of that namespace.
    pub fn about_this_pod(namespace: &str, reason: &'static str, note: String, warning: bool) -> Self {
        let about = ObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Pod".into()),
            namespace: Some(namespace.into()),
            name: Some(host_name()),
            ..ObjectReference::default()
        };
        Self { reason, note, warning, about }
    }

    fn new(event: Event, about: ObjectReference) -> Self {
        let Event { about: _, warning, reason, note } = event;
        Self { reason, note, warning, about }
    }

    fn topic(&self) -> Topic {
        (self.about.uid.clone().unwrap_or_default(), self.reason)
    }
}

fn about_override(id: &Id, uid: &str) -> ObjectReference {
    OVERRIDE.reference(id, uid)
}

impl List {
    fn add(&mut self, pending: PendingEvent) {
        let topic = pending.topic();
        if let Some((_, count)) = self.events.get_mut(&topic) {
            *count += 1;
        } else if self.order.len() < MOST_WAITING {
            self.order.push_back(topic.clone());
            self.events.insert(topic, (pending, 1));
        } else {
            self.lost += 1;
        }
    }

    /// The next, and how many became one in it.
    fn next(&mut self) -> Option<(PendingEvent, usize)> {
        let topic = self.order.pop_front()?;
        let (mut pending, count) = self.events.remove(&topic)?;
        let others = if count > 1 { format!(" (and {} more like this)", count - 1) } else { String::new() };
        let note = &mut pending.note;
        note.truncate(note.floor_char_boundary(LONGEST_NOTE.saturating_sub(others.len())));
        note.push_str(&others);
        Some((pending, count))
    }
}

impl Events {
    /// Publishes an event soon. Where too many wait, it is lost.
    pub fn publish(&self, event: PendingEvent) {
        self.with(|list| list.add(event));
        self.0.added.notify_one();
    }

    /// Forgets those that wait.
    pub fn clear(&self) {
        self.with(|list| *list = List { closed: list.closed, ..List::default() });
    }

    /// No more come: [`run`](Self::run) ends once those that wait are published.
    pub fn close(&self) {
        self.with(|list| list.closed = true);
        self.0.added.notify_one();
    }

    /// Publishes events, at most ten a second, until closed.
    pub async fn run(self, requests: Requests, clock: Clock) {
        let mut publisher = Publisher { requests, clock, published: HashMap::new() };
        loop {
            let (next, is_closed) = self.with(|list| (list.next(), list.closed));
            let Some((pending, count)) = next else {
                if is_closed {
                    return;
                }
                self.0.added.notified().await;
                tokio::time::sleep(GATHERING).await;
                continue;
            };
            publisher.publish(&pending, count).await;
            self.report_lost(publisher.requests.metrics());
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn report_lost(&self, metrics: &Metrics) {
        let lost = self.with(|list| std::mem::take(&mut list.lost));
        if lost > 0 {
            metrics.note_events_lost(u64::try_from(lost).unwrap_or(u64::MAX));
            tracing::warn!(lost, "events are not published: more than {MOST_WAITING} wait");
        }
    }

    fn with<R>(&self, work: impl FnOnce(&mut List) -> R) -> R {
        work(&mut self.0.list.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Publisher {
    requests: Requests,
    clock: Clock,
    /// The last event of each topic: another one soon is a series with it.
    published: HashMap<Topic, Published>,
}

struct Published {
    name: String,
    note: String,
    /// How many there are in the series.
    count: usize,
    at: Moment,
}

impl Publisher {
    async fn publish(&mut self, pending: &PendingEvent, count: usize) {
        let PendingEvent { reason, note, warning: _, about } = pending;
        tracing::info!(
            reason,
            kind = about.kind.as_deref(),
            namespace = about.namespace.as_deref(),
            name = about.name.as_deref(),
            "{note}"
        );
        let now = self.clock.now();
        self.published.retain(|_, last| now.since(last.at) < SERIES);
        match self.write(pending, count, now).await {
            Err(failure) if failure.is_without_namespace() => {
                tracing::debug!(error = %failure, "failed to publish an event in a namespace that is being deleted");
            }
            Err(failure) => tracing::warn!(error = %failure, "failed to publish an event"),
            Ok(()) => {}
        }
    }

    async fn write(&mut self, pending: &PendingEvent, count: usize, at: Moment) -> Result<(), Failure> {
        let time = at.instant().to_string().replace('Z', ".000000Z");
        let events = Request::new(path_of(pending));
        // A warning that says something else is another event: a refusal is quoted as it is now.
        let goes_on = |last: &&mut Published| !pending.warning || last.note == pending.note;
        if let Some(last) = self.published.get_mut(&pending.topic()).filter(goes_on) {
            last.count += count;
            last.at = at;
            let series = json!({"series": {"count": last.count, "lastObservedTime": time}});
            let patch = events.patch(&last.name, &PatchParams::default(), &Patch::Merge(&series));
            match self.requests.write_json(Write::Event, built(patch)?).await {
                Ok(_) => return Ok(()),
                // It is older than the API server keeps events.
                Err(gone) if gone.is_not_found() => {}
                Err(failure) => return Err(failure),
            }
        }
        let body = kube_event(pending, &time).to_string().into_bytes();
        let created = events.create(&PostParams::default(), body);
        let created = self.requests.write_json(Write::Event, built(created)?).await?;
        let name = created.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
        let published = Published { name: name.unwrap_or_default().into(), note: pending.note.clone(), count, at };
        self.published.insert(pending.topic(), published);
        Ok(())
    }
}

fn path_of(pending: &PendingEvent) -> String {
    let namespace = pending.about.namespace.as_deref().unwrap_or_default();
    format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events")
}

/// The API server appends to it; a name has 253 bytes at most.
fn generate_name(about: &str) -> String {
    format!("{}-", about.get(..LONGEST_NAME).unwrap_or(about).trim_end_matches(['.', '-']))
}

/// `events.k8s.io/v1` Event.
fn kube_event(PendingEvent { reason, note, warning, about }: &PendingEvent, time: &str) -> Value {
    let name = generate_name(about.name.as_deref().unwrap_or_default());
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": name, "namespace": about.namespace},
        "eventTime": time,
        "reportingController": MANAGER,
        "reportingInstance": MANAGER,
        "action": reason,
        "reason": reason,
        "type": if *warning { "Warning" } else { "Normal" },
        "note": note,
        "regarding": about,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(uid: &str, reason: &'static str, note: &str) -> PendingEvent {
        let about = About::Hpa;
        let event = Event { about, warning: false, reason, note: note.into() };
        let hpa = json!({"metadata": {"namespace": "shop", "name": uid, "uid": uid}});
        PendingEvent::from_hpa_plan(event, &HpaView::parse(&hpa))
    }

    fn notes(list: &mut List) -> Vec<String> {
        std::iter::from_fn(|| list.next()).map(|(pending, _)| pending.note).collect()
    }

    #[test]
    fn those_of_one_reason_about_one_object_become_one() {
        let mut list = List::default();
        for (uid, reason, note) in
            [("web", "Applied", "a"), ("api", "Applied", "b"), ("web", "Applied", "c"), ("web", "Ended", "d")]
        {
            list.add(event(uid, reason, note));
        }
        assert_eq!(notes(&mut list), ["a (and 1 more like this)", "b", "d"]);
        assert!(list.events.is_empty());
    }

    #[test]
    fn a_note_is_as_long_as_the_api_server_takes() {
        let mut list = List::default();
        list.add(event("web", "Applied", &"\u{e4}".repeat(1000)));
        list.add(event("web", "Applied", ""));
        let notes = notes(&mut list);
        assert!(notes[0].len() <= LONGEST_NOTE && notes[0].ends_with("\u{e4} (and 1 more like this)"), "{notes:?}");
    }

    #[test]
    fn the_longest_name_of_an_object_leaves_room_for_what_the_api_server_appends() {
        assert_eq!(generate_name("web"), "web-");
        let longest = format!("{}.{}", "a".repeat(LONGEST_NAME - 1), "b".repeat(53));
        assert_eq!((longest.len(), generate_name(&longest)), (253, format!("{}-", "a".repeat(LONGEST_NAME - 1))));
    }

    #[test]
    fn those_beyond_the_most_are_counted_and_lost() {
        let mut list = List::default();
        for number in 0..MOST_WAITING + 3 {
            list.add(event(&number.to_string(), "Applied", "a"));
        }
        assert_eq!((list.lost, notes(&mut list).len()), (3, MOST_WAITING));
    }
}
