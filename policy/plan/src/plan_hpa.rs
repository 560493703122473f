//! Plans one write to one HPA: what is to be there at `now`, given all overrides that target it.
//!
//! ```text
//!   overrides ──► eligibility ──► layers ──┐
//!   live bounds ──► owner change ► desired ┴─► record ──► one merge patch, or none
//! ```
//! Plan, write, plan again until there is nothing to do: the plan is the same after any crash between two writes.

use std::collections::{BTreeMap, BTreeSet};

use hpa_override_core::{
    Bound, Bounds, Clamps, GRACE, Id, Instant, ParsedOverride, Question, RECORD_ANNOTATION, Record, Settings,
    UnreadableRecord,
    hpa::{
        managed_fields::{entries, has_our_entry, we_own},
        raw::{annotation, name_of},
    },
    record::{
        owner_change::desired_after_live,
        saved_owners::{owners_of, returned, united},
    },
};
use serde_json::{Map, Value};

use crate::{
    clamps::clamps,
    cut_bounds::cut_bounds,
    eligibility::{Eligibility, MayPatchOf},
    events::{self, Event},
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
    /// The field manager that wrote other bounds over ours, where the patch writes ours again.
    pub reverted_by: Option<String>,
    /// The events to publish once the patch is written.
    pub events: Vec<Event>,
    /// The first instant at which anything differs, nothing else happening.
    pub next_transition: Option<Instant>,
    /// What the limits cut of the bounds that the overrides give, in a sentence; none where they cut nothing.
    pub cut_bounds: Option<String>,
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
/// and plans again, before it writes. Where [`HpaPlan::reverted_by`] names a manager again and again, delays the write. Writes
/// the patch as field manager `hpa-override`, reads the HPA again and plans again on a conflict, and compares the response
/// ([`verify_response`](crate::verify_response)): an altered one is a [`Problem`](crate::Problem). Then
/// remembers [`HpaPlan::remember`], publishes the events, and plans again until there is no patch, and at
/// [`HpaPlan::next_transition`].
///
/// ```
/// use hpa_override_core::{Instant, MayPatch, ParsedOverride, Settings};
/// use hpa_override_plan::plan_hpa;
/// use serde_json::json;
///
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let hpa = json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5}});
/// let ovr = json!({"metadata": {"namespace": "shop", "name": "a", "uid": "u"},
///                  "spec": {"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "1h"}});
/// let overrides = [ParsedOverride::parse(&ovr, now)];
/// let plan = plan_hpa(&hpa, &overrides, &Settings::default(), &|_| MayPatch::NotAsked, now, None);
/// assert_eq!(plan.patch.unwrap()["spec"], json!({"minReplicas": 10, "maxReplicas": 20}));
/// assert_eq!(plan.next_transition, Some("2026-11-27T07:00:00Z".parse().unwrap()));
/// ```
#[must_use]
pub fn plan_hpa(
    hpa: &Value,
    overrides: &[ParsedOverride],
    settings: &Settings,
    may_patch: MayPatchOf<'_>,
    now: Instant,
    remembered: Option<&str>,
) -> HpaPlan {
    let written = Record::from_hpa(hpa);
    let is_unreadable = matches!(written, Some(Err(_)));
    let is_written = matches!(written, Some(Ok(_)));
    let vanished = || remembered.and_then(|text| Record::parse(text).ok());
    let record = written.and_then(Result::ok).or_else(vanished);
    let t = record.as_ref().map_or(now, |record| decision_instant(record, now));
    let known = if is_unreadable { Err(UnreadableRecord) } else { Ok(record.as_ref()) };
    let mut checked = OverridesOfHpa::check(hpa, overrides, settings, may_patch, known, t);
    let limits = clamps(settings.limits_in(Some(name_of(hpa).0)));
    let mut plan = match Bounds::from_hpa(hpa) {
        Some(live) if !is_unreadable => Target { hpa, live, record, is_written, limits, t, now }.plan(&mut checked),
        _ => HpaPlan { remember: remembered.map(Into::into), ..HpaPlan::default() },
    };
    let is_forgotten = !is_written && remembered.is_some() && plan.patch.is_none() && plan.remember.is_none();
    if is_forgotten {
        // The ends that the remembered record had fixed are forgotten with it.
        return plan_hpa(hpa, overrides, settings, may_patch, now, None);
    }
    plan.next_transition = plan.next_transition.into_iter().chain(checked.next_change()).min();
    plan.questions = checked.questions();
    plan.eligibility = checked.eligibility;
    plan
}

/// A record never goes back; an `asOf` more than [`GRACE`] ahead of the clock counts as now.
fn decision_instant(record: &Record, now: Instant) -> Instant {
    if record.as_of.since(now) > GRACE { now } else { record.as_of.max(now) }
}

/// One HPA at one instant.
struct Target<'a> {
    hpa: &'a Value,
    live: Bounds,
    /// The record on it, or the remembered one.
    record: Option<Record>,
    /// Whether the record really is on it.
    is_written: bool,
    limits: Clamps,
    /// The instant of the decision.
    t: Instant,
    /// The caller's clock, which may be behind the record.
    now: Instant,
}

impl Target<'_> {
    fn plan(&self, checked: &mut OverridesOfHpa) -> HpaPlan {
        let found = match &self.record {
            Some(record) => record.clone(),
            None if checked.layers.is_empty() => return self.finish(&Record::new(self.live, self.t)),
            None => Record::new(self.live, self.t),
        };
        let next = self.next_record(&found, checked);
        checked.mark(&next, self.t);
        let is_restored = next.is_finished() && self.live == next.effective;
        let plan = if is_restored && (found.is_finished() || !self.is_written) {
            self.finish(&found)
        } else {
            self.write(&found, next.clone(), checked)
        };
        HpaPlan { next_transition: next.next_step(self.t), cut_bounds: cut_bounds(&next), ..plan }
    }

    /// The record at the instant of the decision, in the order of a decision (ARCHITECTURE.md): ends, then the owner change, then
    /// what begins or was edited, and the limits.
    fn next_record(&self, found: &Record, checked: &OverridesOfHpa) -> Record {
        let managed = entries(self.hpa);
        let mut next = found.clone();
        next.advance_by(self.t, |layer| checked.end_of(layer, self.t));
        if !self.is_written {
            next.finish_replaced(found, self.live);
        }
        next.apply_owner_change(desired_after_live(found, self.live, |bound| we_own(managed, bound)), self.t);
        next.set_layers(checked.layers.clone(), self.limits.clone(), self.t);
        next.settled(found, self.t, |bound| self.live.get(bound))
    }

    /// The second patch of an end: removes the record, returns ownership. Where the record has vanished there is nothing to
    /// do, unless an entry of ours is left in managedFields.
    fn finish(&self, record: &Record) -> HpaPlan {
        let managed = entries(self.hpa);
        let managed_fields = has_our_entry(managed).then(|| returned(managed, &record.owners, self.t));
        // A clock that is behind must not start again what is over: until it has caught up, the instant is remembered.
        let remember = (self.now < self.t).then(|| Record::new(self.live, self.t).to_text());
        if !self.is_written && managed_fields.is_none() {
            return HpaPlan { remember, ..HpaPlan::default() };
        }
        let record = self.is_written.then_some(Value::Null);
        HpaPlan {
            patch: Some(merge_patch(self.hpa, Changes { record, managed_fields, spec: Map::new() })),
            remember,
            events: vec![events::restored(self.live)],
            ..HpaPlan::default()
        }
    }

    /// Bounds and record as they are to be, or ownership returned, or nothing.
    fn write(&self, found: &Record, mut next: Record, checked: &OverridesOfHpa) -> HpaPlan {
        let managed = entries(self.hpa);
        let differs = |bound: &Bound| next.effective.get(*bound) != self.live.get(*bound);
        let changed: Vec<Bound> = Bound::BOTH.into_iter().filter(differs).collect();
        let owned = Bound::BOTH.into_iter().any(|bound| we_own(managed, bound));
        let managed_fields = (changed.is_empty() && owned).then(|| returned(managed, &next.owners, self.t));
        next.owners = if changed.is_empty() { Vec::new() } else { united(next.owners, owners_of(managed, &changed)) };
        let next = next.counted(found);
        let text = next.to_text();
        let mut plan = HpaPlan { remember: Some(text.clone()), ..HpaPlan::default() };
        let is_current = annotation(self.hpa, RECORD_ANNOTATION) == Some(&text);
        if is_current && changed.is_empty() && managed_fields.is_none() {
            return plan;
        }
        let spec = changed.iter().map(|bound| (bound.field().into(), next.effective.get(*bound).into())).collect();
        plan.patch = Some(merge_patch(self.hpa, Changes { record: Some(text.into()), managed_fields, spec }));
        plan.confirm = checked.ends_by_time(found, self.t);
        plan.reverted_by = events::reverted_by(found, &next, self.live, managed);
        plan.events = events::of_change(found, &next, self.live, managed, checked);
        plan
    }
}

#[cfg(test)]
mod tests;
