//! The overrides of one HPA together: their precedence, the layers that come of them, and which of them supersede others.

use std::collections::{BTreeMap, BTreeSet};

use hpa_override_core::{
    Id, Instant, Layer, MOST_LAYERS, Mode, ParsedOverride, Phase, Question, Reason, Record, Settings, UnreadableRecord,
    record::layer::uses_current, superseded_by,
};

use crate::{
    eligibility::{Eligibility, MayPatchOf, TargetFacts, TargetState, check_eligibility, check_timing},
    hpa_view::HpaView,
    targets::targets,
};

/// The overrides of one HPA at an instant.
#[derive(Default)]
pub(crate) struct OverridesOfHpa {
    /// The layers of those that are active, highest precedence first.
    pub(crate) layers: Vec<Layer>,
    /// Whether each override that was given is active, and why not.
    pub(crate) eligibility: BTreeMap<Id, Eligibility>,
    targeting: Vec<Id>,
    requesters: BTreeMap<Id, String>,
}

impl OverridesOfHpa {
    /// Checks every override, in the order of precedence. `record` is the record of the HPA, an error where it has one that
    /// cannot be read.
    pub(crate) fn check(
        hpa: &HpaView,
        overrides: &[&ParsedOverride],
        settings: &Settings,
        may_patch: MayPatchOf<'_>,
        record: Result<Option<&Record>, UnreadableRecord>,
        t: Instant,
    ) -> Self {
        let target = target_facts(hpa, record.is_err());
        let mut checked = Self::default();
        let mut active = Vec::new();
        for ovr in overrides.iter().copied() {
            if !targets(ovr, hpa) {
                checked.eligibility.insert(ovr.id.clone(), check_timing(ovr, settings, t));
                continue;
            }
            let layer = record.ok().flatten().and_then(|record| layer_of(record, ovr));
            let eligibility = check_eligibility(ovr, target, layer, settings, may_patch(ovr), t);
            if eligibility.phase == Phase::Active {
                active.push((next_layer(ovr, &eligibility, layer, target.current), ovr.created));
            }
            checked.targeting.push(ovr.id.clone());
            checked.requesters.extend(ovr.requester.iter().map(|requester| (ovr.id.clone(), requester.user.clone())));
            checked.eligibility.insert(ovr.id.clone(), eligibility);
        }
        checked.take_by_precedence(active);
        checked
    }

    /// The layers, highest precedence first: priority, then the newer override, then namespace and name. Total, whatever the
    /// order given. Those beyond the most that there may be are blocked.
    fn take_by_precedence(&mut self, mut active: Vec<(Layer, Instant)>) {
        active.sort_by(|(a, created_a), (b, created_b)| {
            b.priority.cmp(&a.priority).then(created_b.cmp(created_a)).then_with(|| a.by.cmp(&b.by))
        });
        self.layers = active.into_iter().map(|(layer, _)| layer).collect();
        for beyond in self.layers.split_off(MOST_LAYERS.min(self.layers.len())) {
            if let Some(eligibility) = self.eligibility.get_mut(&beyond.by) {
                *eligibility = eligibility.clone().with(Phase::Blocked, Reason::TooManyOverrides, TOO_MANY);
            }
        }
    }

    /// Marks the overrides that are superseded in the record, and the one whose end started its gradual return.
    pub(crate) fn mark(&mut self, record: &Record, t: Instant) {
        for (index, layer) in record.layers.iter().enumerate() {
            let winner = superseded_by(record.desired, &record.layers, &record.limits, index);
            if let Some((winner, eligibility)) = winner.zip(self.eligibility.get_mut(&layer.by)) {
                eligibility.phase = Phase::Superseded;
                eligibility.reason = Reason::Superseded;
                eligibility.message = format!("AutoscalerOverride {winner} supersedes it");
            }
        }
        if let Some(returning) = &record.gradual_return
            && self.targeting.contains(&returning.by)
            && let Some(eligibility) = self.eligibility.get_mut(&returning.by)
            && !matches!(eligibility.phase, Phase::Invalid | Phase::Blocked)
        {
            // Until the return is over only a new start shows.
            let start = match eligibility.phase {
                Phase::Pending => eligibility.window.map(|window| window.from).filter(|from| *from > t),
                _ => None,
            };
            eligibility.next = start.into_iter().chain(record.next_step(t)).min();
            eligibility.phase = Phase::Returning;
            eligibility.reason = Reason::Returning;
            eligibility.message = format!("the bounds return gradually until {}", returning.end());
        }
    }

    /// Whether a layer of the record is removed because its time is over, and for no other reason.
    pub(crate) fn ends_by_time(&self, record: &Record, t: Instant) -> bool {
        record.layers.iter().filter(|layer| !self.keeps(layer)).any(|layer| {
            let passed = layer.until.is_some_and(|until| until <= t);
            self.eligibility
                .get(&layer.by)
                .is_some_and(|found| passed || matches!(found.phase, Phase::Expired | Phase::Returning))
        })
    }

    /// When a layer of the record ends, if it ends by `t`: at its `until`, or now where it is deleted, suspended or the like.
    pub(crate) fn end_of(&self, layer: &Layer, t: Instant) -> Option<Instant> {
        if self.keeps(layer) && self.eligibility.get(&layer.by).is_some_and(|found| found.goes_on) {
            return None;
        }
        Some(layer.until.map_or(t, |until| until.min(t)))
    }

    /// Whether a layer of the record remains one.
    fn keeps(&self, layer: &Layer) -> bool {
        self.layers.iter().any(|kept| kept.is_of(&layer.by, &layer.uid))
    }

    /// The questions that have to be answered before every eligibility is known.
    pub(crate) fn questions(&self) -> BTreeSet<Question> {
        self.eligibility.values().filter_map(|eligibility| eligibility.question.clone()).collect()
    }

    /// Whether an override waits for what the status of the HPA says.
    pub(crate) fn waits_for_status(&self) -> bool {
        let lacks_status = |found: &Eligibility| {
            let refused = found.refused_edit.as_ref().map(|(reason, _)| *reason);
            found.reason == Reason::NoHpaStatus || refused == Some(Reason::NoHpaStatus)
        };
        self.eligibility.values().any(lacks_status)
    }

    /// The requester of an override, where it is known.
    pub(crate) fn requester(&self, id: &Id) -> Option<&str> {
        self.requesters.get(id).map(String::as_str)
    }

    /// The first instant at which an override that targets the HPA changes by itself.
    pub(crate) fn next_change(&self) -> Option<Instant> {
        self.targeting.iter().filter_map(|id| self.eligibility.get(id)?.next).min()
    }
}

fn target_facts(hpa: &HpaView, unreadable: bool) -> TargetFacts {
    let state = match (unreadable, hpa.has_controller()) {
        (true, _) => TargetState::Unreadable,
        (false, true) => TargetState::Owned,
        (false, false) => TargetState::Free,
    };
    TargetFacts { state, current: hpa.current_replicas() }
}

fn layer_of<'a>(record: &'a Record, ovr: &ParsedOverride) -> Option<&'a Layer> {
    record.layers.iter().find(|layer| layer.is_of(&ovr.id, &ovr.uid))
}

/// The layer of an override that is active. While an edit of it is not accepted, it stays as it was, but for an earlier end.
/// `current` is captured when the layer first uses it, and kept while it goes on and uses it.
fn next_layer(ovr: &ParsedOverride, found: &Eligibility, layer: Option<&Layer>, current: Option<i32>) -> Layer {
    let until = found.window.and_then(|window| window.until);
    if let Some(accepted) = layer.filter(|_| found.refused_edit.is_some()) {
        return Layer { until, ..accepted.clone() };
    }
    let captured = layer.filter(|_| found.goes_on).and_then(|layer| layer.current).or(current);
    let [min_replicas, max_replicas] = ovr.amounts();
    Layer {
        by: ovr.id.clone(),
        uid: ovr.uid.clone(),
        generation: ovr.generation,
        priority: ovr.priority,
        mode: ovr.mode().unwrap_or(Mode::Set),
        min_replicas,
        max_replicas,
        current: captured.filter(|_| uses_current(ovr.amounts())),
        until,
        return_over: ovr.return_over.value().copied(),
        unknown: layer.map(|layer| layer.unknown.clone()).unwrap_or_default(),
    }
}

const TOO_MANY: &str = "32 overrides of higher precedence are active on the HorizontalPodAutoscaler, which is the most; end \
                        one of them or raise this one's priority";
