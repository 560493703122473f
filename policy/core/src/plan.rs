//! Plans one write to one HPA: what is to stand there at `now`, given everything that speaks of it.
//!
//! ```text
//!   overrides ──► judge ──► layers ─┐
//!   live bounds ──► rebase ► desired ┴─► settle ──► record ──► one merge patch, or none
//! ```
//! Plan, write, plan again until there is nothing to do: the plan is the same after any crash between two writes.

use std::collections::{BTreeMap, BTreeSet};

use hpa_override_crd::{Instant, RECORD_ANNOTATION, RELEASE_ANNOTATION};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    admit::GRACE,
    bounds::{Bound, Bounds},
    clamps::Clamps,
    event::{self, Event},
    id::Id,
    judge::Standing,
    object::annotation,
    ownership::{entries, given_back, holds, names_us, owners, united},
    rebase::rebase_live,
    record::{Record, Unreadable},
    requester::Question,
    settings::Settings,
    spec::Override,
    standings::Judged,
};

/// What is to be done about one HPA, and where every override given stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HpaPlan {
    /// What is to be answered first ([`Override::may_patch`]): until then those concerned stand blocked.
    #[serde(skip)]
    pub questions: BTreeSet<Question>,
    /// The next JSON merge patch; none when nothing is to be done.
    pub patch: Option<Value>,
    /// Whether the patch takes off an override because its time is over: to be confirmed by a consistent read first.
    pub confirm: bool,
    /// The record to remember once that is done: one that vanishes is taken as if it were still there.
    pub remember: Option<String>,
    /// Who wrote other bounds over ours, where the patch puts ours back.
    pub reverted_by: Option<String>,
    /// What to tell once the patch is written.
    pub events: Vec<Event>,
    /// The first instant at which anything differs, nothing else happening.
    pub next_transition: Option<Instant>,
    /// Where every override stands.
    #[serde(skip)]
    pub standings: BTreeMap<Id, Standing>,
}

/// Plans for `now`. `remembered` is the record that the caller last saw or wrote on this very HPA (by uid).
#[must_use]
pub fn plan_hpa(
    hpa: &Value,
    overrides: &[Override],
    settings: &Settings,
    now: Instant,
    remembered: Option<&str>,
) -> HpaPlan {
    let found = Record::of_hpa(hpa);
    let unreadable = found == Some(Err(Unreadable));
    let written = found.and_then(Result::ok);
    let vanished = || remembered.and_then(|text| Record::parse(text).ok());
    let record = written.clone().or_else(vanished);
    let t = record.as_ref().map_or(now, |record| instant_of(record, now));
    let mut judged = Judged::of(hpa, overrides, settings, record.as_ref(), unreadable, t);
    let mut plan = match Bounds::of_hpa(hpa).filter(|_| !unreadable) {
        Some(live) => {
            let (written, limits) = (written.is_some(), settings.clamps());
            Situation { hpa, live, record, written, limits, t, now }.plan(&mut judged)
        }
        None => HpaPlan { remember: remembered.map(Into::into), ..HpaPlan::default() },
    };
    plan.next_transition = plan.next_transition.into_iter().chain(judged.next_change()).min();
    plan.questions = judged.questions();
    plan.standings = judged.standings;
    plan
}

/// A record never goes back; one from more than [`GRACE`] ahead is not believed.
fn instant_of(record: &Record, now: Instant) -> Instant {
    if record.as_of.since(now) > GRACE { now } else { record.as_of.max(now) }
}

/// One HPA at one instant.
struct Situation<'a> {
    hpa: &'a Value,
    live: Bounds,
    /// The record on it, or the remembered one.
    record: Option<Record>,
    /// Whether the record really is on it.
    written: bool,
    limits: Clamps,
    /// The instant decided for.
    t: Instant,
    /// What the clock says: it may be behind the record.
    now: Instant,
}

impl Situation<'_> {
    fn plan(&self, judged: &mut Judged) -> HpaPlan {
        let begun = match &self.record {
            Some(record) => record.clone(),
            None if judged.layers.is_empty() => return self.finish(&Record::begin(self.live, self.t)),
            None => Record::begin(self.live, self.t),
        };
        let next = self.follow(&begun, judged);
        judged.note(&next);
        let given_back = next.is_at_rest() && self.live == next.effective;
        let plan = if given_back && (begun.is_at_rest() || !self.written) {
            self.finish(&begun)
        } else {
            self.carry_on(&begun, next.clone(), judged)
        };
        HpaPlan { next_transition: next.next_step(), ..plan }
    }

    /// What becomes of a record: the owner is heard, what is over or gone leaves, what is in force stands.
    fn follow(&self, begun: &Record, judged: &Judged) -> Record {
        let managed = entries(self.hpa);
        let mut next = begun.clone();
        if !self.written {
            next.land_what_left(self.live);
        }
        next.hear(rebase_live(begun, self.live, |bound| holds(managed, bound)));
        let now = |until: Instant| until.min(self.t);
        next.walk(self.t, |layer| (!judged.keeps(layer)).then(|| layer.until.map_or(self.t, now)));
        next.put(judged.layers.clone(), self.limits.clone(), self.t);
        next.settled(begun, self.t, self.live)
    }

    /// The second write of an end, and the only one where the record is gone already: nothing, unless an entry of ours is
    /// left in managedFields.
    fn finish(&self, record: &Record) -> HpaPlan {
        let managed = entries(self.hpa);
        let ownership = names_us(managed).then(|| given_back(managed, &record.owners, self.t));
        // A clock that is behind must not bring back what is over: until it has caught up, the instant is remembered.
        let behind = (self.now < self.t).then(|| Record::begin(self.live, self.t).to_text());
        if !self.written && ownership.is_none() {
            return HpaPlan { remember: behind, ..HpaPlan::default() };
        }
        let gone = self.written.then_some(Value::Null);
        HpaPlan {
            patch: Some(self.patch(gone, ownership, Map::new())),
            remember: behind,
            events: vec![event::given_back(self.live)],
            ..HpaPlan::default()
        }
    }

    /// Bounds and record as they are to stand, or ownership given back, or nothing.
    fn carry_on(&self, before: &Record, mut next: Record, judged: &Judged) -> HpaPlan {
        let managed = entries(self.hpa);
        let differs = |bound: &Bound| next.effective.get(*bound) != self.live.get(*bound);
        let changed: Vec<Bound> = Bound::BOTH.into_iter().filter(differs).collect();
        let held = Bound::BOTH.into_iter().any(|bound| holds(managed, bound));
        let ownership = (changed.is_empty() && held).then(|| given_back(managed, &next.owners, self.t));
        next.owners = if changed.is_empty() { Vec::new() } else { united(next.owners, owners(managed, &changed)) };
        let text = next.to_text();
        let stands = annotation(self.hpa, RECORD_ANNOTATION) == Some(&text);
        let mut plan = HpaPlan { remember: Some(text.clone()), ..HpaPlan::default() };
        if stands && changed.is_empty() && ownership.is_none() {
            return plan;
        }
        let spec = changed.iter().map(|bound| (bound.field().into(), next.effective.get(*bound).into())).collect();
        plan.patch = Some(self.patch(Some(text.into()), ownership, spec));
        plan.confirm = judged.ends_by_time(before, self.t);
        plan.reverted_by = event::reverted_by(before, &next, self.live, managed);
        plan.events = event::of_change(before, &next, self.live, managed, judged);
        plan
    }

    /// A merge patch on this very version of the HPA. A release marker that is found leaves with it.
    fn patch(&self, record: Option<Value>, ownership: Option<Vec<Value>>, spec: Map<String, Value>) -> Value {
        let version = self.hpa.get("metadata").and_then(|metadata| metadata.get("resourceVersion"));
        let mut annotations: Map<String, Value> =
            record.map(|text| (RECORD_ANNOTATION.into(), text)).into_iter().collect();
        if annotation(self.hpa, RELEASE_ANNOTATION).is_some() {
            annotations.insert(RELEASE_ANNOTATION.into(), Value::Null);
        }
        let mut metadata = json!({ "resourceVersion": version, "annotations": annotations });
        if let Some((list, metadata)) = ownership.zip(metadata.as_object_mut()) {
            metadata.insert("managedFields".into(), list.into());
        }
        let mut patch = json!({ "metadata": metadata });
        if let Some(patch) = patch.as_object_mut().filter(|_| !spec.is_empty()) {
            patch.insert("spec".into(), spec.into());
        }
        patch
    }
}

#[cfg(test)]
mod tests;
