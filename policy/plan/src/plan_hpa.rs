//! Plans one write to one HPA: what is to be there at `now`, given all overrides that target it.
//!
//! ```text
//!   overrides ──► eligibility ──► layers ──┐
//!   live bounds ──► owner change ► desired ┴─► record ──► one merge patch, or none
//! ```
//! Plan, write, plan again until there is nothing to do: the plan is the same after any crash between two writes.

use std::collections::{BTreeMap, BTreeSet};

use hpa_override_core::{
    Bound, Bounds, Clamps, GRACE, Id, Instant, MayPatch, OwnerChange, ParsedOverride, Question, Record, Settings,
    UnreadableRecord,
    record::saved_owners::{owners_of, returned, united},
};
use serde_json::{Map, Value};

use crate::{
    clamps::clamps,
    eligibility::{Eligibility, MayPatchOf},
    events::{self, Event},
    hpa_view::HpaView,
    patch::{Changes, merge_patch},
    supersession::OverridesOfHpa,
};

/// What is to be done about one HPA, and the eligibility of every override given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HpaPlan {
    /// The questions to be answered first: until then the overrides concerned are blocked.
    pub questions: BTreeSet<Question>,
    /// The next JSON merge patch; none when nothing is to be done.
    pub patch: Option<Value>,
    /// Whether the patch removes an override because its time is over: to be confirmed by a consistent read first.
    pub confirm: bool,
    /// The record to remember once the patch is written: one that vanishes is taken as if it were still there.
    pub remember: Option<String>,
    /// The live bounds that the patch takes for what the owner wants.
    pub owner_change: Option<OwnerChange>,
    /// The field manager that wrote other bounds over ours, where the patch writes ours again.
    pub reverted_by: Option<String>,
    /// Whether the patch undoes a release, and nothing else: it writes our bounds again ([`HpaPlan::admitted`]), or removes a
    /// release marker that no admission has honoured.
    pub is_released: bool,
    /// What to publish where what looks like a revert is a release: see [`HpaPlan::admitted`].
    pub released: Option<Event>,
    /// The events to publish once the patch is written.
    pub events: Vec<Event>,
    /// The first instant at which anything differs, nothing else happening.
    pub next_transition: Option<Instant>,
    /// The first end of an override that the record names, after the instant of the decision: an end to confirm ahead.
    pub next_end: Option<Instant>,
    /// Since when an override is over that the patch takes off: an instant that may be long past, where nobody was there to write
    /// it. Where it ends otherwise (it is deleted, suspended, edited), the instant of the decision.
    pub ends_since: Option<Instant>,
    /// Whether an override waits for what the status of the HPA says: else a change of the status alone changes no plan.
    pub waits_for_status: bool,
    /// Whether each override is active, and why not.
    pub eligibility: BTreeMap<Id, Eligibility>,
}

/// Plans the next write to `hpa`.
///
/// # Guarantees
/// Total, and independent of the order of `overrides`. Planning again after each written patch comes to an end after few
/// writes (one for a change, one more to return ownership, two for an end), and gives the same result after a crash between
/// any two of them. Only the two bounds, our
/// annotations and field ownership are patched, always by `metadata.resourceVersion`. A record that cannot be read is never
/// overwritten: nothing is planned then. The end of the last override is two patches: bounds restored with the record kept,
/// then record and ownership.
///
/// # What it assumes
/// `overrides` are all that may target the HPA (others are looked at, and never active on it). `may_patch` answers for each;
/// what is not known is `MayPatch::NotAsked`. `remembered` is the record that the caller last saw or wrote on this very
/// HPA, by uid. `now` is the caller's clock, in whole seconds. Where the record's `asOf` is ahead of it by at most 60 s, `asOf` counts.
///
/// # What the caller does
/// Answers [`HpaPlan::questions`] and plans again. Where [`HpaPlan::confirm`] is set, reads the overrides from the API server
/// and plans again, before it writes. Takes [`HpaPlan::admitted`] where a merge admission is installed. Where
/// [`HpaPlan::reverted_by`] names a manager again and again, or [`HpaPlan::is_released`] holds, delays the write. Writes the
/// patch as field manager `hpa-override`, reads the HPA again and plans again on a conflict, and compares the response
/// ([`compare_response`](crate::compare_response)), which says what follows where it was altered. Else it remembers
/// [`HpaPlan::remember`], publishes the events, and plans again until there is no patch, and at
/// [`HpaPlan::next_transition`].
///
/// ```
/// use hpa_override_core::{Instant, MayPatch, ParsedOverride, Settings};
/// use hpa_override_plan::{HpaView, plan_hpa};
/// use serde_json::json;
///
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let hpa = json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5}});
/// let hpa = HpaView::parse(&hpa);
/// let ovr = json!({"metadata": {"namespace": "shop", "name": "a", "uid": "u"},
///                  "spec": {"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "1h"}});
/// let ovr = ParsedOverride::parse(&ovr, now);
/// let plan = plan_hpa(&hpa, &[&ovr], &Settings::default(), &|_| MayPatch::NotAsked, now, None);
/// assert_eq!(plan.patch.unwrap()["spec"], json!({"minReplicas": 10, "maxReplicas": 20}));
/// assert_eq!(plan.next_transition, Some("2026-11-27T07:00:00Z".parse().unwrap()));
/// ```
#[must_use]
pub fn plan_hpa(
    hpa: &HpaView,
    overrides: &[&ParsedOverride],
    settings: &Settings,
    may_patch: MayPatchOf<'_>,
    now: Instant,
    remembered: Option<&str>,
) -> HpaPlan {
    let written = hpa.readable_record();
    let (is_written, is_unreadable) = (written.is_some(), matches!(hpa.record(), Some(Err(_))));
    let vanished = remembered.filter(|_| !is_written).and_then(|text| Record::parse(text).ok());
    let record = written.or(vanished.as_ref());
    let t = record.map_or(now, |record| decision_instant(record, now));
    let known = if is_unreadable { Err(UnreadableRecord) } else { Ok(record) };
    let mut checked = OverridesOfHpa::check(hpa, overrides, settings, may_patch, known, t);
    let limits = clamps(settings.limits_in(Some(&hpa.id().namespace)));
    let mut plan = match hpa.bounds() {
        Some(live) if !is_unreadable => {
            Target { hpa, live, record, is_written, limits, t, now, gives_back: false }.plan(&mut checked)
        }
        _ => HpaPlan { remember: remembered.map(Into::into), ..HpaPlan::default() },
    };
    let is_forgotten = !is_written && remembered.is_some() && plan.patch.is_none() && plan.remember.is_none();
    if is_forgotten {
        // The ends that the remembered record had fixed are forgotten with it.
        return plan_hpa(hpa, overrides, settings, may_patch, now, None);
    }
    plan.next_transition = plan.next_transition.into_iter().chain(checked.next_change()).min();
    plan.questions = checked.questions();
    plan.waits_for_status = checked.waits_for_status();
    plan.eligibility = checked.eligibility;
    plan
}

/// Plans the next write that gives an HPA back to its owner, by its own record alone: whatever overrides there are, and at
/// once, whatever `returnOver` says.
///
/// # Guarantees
/// As of [`plan_hpa`] without overrides: the same two patches of an end, and what the owner has written meanwhile counts. An
/// HPA that has nothing of ours gets no patch, and neither does one whose record cannot be read.
///
/// # What the caller does
/// Writes the patch as field manager `hpa-override` and plans again until there is none. Makes sure that no controller
/// begins anew meanwhile.
///
/// ```
/// use hpa_override_core::Instant;
/// use hpa_override_plan::{HpaView, plan_release};
/// use serde_json::json;
///
/// let record = r#"{"v":1,"asOf":"2026-11-27T06:00:00Z","desired":{"minReplicas":2,"maxReplicas":5},
///     "effective":{"minReplicas":10,"maxReplicas":20},"ours":{"minReplicas":[10],"maxReplicas":[20]},
///     "layers":[{"by":"shop/a","uid":"u","mode":"Set","minReplicas":10,"maxReplicas":20,"returnOver":"1h"}]}"#;
/// let hpa = json!({"metadata": {"namespace": "shop", "name": "web", "annotations": {"hpa-override.dev/record": record}},
///                  "spec": {"minReplicas": 10, "maxReplicas": 20}});
/// let now: Instant = "2026-11-27T06:30:00Z".parse().unwrap();
/// let plan = plan_release(&HpaView::parse(&hpa), now);
/// assert_eq!(plan.patch.unwrap()["spec"], json!({"minReplicas": 2, "maxReplicas": 5}));
/// ```
#[must_use]
pub fn plan_release(hpa: &HpaView, now: Instant) -> HpaPlan {
    let (record, settings) = (hpa.readable_record(), Settings::default());
    let (is_written, is_unreadable) = (record.is_some(), matches!(hpa.record(), Some(Err(_))));
    let t = record.map_or(now, |record| decision_instant(record, now));
    let mut checked = OverridesOfHpa::check(hpa, &[], &settings, &|_| MayPatch::NotAsked, Ok(record), t);
    let limits = clamps(settings.limits_in(Some(&hpa.id().namespace)));
    match hpa.bounds() {
        Some(live) if !is_unreadable => {
            Target { hpa, live, record, is_written, limits, t, now, gives_back: true }.plan(&mut checked)
        }
        _ => HpaPlan::default(),
    }
}

/// A record never goes back; an `asOf` more than [`GRACE`] ahead of the clock counts as now.
fn decision_instant(record: &Record, now: Instant) -> Instant {
    if record.as_of.since(now) > GRACE { now } else { record.as_of.max(now) }
}

/// One HPA at one instant.
struct Target<'a> {
    hpa: &'a HpaView,
    live: Bounds,
    /// The record on it, or the remembered one.
    record: Option<&'a Record>,
    /// Whether the record really is on it.
    is_written: bool,
    limits: Clamps,
    /// The instant of the decision.
    t: Instant,
    /// The caller's clock, which may be behind the record.
    now: Instant,
    /// Whether the bounds return at once, whatever `returnOver` says.
    gives_back: bool,
}

impl HpaPlan {
    /// The plan where a merge admission is installed, which returns the record to whoever removes it but for a release (DESIGN §4,
    /// rule 4): so a record that vanished while the bounds became the desired ones was released, not reverted. What a release
    /// writes besides, other bounds, looks like a revert.
    #[must_use]
    pub fn admitted(mut self) -> Self {
        if let Some(released) = self.released.take() {
            self.events.retain(|event| !event.is_revert());
            self.events.insert(0, released);
            (self.reverted_by, self.is_released) = (None, true);
        }
        self
    }
}

impl Target<'_> {
    fn plan(&self, checked: &mut OverridesOfHpa) -> HpaPlan {
        let found = match self.record {
            Some(record) => record.clone(),
            None if checked.layers.is_empty() => return self.finish(&Record::new(self.live, self.t)),
            None => Record::new(self.live, self.t),
        };
        let next = self.next_record(&found, checked);
        checked.mark(&next, self.t);
        let is_restored = next.is_finished() && self.is_restored(&found, &next);
        let plan = if is_restored && (found.is_finished() || !self.is_written) {
            self.finish(&found)
        } else {
            self.write(&found, next.clone(), checked)
        };
        let next_end = next.layers.iter().filter_map(|layer| layer.until).filter(|until| *until > self.t).min();
        HpaPlan { next_transition: next.next_step(self.t), next_end, ..plan }
    }

    /// The record at the instant of the decision, in the order of a decision (ARCHITECTURE.md): ends, then the owner change, then
    /// what begins or was edited, and the limits.
    fn next_record(&self, found: &Record, checked: &OverridesOfHpa) -> Record {
        let mut next = found.clone();
        if self.gives_back {
            next.return_at_once();
        }
        next.advance_by(self.t, |layer| checked.end_of(layer, self.t));
        if !self.is_written {
            next.finish_replaced(found, self.live);
        }
        next.apply_owner_change(self.owner_change(found).desired(), self.t);
        next.set_layers(checked.layers.clone(), self.limits.clone(), self.t);
        next.settled(found, self.t, |bound| self.live.get(bound))
    }

    fn owner_change(&self, found: &Record) -> OwnerChange {
        OwnerChange::from_live(found, self.live, |bound| self.hpa.managed_fields().we_own(bound))
    }

    /// Whether the bounds are as the end of the last override leaves them. Once the first patch of an end is written, that is
    /// also one which managedFields attribute to us: another admission has altered it in that patch, and nothing is tried
    /// again.
    fn is_restored(&self, found: &Record, next: &Record) -> bool {
        let is_final = |bound| found.is_finished() && self.hpa.managed_fields().we_own(bound);
        let is_as_desired = |bound| self.live.get(bound) == next.effective.get(bound);
        Bound::BOTH.into_iter().all(|bound| is_as_desired(bound) || is_final(bound))
    }

    /// The second patch of an end: removes the record, returns ownership. Where the record has vanished there is nothing to
    /// do, unless an entry of ours is left in managedFields.
    fn finish(&self, record: &Record) -> HpaPlan {
        let managed = self.hpa.managed_fields();
        let managed_fields = managed.has_our_entry().then(|| returned(&managed.entries(), &record.owners, self.t));
        // A clock that is behind must not start again what is over: until it has caught up, the instant is remembered.
        let remember = (self.now < self.t).then(|| Record::new(self.live, self.t).to_text());
        let is_marked = self.gives_back && self.hpa.has_release_marker();
        if !self.is_written && managed_fields.is_none() && !is_marked {
            return HpaPlan { remember, ..HpaPlan::default() };
        }
        // The first patch of the end was written then.
        let ends_since = self.is_written.then_some(record.as_of.min(self.t));
        let record = self.is_written.then_some(Value::Null);
        HpaPlan {
            patch: Some(merge_patch(self.hpa, Changes { record, managed_fields, spec: Map::new() })),
            remember,
            ends_since,
            events: vec![events::restored(self.live)],
            ..HpaPlan::default()
        }
    }

    /// Bounds and record as they are to be, or ownership returned, or nothing.
    fn write(&self, found: &Record, mut next: Record, checked: &OverridesOfHpa) -> HpaPlan {
        let managed = self.hpa.managed_fields();
        let differs = |bound: &Bound| next.effective.get(*bound) != self.live.get(*bound);
        let changed: Vec<Bound> = Bound::BOTH.into_iter().filter(differs).collect();
        let is_to_be_returned = changed.is_empty() && managed.we_own_any();
        let managed_fields = is_to_be_returned.then(|| returned(&managed.entries(), &next.owners, self.t));
        next.owners = match changed.as_slice() {
            [] => Vec::new(),
            changed => united(next.owners, owners_of(&managed.entries(), changed)),
        };
        let next = next.counted(found);
        let text = next.to_text();
        let mut plan = HpaPlan { remember: Some(text.clone()), ..HpaPlan::default() };
        let is_as_planned = changed.is_empty() && managed_fields.is_none() && self.hpa.has_record_text(&text);
        let is_marked = self.is_written && self.hpa.is_to_be_released();
        if is_as_planned && !is_marked {
            return plan;
        }
        plan.is_released = is_as_planned;
        let spec = changed.iter().map(|bound| (bound.field().into(), next.effective.get(*bound).into())).collect();
        plan.patch = Some(merge_patch(self.hpa, Changes { record: Some(text.into()), managed_fields, spec }));
        plan.owner_change = Some(self.owner_change(found)).filter(OwnerChange::is_change);
        plan.confirm = checked.ends_by_time(found, self.t);
        let ended = events::missing(&found.layers, &next.layers).filter_map(|layer| checked.end_of(layer, self.t));
        plan.ends_since = ended.min();
        plan.reverted_by = events::reverted_by(found, &next, self.live, self.hpa);
        plan.events = events::of_change(found, &next, self.live, plan.reverted_by.as_deref(), checked);
        if is_marked {
            plan.events.push(events::not_released(self.hpa.id()));
        }
        if plan.reverted_by.is_some() && !self.is_written && self.live == found.desired {
            plan.released = Some(events::released(&next));
        }
        plan
    }
}

#[cfg(test)]
mod tests;
