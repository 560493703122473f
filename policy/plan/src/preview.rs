//! The preview: what the controller would do on one HPA, with nobody else writing, from instant to instant.
//!
//! Nothing is written anywhere: each planned patch is applied to a copy. For previews, timelines, and hosts that only need
//! the numbers.

use std::collections::BTreeMap;

use hpa_override_core::{Bounds, Id, Instant, Layer, ParsedOverride, Phase, Record, Settings};
use serde_json::{Map, Value};

use crate::{
    eligibility::MayPatchOf,
    hpa_view::HpaView,
    plan_hpa::{HpaPlan, plan_hpa},
};

/// More writes at one instant than any plan needs.
const MOST_WRITES: u32 = 16;

/// The state of an HPA at an instant, until the next transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The instant.
    pub at: Instant,
    /// What the owner wants.
    pub desired: Bounds,
    /// What is on the HPA.
    pub effective: Bounds,
    /// The active overrides, highest precedence first.
    pub layers: Vec<Layer>,
    /// The override whose end started the gradual return under way.
    pub gradual_return: Option<Id>,
    /// The phase of every override.
    pub phases: BTreeMap<Id, Phase>,
}

impl Point {
    /// Whether anything but the instant differs.
    fn differs(&self, other: &Self) -> bool {
        Self { at: other.at, ..self.clone() } != *other
    }
}

/// One HPA, as it would be.
pub struct Preview<'a> {
    overrides: Vec<&'a ParsedOverride>,
    settings: &'a Settings,
    may_patch: MayPatchOf<'a>,
    hpa: Value,
    live: Bounds,
    now: Instant,
    plan: HpaPlan,
}

impl<'a> Preview<'a> {
    /// The HPA at `now`, once all is written that is due; none where its bounds cannot be read. The arguments are those of
    /// [`plan_hpa`].
    #[must_use]
    pub fn new(
        hpa: &Value,
        overrides: &'a [ParsedOverride],
        settings: &'a Settings,
        may_patch: MayPatchOf<'a>,
        now: Instant,
        remembered: Option<&str>,
    ) -> Option<Self> {
        let live = Bounds::from_hpa(hpa)?;
        let plan = HpaPlan { remember: remembered.map(Into::into), ..HpaPlan::default() };
        let overrides = overrides.iter().collect();
        let mut preview = Self { overrides, settings, may_patch, hpa: hpa.clone(), live, now, plan };
        preview.write_all();
        Some(preview)
    }

    /// The state of the HPA.
    #[must_use]
    pub fn point(&self) -> Point {
        let record = Record::from_hpa(&self.hpa).and_then(Result::ok);
        let record = record.unwrap_or_else(|| Record::new(self.live, self.now));
        Point {
            at: self.now,
            desired: record.desired,
            effective: self.live,
            layers: record.layers.into_iter().map(|layer| Layer { unknown: Map::new(), ..layer }).collect(),
            gradual_return: record.gradual_return.map(|returning| returning.by),
            phases: self.plan.eligibility.iter().map(|(id, found)| (id.clone(), found.phase)).collect(),
        }
    }

    /// The next instant at which the plan has something to write or a phase changes.
    #[must_use]
    pub fn next_transition(&self) -> Option<Instant> {
        self.plan.next_transition.filter(|next| *next > self.now)
    }

    /// The state now and at every transition before `until` that changes it. At most `most` instants are looked at, also
    /// where nothing changes: a recurring override that is blocked is checked again at each of its starts.
    pub fn timeline(&mut self, until: Instant, most: usize) -> Vec<Point> {
        let mut points = vec![self.point()];
        for _ in 1..most {
            let Some(next) = self.next_transition().filter(|next| *next < until) else { break };
            self.now = next;
            self.write_all();
            let point = self.point();
            if points.last().is_none_or(|last| point.differs(last)) {
                points.push(point);
            }
        }
        points
    }

    /// Writes until planning again gives nothing.
    fn write_all(&mut self) {
        for _ in 0..MOST_WRITES {
            let remembered = self.plan.remember.take();
            let Self { hpa, overrides, settings, may_patch, now, .. } = self;
            self.plan = plan_hpa(&HpaView::parse(hpa), overrides, settings, *may_patch, *now, remembered.as_deref());
            let Some(patch) = &self.plan.patch else { return };
            merge(&mut self.hpa, patch);
            self.live = Bounds::from_hpa(&self.hpa).unwrap_or(self.live);
        }
    }
}

/// Whether a bound is lower at any instant of the timeline `with` than in `without`; both begin at the same instant.
#[must_use]
pub fn lowers(with: &[Point], without: &[Point]) -> bool {
    let at = |points: &[Point], t: Instant| points.iter().rfind(|point| point.at <= t).map(|point| point.effective);
    let instants = with.iter().chain(without).map(|point| point.at);
    instants.into_iter().any(|t| at(with, t).zip(at(without, t)).is_some_and(|(with, without)| with.lowers(without)))
}

/// A JSON merge patch, by RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Map::new().into();
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use hpa_override_core::MayPatch;
    use serde_json::json;

    use super::*;

    const NOT_ASKED: MayPatchOf<'static> = &|_| MayPatch::NotAsked;
    const NOW: &str = "2026-11-27T06:00:00Z";

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn hpa() -> Value {
        json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5}})
    }

    fn overrides(specs: &[Value]) -> Vec<ParsedOverride> {
        let object = |(number, spec): (usize, &Value)| {
            let name = format!("o{number}");
            json!({"metadata": {"namespace": "shop", "name": name, "uid": name, "creationTimestamp": NOW}, "spec": spec})
        };
        specs.iter().enumerate().map(|spec| ParsedOverride::parse(&object(spec), at(NOW))).collect()
    }

    fn lines(points: &[Point]) -> Vec<String> {
        let ids = |layers: &[Layer]| layers.iter().map(|layer| layer.by.to_string()).collect::<Vec<_>>().join(" ");
        points.iter().map(|point| format!("{} {} [{}]", point.at, point.effective, ids(&point.layers))).collect()
    }

    #[test]
    fn a_timeline_has_a_point_for_every_change() {
        let overrides = overrides(&[
            json!({"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "2h"}),
            json!({"hpa": "web", "minReplicas": 30, "priority": 1, "startsAt": "2026-11-27T07:00:00Z", "duration": "30m"}),
        ]);
        let settings = Settings::default();
        let mut preview = Preview::new(&hpa(), &overrides, &settings, NOT_ASKED, at(NOW), None).unwrap();
        let points = preview.timeline(at("2026-11-27T09:00:00Z"), 100);
        assert_eq!(
            lines(&points),
            [
                "2026-11-27T06:00:00Z 10-20 [shop/o0]",
                "2026-11-27T07:00:00Z 30-30 [shop/o1 shop/o0]",
                "2026-11-27T07:30:00Z 10-20 [shop/o0]",
                "2026-11-27T08:00:00Z 2-5 []",
            ]
        );
        assert_eq!(preview.next_transition(), None);
        assert_eq!(points[3].phases.values().collect::<Vec<_>>(), [&Phase::Expired; 2]);
    }

    #[test]
    fn lowering_is_found_wherever_it_is() {
        let raise = json!({"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "priority": 1, "duration": "1h"});
        let cut = json!({"hpa": "web", "maxReplicas": 3, "duration": "2h"});
        let points = |specs: &[Value]| {
            let (overrides, settings) = (overrides(specs), Settings::default());
            let mut preview = Preview::new(&hpa(), &overrides, &settings, NOT_ASKED, at(NOW), None).unwrap();
            preview.timeline(at("2026-11-28T06:00:00Z"), 100)
        };
        let (without, raised) = (points(&[]), points(std::slice::from_ref(&raise)));
        assert!(!lowers(&raised, &without));
        assert!(lowers(&points(&[raise, cut]), &raised), "it lowers once the other has ended");
        assert!(lowers(&without, &raised));
    }

    #[test]
    fn it_ends_with_the_span_and_with_the_number_of_instants() {
        let overrides = overrides(&[
            json!({"hpa": "web", "maxReplicas": 20, "duration": "1h", "schedule": {"cron": "0 */2 * * *"}}),
        ]);
        let settings = Settings::default();
        let mut preview = Preview::new(&hpa(), &overrides, &settings, NOT_ASKED, at(NOW), None).unwrap();
        assert_eq!(preview.timeline(at("2026-11-27T08:00:00Z"), 100).len(), 2, "the end is exclusive");
        assert_eq!(preview.next_transition(), Some(at("2026-11-27T08:00:00Z")));
        assert_eq!(preview.timeline(Instant::MAX, 50).len(), 50);
    }

    #[test]
    fn without_bounds_there_is_none() {
        let settings = Settings::default();
        assert!(Preview::new(&json!({"spec": {"maxReplicas": 0}}), &[], &settings, NOT_ASKED, at(NOW), None).is_none());
    }

    #[test]
    fn a_null_removes_and_a_number_replaces_an_object() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": {"e": 1}});
        merge(&mut target, &json!({"a": {"b": null, "f": {"g": null}}, "d": 7}));
        assert_eq!(target, json!({"a": {"c": 2, "f": {}}, "d": 7}));
    }
}
