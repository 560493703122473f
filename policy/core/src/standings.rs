//! Everybody's standing on one HPA, and the layers that come of it.

use std::collections::{BTreeMap, BTreeSet};

use hpa_override_crd::{Instant, Mode, Phase, Reason};
use serde_json::Value;

use crate::{
    id::Id,
    judge::{Standing, Target, by_window, judge},
    layer::{Layer, MOST_LAYERS},
    record::Record,
    requester::Question,
    resolve::superseded_by,
    settings::Settings,
    spec::Override,
};

/// The overrides, judged: the layers in force, highest precedence first, and where everybody stands.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) layers: Vec<Layer>,
    pub(crate) standings: BTreeMap<Id, Standing>,
    targeting: Vec<Id>,
    /// Who asked for those who say so.
    requesters: BTreeMap<Id, String>,
}

impl Judged {
    pub(crate) fn of(
        hpa: &Value,
        overrides: &[Override],
        settings: &Settings,
        record: Option<&Record>,
        unreadable: bool,
        t: Instant,
    ) -> Self {
        let target = Target::of(hpa, unreadable);
        let mut judged = Self::default();
        for ovr in by_precedence(overrides) {
            let acting = record.and_then(|record| acting(record, ovr));
            if !ovr.targets(hpa) {
                judged.standings.insert(ovr.id.clone(), by_window(ovr, None, settings, t));
                continue;
            }
            let mut standing = judge(ovr, target, acting, settings, t);
            if standing.is_in_force() && judged.layers.len() == MOST_LAYERS {
                standing = standing.but(Phase::Blocked, Reason::TooManyOverrides, TOO_MANY);
            }
            if standing.is_in_force() {
                judged.layers.push(layer(ovr, &standing, acting));
            }
            judged.targeting.push(ovr.id.clone());
            judged.requesters.extend(ovr.requester.iter().map(|requester| (ovr.id.clone(), requester.user.clone())));
            judged.standings.insert(ovr.id.clone(), standing);
        }
        judged
    }

    /// Tells the layers of which nothing is left, and the override whose end is landing.
    pub(crate) fn note(&mut self, record: &Record) {
        for (index, layer) in record.layers.iter().enumerate() {
            let winner = superseded_by(record.desired, &record.layers, &record.limits, index);
            if let Some((winner, standing)) = winner.zip(self.standings.get_mut(&layer.by)) {
                standing.phase = Phase::Superseded;
                standing.reason = Reason::Superseded;
                standing.message = format!("AutoscalerOverride {winner} leaves nothing of it");
            }
        }
        let Some(landing) = record.landing.as_ref().filter(|landing| self.targeting.contains(&landing.by)) else {
            return;
        };
        let ended = |standing: &&mut Standing| !matches!(standing.phase, Phase::Invalid | Phase::Blocked);
        if let Some(standing) = self.standings.get_mut(&landing.by).filter(ended) {
            // Meanwhile only a new start shows.
            let start = standing.window.filter(|_| standing.phase == Phase::Pending).map(|window| window.from);
            standing.next = start.into_iter().chain(record.next_step()).min();
            standing.phase = Phase::Returning;
            standing.reason = Reason::Returning;
            standing.message = format!("the bounds come down until {}", landing.ends());
        }
    }

    /// Whether a layer of the record leaves because its time is over, and for no other reason.
    pub(crate) fn ends_by_time(&self, record: &Record, t: Instant) -> bool {
        let over = |standing: &Standing| matches!(standing.phase, Phase::Expired | Phase::Returning);
        record.layers.iter().filter(|layer| !self.keeps(layer)).any(|layer| {
            let passed = layer.until.is_some_and(|until| until <= t);
            self.standings.get(&layer.by).is_some_and(|standing| passed || over(standing))
        })
    }

    /// Whether a layer of the record stays.
    pub(crate) fn keeps(&self, layer: &Layer) -> bool {
        self.layers.iter().any(|kept| kept.is_of(&layer.by, &layer.uid))
    }

    /// What has to be answered before everybody's standing can be told.
    pub(crate) fn questions(&self) -> BTreeSet<Question> {
        self.standings.values().filter_map(|standing| standing.question.clone()).collect()
    }

    /// Who asked for an override.
    pub(crate) fn requester(&self, id: &Id) -> Option<&str> {
        self.requesters.get(id).map(String::as_str)
    }

    pub(crate) fn next_change(&self) -> Option<Instant> {
        self.targeting.iter().filter_map(|id| self.standings.get(id)?.next).min()
    }
}

/// Highest first: priority, then the newer, then namespace and name. Total, whatever the order given.
fn by_precedence(overrides: &[Override]) -> Vec<&Override> {
    let mut sorted: Vec<&Override> = overrides.iter().collect();
    sorted.sort_by(|a, b| b.priority.cmp(&a.priority).then(b.created.cmp(&a.created)).then_with(|| a.id.cmp(&b.id)));
    sorted
}

fn acting<'a>(record: &'a Record, ovr: &Override) -> Option<&'a Layer> {
    record.layers.iter().find(|layer| layer.is_of(&ovr.id, &ovr.uid))
}

fn layer(ovr: &Override, standing: &Standing, acting: Option<&Layer>) -> Layer {
    Layer {
        by: ovr.id.clone(),
        uid: ovr.uid.clone(),
        mode: ovr.mode().unwrap_or(Mode::Set),
        min_replicas: ovr.min.value().copied(),
        max_replicas: ovr.max.value().copied(),
        until: standing.window.and_then(|window| window.until),
        return_over: ovr.return_over.value().copied(),
        unknown: acting.map(|layer| layer.unknown.clone()).unwrap_or_default(),
    }
}

const TOO_MANY: &str = "32 overrides of higher precedence are in force on the HorizontalPodAutoscaler, and no more fit; \
                        end one of them or raise this one's priority";
