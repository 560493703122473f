//! The events of a plan: Kubernetes Events on the override and on the HPA, to be published once the plan is written.

use hpa_override_core::{
    Bounds, Id, Layer, RELEASE_ANNOTATION, Record, hpa::managed_fields::last_manager, value::text::until_text,
};

use crate::{hpa_view::HpaView, supersession::OverridesOfHpa};

/// The object that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The HPA of the plan.
    Hpa,
    /// An override, by name and uid.
    Override(Id, String),
}

/// An event to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The object.
    pub about: About,
    /// Whether its type is Warning.
    pub warning: bool,
    /// Reason in a word.
    pub reason: &'static str,
    /// Reason in a sentence.
    pub note: String,
}

impl Event {
    /// Whether it says that the bounds are restored.
    pub(crate) fn is_restored(&self) -> bool {
        self.reason == RESTORED
    }

    /// Whether it says that somebody wrote other bounds over ours.
    pub(crate) fn is_revert(&self) -> bool {
        self.reason == REVERTED
    }
}

const RESTORED: &str = "Restored";
const REVERTED: &str = "Reverted";

/// The bounds are restored, and no trace of an override is left.
pub(crate) fn restored(bounds: Bounds) -> Event {
    let note = format!("bounds {bounds} are restored, nothing is left of the override");
    Event { about: About::Hpa, warning: false, reason: RESTORED, note }
}

/// The events of a write, by what differs between the record before it and after it. `reverted_by` is the field manager whose
/// bounds are overwritten.
pub(crate) fn of_change(
    before: &Record,
    next: &Record,
    live: Bounds,
    reverted_by: Option<&str>,
    checked: &OverridesOfHpa,
) -> Vec<Event> {
    let reverted = reverted_by.map(|manager| reverted(manager, live, next.effective));
    let begun = missing(&next.layers, &before.layers).flat_map(|layer| applied(layer, next, checked));
    let ended = missing(&before.layers, &next.layers).flat_map(|layer| ended(layer, next, checked));
    reverted.into_iter().chain(owner_changed(before, next)).chain(begun).chain(ended).collect()
}

fn reverted(manager: &str, live: Bounds, effective: Bounds) -> Event {
    let note = format!("`{manager}` set the bounds to {live}; {effective} is written again");
    Event { about: About::Hpa, warning: true, reason: REVERTED, note }
}

/// The HPA was released while an override is active.
pub(crate) fn released(next: &Record) -> Event {
    let layers: Vec<_> = next.layers.iter().map(|layer| layer.by.to_string()).collect();
    let note = format!(
        "the record was removed and {} restored, as by {RELEASE_ANNOTATION}; {} is written again, since {} is active: delete or \
         suspend that first",
        next.desired,
        next.effective,
        layers.join(", ")
    );
    Event { about: About::Hpa, warning: true, reason: "Released", note }
}

/// A release marker that no admission has honoured is removed.
pub(crate) fn not_released(hpa: &Id) -> Event {
    let note = format!(
        "{RELEASE_ANNOTATION} is removed: no admission has released the HPA; delete the override, or run \
         `host-shim release-all --hpa {hpa}` with the controller scaled to 0"
    );
    Event { about: About::Hpa, warning: true, reason: "NotReleased", note }
}

fn owner_changed(before: &Record, next: &Record) -> Option<Event> {
    if before.desired == next.desired {
        return None;
    }
    let note =
        format!("the owner wants {} instead of {}, which is what will be restored", next.desired, before.desired);
    Some(Event { about: About::Hpa, warning: false, reason: "OwnerChanged", note })
}

fn applied(layer: &Layer, next: &Record, checked: &OverridesOfHpa) -> [Event; 2] {
    let until = until_text(layer.until);
    let by = checked.requester(&layer.by).map_or_else(String::new, |user| format!(", requested by `{user}`,"));
    on_both(
        layer,
        "Applied",
        format!("AutoscalerOverride {}{by} is active until {until}; bounds are {}", layer.by, next.effective),
    )
}

fn ended(layer: &Layer, next: &Record, checked: &OverridesOfHpa) -> [Event; 2] {
    let why = checked.eligibility.get(&layer.by).map_or("it was deleted", |eligibility| &eligibility.message);
    on_both(
        layer,
        "Ended",
        format!("AutoscalerOverride {} is no longer active ({why}); bounds are {}", layer.by, next.effective),
    )
}

/// The same event on the override and on the HPA.
fn on_both(layer: &Layer, reason: &'static str, note: String) -> [Event; 2] {
    let about = About::Override(layer.by.clone(), layer.uid.clone());
    let on_override = Event { about, warning: false, reason, note };
    [on_override.clone(), Event { about: About::Hpa, ..on_override }]
}

/// The layers of `these` that `others` lack.
pub(crate) fn missing<'a>(these: &'a [Layer], others: &'a [Layer]) -> impl Iterator<Item = &'a Layer> {
    these.iter().filter(move |layer| !others.iter().any(|other| other.is_of(&layer.by, &layer.uid)))
}

/// The field manager that wrote other bounds over ours, where overrides remain.
pub(crate) fn reverted_by(before: &Record, next: &Record, live: Bounds, hpa: &HpaView) -> Option<String> {
    let is_reverted = !before.is_finished() && !next.is_finished() && live != before.effective;
    is_reverted.then(|| last_manager(&hpa.managed_fields().entries()).unwrap_or("somebody").into())
}
