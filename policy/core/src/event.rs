//! What a plan tells people once it is written: Kubernetes Events on the override and on the HPA.

use serde::Serialize;
use serde_json::Value;

use crate::{
    bounds::Bounds, id::Id, layer::Layer, ownership::manager_of, record::Record, standings::Judged, window::in_words,
};

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum About {
    /// The HPA planned for.
    Hpa,
    /// An override, by name and uid.
    Override(Id, String),
}

/// A Kubernetes Event to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The object.
    pub about: About,
    /// Whether somebody should look.
    pub warning: bool,
    /// Reason in a word.
    pub reason: &'static str,
    /// Reason in a sentence.
    pub note: String,
}

impl Event {
    pub(crate) fn new(about: About, warning: bool, reason: &'static str, note: String) -> Self {
        Self { about, warning, reason, note }
    }
}

/// The HPA is the owner's again.
pub(crate) fn given_back(bounds: Bounds) -> Event {
    Event::new(
        About::Hpa,
        false,
        "GivenBack",
        format!("bounds {bounds} are the owner's again, nothing is left of the override"),
    )
}

/// What differs between the record before a write and after it.
pub(crate) fn of_change(
    before: &Record,
    next: &Record,
    live: Bounds,
    managed: &[Value],
    judged: &Judged,
) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some(manager) = reverted_by(before, next, live, managed) {
        let note = format!("`{manager}` set the bounds to {live}; {} is put back", next.effective);
        events.push(Event::new(About::Hpa, true, "Reverted", note));
    }
    events.extend(owner_changed(before, next));
    for layer in missing(&next.layers, &before.layers) {
        let until = in_words(layer.until);
        let by = judged.requester(&layer.by).map_or_else(String::new, |user| format!(", asked for by `{user}`,"));
        let note =
            format!("AutoscalerOverride {}{by} is in force until {until}; bounds are {}", layer.by, next.effective);
        events.extend(both(layer, "Applied", &note));
    }
    for layer in missing(&before.layers, &next.layers) {
        let why = judged.standings.get(&layer.by).map_or("it was deleted", |standing| &standing.message);
        let note =
            format!("AutoscalerOverride {} is no longer in force ({why}); bounds are {}", layer.by, next.effective);
        events.extend(both(layer, "Ended", &note));
    }
    events
}

fn both(layer: &Layer, reason: &'static str, note: &str) -> [Event; 2] {
    let about = About::Override(layer.by.clone(), layer.uid.clone());
    [Event::new(about, false, reason, note.into()), Event::new(About::Hpa, false, reason, note.into())]
}

/// The layers of `these` that `others` lack.
fn missing<'a>(these: &'a [Layer], others: &'a [Layer]) -> impl Iterator<Item = &'a Layer> {
    let lacks = |layer: &Layer| !others.iter().any(|other| other.by == layer.by && other.uid == layer.uid);
    these.iter().filter(move |layer| lacks(layer))
}

/// The manager who wrote other bounds over ours, where the override goes on.
pub(crate) fn reverted_by(before: &Record, next: &Record, live: Bounds, writers: &[Value]) -> Option<String> {
    let goes_on = !before.is_at_rest() && !next.is_at_rest();
    (goes_on && live != before.effective).then(|| manager_of(writers).unwrap_or("somebody").into())
}

fn owner_changed(before: &Record, next: &Record) -> Option<Event> {
    let note =
        || format!("the owner wants {} now instead of {}; that is what it gets back", next.desired, before.desired);
    (before.desired != next.desired).then(|| Event::new(About::Hpa, false, "OwnerChanged", note()))
}
