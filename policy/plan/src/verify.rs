//! Compares the response to a write with what was sent: another admission may have changed it without an error.
//!
//! ```text
//!   patch, HPA before ──┐
//!                       ├── the record first ──► a bound ──► during overrides: the number is entered into `ours`
//!   response ───────────┘                                └─► at the end: it is final, and the record is removed
//! ```
//! It refuses to fight: no bound is written here, and what to try again, and when, is its caller's.

use hpa_override_core::{
    Bound, Instant, RECORD_ANNOTATION, Reason, Record,
    record::saved_owners::{owners_of, returned, united},
};
use serde_json::{Map, Value};

use crate::{
    events::{self, Event},
    hpa_view::HpaView,
    on_target::Problem,
    patch::{Changes, merge_patch},
    plan_hpa::HpaPlan,
};

/// What of a write came back other than it was sent, and what follows from that.
#[derive(Clone, Debug, PartialEq)]
pub struct Altered {
    /// What it is, for the log; for a status, too, unless [`Self::is_final`].
    pub problem: Problem,
    /// The merge patch that follows at once, for the version in the response: it changes the record and field ownership, never
    /// a bound. None where there is nothing to write.
    pub patch: Option<Value>,
    /// The record to remember from then on, in place of [`HpaPlan::remember`].
    pub remember: Option<String>,
    /// The events to publish then, in place of [`HpaPlan::events`].
    pub events: Vec<Event>,
    /// Whether the end is complete with that: nothing is left to be tried again. Else the plan will be the same again, and
    /// the next try is to be delayed.
    pub is_final: bool,
}

/// What `response` has otherwise than `patch`, the patch of `plan` for the HPA `before`, says; none where it was stored as
/// sent.
///
/// managedFields are the API server's own, and the record's `owners` are removed where the merge admission returns ownership.
///
/// # Guarantees
/// The record counts first: one that was removed or changed means that admission does not know the controller, and bounds
/// follow from that; nothing is written then. A bound that came back altered is the work of another mutating admission. While
/// overrides are active the number is entered into the record's `ours`, so that no plan takes it for the owner's, and where
/// `plan` has just taken that very number for an owner change, the change is undone. With that, or where the number is known,
/// ownership that the write has taken is returned. At the end an altered bound is final: the record is removed and ownership
/// returned.
///
/// # What the caller does
/// Writes [`Altered::patch`] at once, without comparing its response. On a conflict it reads the HPA again and compares that,
/// in place of the response: until the patch is written, a later plan would take the number for the owner's.
///
/// ```
/// use hpa_override_core::{Instant, MayPatch, ParsedOverride, Settings};
/// use hpa_override_plan::{HpaView, compare_response, plan_hpa};
/// use serde_json::json;
///
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let hpa = json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5}});
/// let ovr = json!({"metadata": {"namespace": "shop", "name": "a", "uid": "u"}, "spec": {"hpa": "web", "maxReplicas": 20}});
/// let (before, ovr) = (HpaView::parse(&hpa), ParsedOverride::parse(&ovr, now));
/// let plan = plan_hpa(&before, &[&ovr], &Settings::default(), &|_| MayPatch::NotAsked, now, None);
/// let patch = plan.patch.clone().unwrap();
///
/// // The patch as another policy has stored it.
/// let mut stored = patch.clone();
/// stored["spec"] = json!({"minReplicas": 2, "maxReplicas": 15});
/// let altered = compare_response(&patch, &before, &HpaView::parse(&stored), &plan).unwrap();
/// let sentence = "maxReplicas was written as 20 and came back as 15; look for another mutating admission policy";
/// assert_eq!(altered.problem.message, sentence);
/// assert!(altered.remember.unwrap().contains(r#""ours":{"maxReplicas":[20,15]}"#));
/// ```
#[must_use]
pub fn compare_response(patch: &Value, before: &HpaView, response: &HpaView, plan: &HpaPlan) -> Option<Altered> {
    let written = Written { patch, record: SentRecord::read(patch), before, response, plan };
    if written.has_altered_record() {
        return Some(written.altered_record());
    }
    let sentence = Bound::BOTH.into_iter().find_map(|bound| written.sentence(bound))?;
    let problem = problem(sentence);
    Some(match &written.record {
        SentRecord::Written(sent) if !sent.is_finished() => written.during_overrides(problem),
        _ => written.at_the_end(problem),
    })
}

fn problem(message: String) -> Problem {
    Problem { reason: Reason::WriteAltered, message }
}

/// What a patch makes of the record.
enum SentRecord {
    Untouched,
    Removed,
    Written(Box<Record>),
}

impl SentRecord {
    fn read(patch: &Value) -> Self {
        match patch.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(RECORD_ANNOTATION)) {
            None => Self::Untouched,
            Some(text) => match text.as_str().map(Record::parse) {
                Some(Ok(record)) => Self::Written(Box::new(record)),
                _ => Self::Removed,
            },
        }
    }
}

/// One write.
struct Written<'a> {
    patch: &'a Value,
    record: SentRecord,
    before: &'a HpaView,
    response: &'a HpaView,
    plan: &'a HpaPlan,
}

impl Written<'_> {
    fn has_altered_record(&self) -> bool {
        let is_same = |stored: &Record, sent: &Record| {
            stored == sent || *stored == Record { owners: stored.owners.clone(), ..sent.clone() }
        };
        match (&self.record, self.response.record()) {
            (SentRecord::Untouched, _) | (SentRecord::Removed, None) => false,
            (SentRecord::Written(sent), Some(Ok(stored))) => !is_same(stored, sent),
            _ => true,
        }
    }

    /// One that is not there is remembered: the bounds that were written with it may be there.
    fn altered_record(&self) -> Altered {
        let stored = self.response.readable_record().map(Record::to_text);
        Altered {
            problem: problem(ALTERED_RECORD.into()),
            patch: None,
            remember: stored.or_else(|| self.plan.remember.clone()),
            events: Vec::new(),
            is_final: false,
        }
    }

    /// The number that is to be there after the write, also where the patch does not name the bound.
    fn sent(&self, bound: Bound) -> Option<i32> {
        bound.in_spec(self.patch).or_else(|| self.before.bounds().map(|before| before.get(bound)))
    }

    /// The number that is there instead.
    fn altered(&self, bound: Bound) -> Option<i32> {
        let stored = self.response.bounds()?.get(bound);
        Some(stored).filter(|stored| self.sent(bound).is_some_and(|sent| sent != *stored))
    }

    fn sentence(&self, bound: Bound) -> Option<String> {
        let (field, sent, stored) = (bound.field(), self.sent(bound)?, self.altered(bound)?);
        Some(format!(
            "{field} was written as {sent} and came back as {stored}; look for another mutating admission policy"
        ))
    }

    /// The number is ours from now on.
    fn during_overrides(&self, problem: Problem) -> Altered {
        let mut altered =
            Altered { problem, patch: None, remember: self.plan.remember.clone(), events: Vec::new(), is_final: false };
        let Some(stored) = self.response.readable_record() else { return altered };
        let mut next = stored.altered(|bound| self.altered(bound), self.plan.owner_change.as_ref());
        let owns_a_bound = self.response.managed_fields().we_own_any();
        let managed_fields = owns_a_bound.then(|| self.returned_ownership(stored));
        if managed_fields.is_some() {
            next.owners = Vec::new();
        }
        let next = next.counted(stored);
        if next != *stored || managed_fields.is_some() {
            let record = Some(next.to_text().into());
            altered.patch = Some(merge_patch(self.response, Changes { record, managed_fields, spec: Map::new() }));
        }
        altered.remember = Some(next.to_text());
        altered
    }

    /// What is stored is what the owner has from now on.
    fn at_the_end(&self, problem: Problem) -> Altered {
        let before = self.plan.events.iter().filter(|event| !event.is_restored()).cloned();
        let events = before.chain(self.response.bounds().map(events::restored)).collect();
        let Some(stored) = self.response.readable_record() else {
            return Altered { problem, patch: None, remember: self.plan.remember.clone(), events, is_final: true };
        };
        let has_our_entry = self.response.managed_fields().has_our_entry();
        let managed_fields = has_our_entry.then(|| self.returned_ownership(stored));
        let changes = Changes { record: Some(Value::Null), managed_fields, spec: Map::new() };
        let patch = Some(merge_patch(self.response, changes));
        Altered { problem, patch, remember: self.ended(stored.as_of), events, is_final: true }
    }

    /// managedFields with ownership returned: to the saved owners, and to those of an altered bound that the patch itself did
    /// not name.
    fn returned_ownership(&self, stored: &Record) -> Vec<Value> {
        let altered: Vec<Bound> = Bound::BOTH.into_iter().filter(|bound| self.altered(*bound).is_some()).collect();
        let before = owners_of(&self.before.managed_fields().entries(), &altered);
        let owners = united(stored.owners.clone(), before);
        returned(&self.response.managed_fields().entries(), &owners, stored.as_of)
    }

    /// A record that says only when it ended: a clock that is behind must not start again what is over.
    fn ended(&self, ended: Instant) -> Option<String> {
        self.response.bounds().map(|live| Record::new(live, ended).to_text())
    }
}

const ALTERED_RECORD: &str = "the record was written and did not come back as it was; check that controllerUser in the \
                              settings of the policies is the user of this controller";

#[cfg(test)]
mod tests;
