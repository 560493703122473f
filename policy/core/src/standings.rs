//! Everybody's standing on one HPA, and the layers that come of it.

use std::collections::BTreeMap;

use hpa_override_crd::{Instant, Phase, Reason};
use serde_json::Value;

use crate::{
    bounds::Bounds,
    id::Id,
    judge::{Standing, Target, by_window, judge},
    layer::{Layer, MOST_LAYERS, Mode},
    object::name_of,
    record::Record,
    resolve::superseded_by,
    settings::Settings,
    spec::Override,
    window::Position,
};

/// The overrides, judged: the layers in force, highest precedence first, and where everybody stands.
pub(crate) struct Judged {
    pub(crate) layers: Vec<Layer>,
    pub(crate) standings: BTreeMap<Id, Standing>,
    targeting: Vec<Id>,
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
        let (namespace, name) = name_of(hpa);
        let mut judged = Self { layers: Vec::new(), standings: BTreeMap::new(), targeting: Vec::new() };
        for ovr in by_precedence(overrides) {
            let acting = record.and_then(|record| acting(record, ovr));
            if !ovr.targets(namespace, name) {
                judged.standings.insert(ovr.id.clone(), by_window(ovr, None, settings, t));
                continue;
            }
            let mut standing = judge(ovr, target, acting, settings, t);
            if standing.is_in_force() && judged.layers.len() == MOST_LAYERS {
                standing = Standing::new(Phase::Blocked, Reason::TooManyOverrides, TOO_MANY, standing.window);
            }
            if standing.is_in_force() {
                judged.layers.push(layer(ovr, &standing, acting));
            }
            judged.targeting.push(ovr.id.clone());
            judged.standings.insert(ovr.id.clone(), standing);
        }
        judged
    }

    /// Tells the layers of which nothing is left.
    pub(crate) fn note_superseded(&mut self, desired: Bounds) {
        for (index, layer) in self.layers.iter().enumerate() {
            let winner = superseded_by(desired, &self.layers, index);
            if let Some((winner, standing)) = winner.zip(self.standings.get_mut(&layer.by)) {
                standing.phase = Phase::Superseded;
                standing.reason = Reason::Superseded;
                standing.message = format!("AutoscalerOverride {winner} leaves nothing of it");
            }
        }
    }

    /// Whether a layer of the record leaves because its time is over, and for no other reason.
    pub(crate) fn ends_by_time(&self, record: &Record, t: Instant) -> bool {
        record.layers.iter().any(|layer| {
            let standing = self.standings.get(&layer.by);
            let over = |standing: &Standing| standing.window.is_some_and(|window| window.at(t) == Position::After);
            !self.layers.iter().any(|kept| kept.by == layer.by && kept.uid == layer.uid) && standing.is_some_and(over)
        })
    }

    pub(crate) fn next_change(&self, t: Instant) -> Option<Instant> {
        self.targeting.iter().filter_map(|id| self.standings.get(id)?.next_change(t)).min()
    }
}

/// Highest first: priority, then the newer, then namespace and name. Total, whatever the order given.
fn by_precedence(overrides: &[Override]) -> Vec<&Override> {
    let mut sorted: Vec<&Override> = overrides.iter().collect();
    sorted.sort_by(|a, b| b.priority.cmp(&a.priority).then(b.created.cmp(&a.created)).then_with(|| a.id.cmp(&b.id)));
    sorted
}

fn acting<'a>(record: &'a Record, ovr: &Override) -> Option<&'a Layer> {
    record.layers.iter().find(|layer| layer.by == ovr.id && layer.uid == ovr.uid)
}

fn layer(ovr: &Override, standing: &Standing, acting: Option<&Layer>) -> Layer {
    Layer {
        by: ovr.id.clone(),
        uid: ovr.uid.clone(),
        mode: Mode::Set,
        min_replicas: ovr.min.value().copied(),
        max_replicas: ovr.max.value().copied(),
        until: standing.window.and_then(|window| window.until),
        unknown: acting.map(|layer| layer.unknown.clone()).unwrap_or_default(),
    }
}

const TOO_MANY: &str = "32 overrides of higher precedence are in force on the HorizontalPodAutoscaler, and no more fit; \
                        end one of them or raise this one's priority";
