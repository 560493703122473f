//! The summary of the targets of one override, from which its status is planned: kept up per target, not made anew, so that
//! the cost of a status does not grow with the number of targets.
//!
//! ```text
//!   plan for an HPA ──► OnTarget ──► set ──┐
//!   HPA is gone ──► remove ────────────────┼──► counts, first names ──► overview ──► plan_status
//!   scale target is read ──► note_reading ─┘                      └──► to_read
//! ```
//! It decides nothing about the override: what the counts mean is for `plan_status` and `reached`.

mod counts;
mod instants;
mod kept;
mod overview;

use std::{borrow::Cow, sync::Arc};

use hpa_override_core::{Bounds, Instant};
use hpa_override_crd::ConditionType;
use serde_json::Value;

use self::{
    counts::{Counts, Name, Targets},
    kept::Kept,
};
use crate::{
    conditions::KnownCondition,
    eligibility::Eligibility,
    hpa_view::HpaView,
    on_target::{OnTarget, Problem},
    reached::{
        reading::ScaleReading,
        state::{Reading, State},
    },
};

pub(crate) use self::overview::Overview;

/// Of so many targets or fewer nothing is counted ahead: most overrides have one.
const FEW: usize = 8;

/// The targets of one override: counts, what is notable of them, and what each has reached.
///
/// # Guarantees
/// [`set`](Self::set), [`remove`](Self::remove) and [`note_reading`](Self::note_reading) cost the logarithm of the number of
/// targets, [`plan_status`](crate::plan_status()) what the status lists. It says the same in whatever order the targets came.
///
/// # What the caller does
/// Keeps one for each override, by its uid. Gives it what every plan for a target says, and every reading. Before a status
/// is planned, calls [`recall`](Self::recall) with the old one; once it is written, [`note_announced`](Self::note_announced).
///
/// ```
/// use hpa_override_core::{Instant, MayPatch, ParsedOverride, Settings};
/// use hpa_override_plan::{HpaView, OnTarget, TargetSummary, plan_hpa};
/// use serde_json::json;
///
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let hpa = json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5}});
/// let ovr = json!({"metadata": {"namespace": "shop", "name": "a", "uid": "u"}, "spec": {"hpa": "web", "maxReplicas": 20}});
/// let (hpa, ovr) = (HpaView::parse(&hpa), ParsedOverride::parse(&ovr, now));
/// let plan = plan_hpa(&hpa, &[&ovr], &Settings::default(), &|_| MayPatch::NotAsked, now, None);
/// let mut summary = TargetSummary::default();
/// assert!(summary.set(&hpa, OnTarget::new(&ovr, &hpa, &plan, None)), "news to the status");
/// assert!(!summary.set(&hpa, OnTarget::new(&ovr, &hpa, &plan, None)), "no news");
/// assert!(summary.remove("web"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct TargetSummary {
    targets: Targets,
    /// None of a few targets: they are counted when they are read.
    counts: Option<Box<Counts>>,
    /// The last plan that came: most targets have its sentences, which are then shared.
    last: Shared,
    /// The start whose Reached is announced.
    announced: Option<Instant>,
    /// Whether questions stay without an answer.
    never_asks: bool,
    /// Whether two admissions are installed that answer for HPAs.
    is_admitted_twice: bool,
}

#[derive(Clone, Debug, Default)]
struct Shared {
    eligibility: Option<Arc<Eligibility>>,
    problem: Option<Arc<Problem>>,
    cut: Option<Arc<str>>,
}

impl TargetSummary {
    /// An empty summary for a caller that asks no questions: an override whose requester would have to be asked about is
    /// reported as not authorized, and its status is not held back.
    #[must_use]
    pub fn never_asking() -> Self {
        Self { never_asks: true, ..Self::default() }
    }

    /// Notes what the last plan for a target says; the target may be new. Whether a status may have other things to say.
    pub fn set(&mut self, hpa: &HpaView, found: OnTarget) -> bool {
        let found = self.last.share(found);
        let name: &str = &hpa.id().name;
        if self.targets.contains_key(name) {
            return self.change(name, |kept| kept.set(found));
        }
        self.add(name.into(), Box::new(Kept::new(found)));
        true
    }

    /// Forgets an HPA that is no target any more, by its name. Whether it was one.
    pub fn remove(&mut self, hpa_name: &str) -> bool {
        let is_target = self.take(hpa_name).is_some();
        if self.targets.len() <= FEW / 2 {
            self.counts = None;
        }
        is_target
    }

    /// Notes what was read of what `hpa` scales, while its effective bounds were `read_for`; for others it does not count.
    /// Whether that is news to a status: other numbers alone are none. What `hpa` says of itself is noted, too, so `hpa` is
    /// the latest view.
    ///
    /// A read that failed does not count where something was read before.
    pub fn note_reading(&mut self, hpa: &HpaView, reading: ScaleReading, read_for: Bounds) -> bool {
        let reading = Reading { read: reading, read_for };
        self.change(&hpa.id().name, |kept| kept.read(hpa.scaling(), reading))
    }

    /// The targets that are not within their effective bounds yet, by the name of the HPA, and these bounds: their scale
    /// targets are to be read. The cost is that of the answer.
    pub fn to_read(&self) -> impl Iterator<Item = (&str, Bounds)> {
        let is_to_read = |kept: &Kept| kept.active_state().is_some_and(State::is_to_read);
        let of_few = if self.counts.is_none() { Some(&self.targets) } else { None };
        let of_few = of_few.into_iter().flatten().filter(move |(_, kept)| is_to_read(kept));
        let of_many = self.counts.iter().flat_map(|counts| &counts.not_reached);
        let of_many = of_many.filter_map(|(_, name)| self.targets.get_key_value(name));
        of_few.chain(of_many).filter_map(|(name, kept)| Some((&**name, kept.found.bounds_to_reach()?)))
    }

    /// Asks the old status, as it is on the override, which targets were within their bounds: once for each target, and so
    /// after a restart for all of them. To be called before [`plan_status`](crate::plan_status()) and before
    /// [`to_read`](Self::to_read); a target about which it was not called counts as one that has not been within its bounds.
    pub fn recall(&mut self, old: Option<&Value>) {
        let old = KnownCondition::find(old, ConditionType::Reached);
        let names: Vec<Name> = match &self.counts {
            Some(counts) => counts.to_recall.iter().cloned().collect(),
            None => self.targets.keys().cloned().collect(),
        };
        for name in names {
            self.change(&name, |kept| kept.recall(old.as_ref()));
        }
    }

    /// Remembers [`StatusPlan::announced`](crate::StatusPlan::announced), once the status of that plan is written, or at once
    /// where it has none.
    pub fn note_announced(&mut self, start: Option<Instant>) {
        self.announced = start.or(self.announced);
    }

    /// Notes whether both the policies and the controller's own webhook are installed, so that the status says what that
    /// means. To be called before [`plan_status`](crate::plan_status()).
    pub fn note_admitted_twice(&mut self, is_admitted_twice: bool) {
        self.is_admitted_twice = is_admitted_twice;
    }

    /// What a status reads.
    pub(crate) fn overview(&self) -> Overview<'_> {
        let counts = match &self.counts {
            Some(counts) => Cow::Borrowed(&**counts),
            None => Cow::Owned(Counts::of(&self.targets)),
        };
        let Self { targets, announced, never_asks, is_admitted_twice, .. } = self;
        let (announced, never_asks, is_admitted_twice) = (*announced, *never_asks, *is_admitted_twice);
        Overview { targets, counts, announced, never_asks, is_admitted_twice }
    }

    /// Changes a target. Whether a status may have other things to say.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Kept)) -> bool {
        let Some((name, mut kept)) = self.take(name) else { return false };
        let before = kept.clone();
        change(&mut kept);
        let is_news = !kept.says_like(&before);
        self.add(name, kept);
        is_news
    }

    fn take(&mut self, name: &str) -> Option<(Name, Box<Kept>)> {
        let (name, kept) = self.targets.remove_entry(name)?;
        if let Some(counts) = &mut self.counts {
            counts.remove(&name, &kept);
        }
        Some((name, kept))
    }

    fn add(&mut self, name: Name, kept: Box<Kept>) {
        if let Some(counts) = &mut self.counts {
            counts.add(&name, &kept);
        }
        self.targets.insert(name, kept);
        if self.counts.is_none() && self.targets.len() > FEW {
            self.counts = Some(Box::new(Counts::of(&self.targets)));
        }
    }
}

impl Shared {
    /// The same, with the sentences that are those of the plan before it.
    fn share(&mut self, mut found: OnTarget) -> OnTarget {
        let decision = &mut found.decision;
        share(&mut self.eligibility, &mut decision.eligibility);
        share(&mut self.problem, &mut decision.problem);
        share(&mut self.cut, &mut decision.cut);
        found
    }
}

fn share<T: PartialEq + ?Sized>(last: &mut Option<Arc<T>>, new: &mut Option<Arc<T>>) {
    if last != new {
        last.clone_from(new);
    }
    new.clone_from(last);
}

#[cfg(test)]
mod tests;
