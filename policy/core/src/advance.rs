//! The record in time: what stands at an instant, what an end does, what the owner's word does.
//!
//! Every change is one of three: layers leave force (and may begin a landing), the owner speaks, the controller puts other
//! layers and limits in their place. Between changes everything is a pure function of the record and the instant, so
//! admission and a controller that was down come to the same.

use hpa_override_crd::{Instant, Mode};

use crate::{
    bounds::{Bound, Bounds},
    clamps::Clamps,
    landing::{Landing, Origin},
    layer::Layer,
    rebase::is_echo,
    record::Record,
    resolve::composed,
};

impl Record {
    /// What layers and limits make of what the owner wants; a landing comes down to it.
    fn composed(&self) -> Bounds {
        composed(self.desired, self.layers.iter(), &self.limits)
    }

    /// What stands at `t` while nothing changes.
    fn standing_at(&self, t: Instant) -> Bounds {
        let follows = self.composed();
        let Some(landing) = &self.landing else { return follows };
        let number = |bound| {
            let c = follows.get(bound);
            let Some(from) = landing.from.get(bound) else { return c };
            let height = landing.height(from, c, t);
            self.caps(bound).fold(height, i32::min).max(c)
        };
        follows.with(Bound::Max, number(Bound::Max)).with(Bound::Min, number(Bound::Min))
    }

    /// What cuts through a landing: Cap layers and the ceiling. A Cap that gives max alone caps min at it, too.
    fn caps(&self, bound: Bound) -> impl Iterator<Item = i32> {
        let cap = move |layer: &Layer| {
            let max = layer.amount(Bound::Max).map(|amount| (Bound::Max, amount));
            let own = layer.amount(bound).map(|amount| (bound, amount));
            let (of, amount) = own.or(max.filter(|_| bound == Bound::Min))?;
            Some(amount.resolve(self.desired.get(of)))
        };
        let caps = self.layers.iter().filter(|layer| layer.mode == Mode::Cap).filter_map(cap);
        caps.chain(self.limits.highest(self.desired.get(bound)))
    }

    /// Changes what the bounds follow. A landing bound that it reaches or passes has landed, for good.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.composed();
        change(self);
        let after = self.composed();
        let stands = self.effective;
        self.keep_landing(|bound| after.get(bound) == before.get(bound) || after.get(bound) < stands.get(bound));
    }

    /// Keeps only those bounds landing.
    fn keep_landing(&mut self, goes_on: impl Fn(Bound) -> bool) {
        if let Some(landing) = &mut self.landing {
            landing.from = landing.from.only(goes_on);
        }
        self.landing.take_if(|landing| landing.from.is_empty());
    }

    /// Moves to `t`, at which nothing else happens.
    fn stand_at(&mut self, t: Instant) {
        self.landing.take_if(|landing| landing.ends() <= t);
        self.effective = self.standing_at(t);
    }

    /// The owner's word: it wants `desired` now.
    pub(crate) fn hear(&mut self, desired: Bounds) {
        self.change(|record| record.desired = desired);
        self.effective = self.standing_at(self.as_of);
    }

    /// Takes as landed what no longer stands as we put it: after the record has vanished, that is no revert.
    pub(crate) fn land_what_left(&mut self, live: Bounds) {
        let kept = self.clone();
        self.keep_landing(|bound| is_echo(&kept, bound, live.get(bound)));
    }

    /// Walks the ends up to `t`: each layer leaves when its time is over.
    pub(crate) fn advance(&mut self, t: Instant) {
        self.walk(t, |layer| layer.until);
    }

    /// Walks the ends up to `t`, each layer leaving at the instant given, if any.
    pub(crate) fn walk(&mut self, t: Instant, end: impl Fn(&Layer) -> Option<Instant>) {
        while let Some(at) = self.layers.iter().filter_map(&end).filter(|end| *end <= t).min() {
            if at > self.as_of {
                self.stand_at(at.saturating_add(-1));
            }
            self.end(at, |layer| end(layer) == Some(at));
        }
        self.stand_at(t);
    }

    /// Layers leave force at one instant: one change. Of them, from the lowest to the highest, the last that changes
    /// something and has a `returnOver` lands.
    fn end(&mut self, at: Instant, leaves: impl Fn(&Layer) -> bool) {
        let mut landing = None;
        self.change(|record| {
            let mut follows = record.composed();
            for index in (0..record.layers.len()).rev() {
                if !record.layers.get(index).is_some_and(&leaves) {
                    continue;
                }
                let layer = record.layers.remove(index);
                let next = record.composed();
                if next != follows && layer.return_over.is_some() {
                    landing = Some(layer);
                }
                follows = next;
            }
        });
        let from = Origin::above(self.effective, self.composed());
        if let Some((by, over)) = landing.and_then(|layer| layer.return_over.map(|over| (layer.by, over)))
            && !from.is_empty()
        {
            self.landing = Some(Landing { by, from, at, over, unknown: serde_json::Map::new() });
        }
    }

    /// The controller puts these layers and limits in place at `t`. An override that is in force again ends its own
    /// landing.
    pub(crate) fn put(&mut self, layers: Vec<Layer>, limits: Clamps, t: Instant) {
        self.change(|record| {
            record.layers = layers;
            record.limits.unknown = std::mem::replace(&mut record.limits, limits).unknown;
        });
        self.landing.take_if(|landing| self.layers.iter().any(|layer| layer.by == landing.by));
        self.effective = self.standing_at(t);
    }

    /// Closes the books on what has become of `found` by `t`, after `standing` came in: `ours`, and `asOf`, which moves
    /// only where something else does.
    #[must_use]
    pub(crate) fn settled(mut self, found: &Self, t: Instant, standing: Bounds) -> Self {
        for bound in Bound::BOTH {
            let echo = Some(standing.get(bound)).filter(|number| is_echo(found, bound, *number));
            self.ours.put(bound, self.effective.get(bound), self.desired.get(bound), echo);
        }
        self.as_of = found.as_of;
        if self != *found {
            self.as_of = t;
        }
        self
    }

    /// The first instant after `asOf` at which bounds or record differ, nothing else happening.
    #[must_use]
    pub fn next_transition(&self) -> Option<Instant> {
        let ends = self.layers.iter().filter_map(|layer| layer.until).filter(|until| *until > self.as_of).min();
        ends.into_iter().chain(self.next_step()).min()
    }

    /// The first instant after `asOf` at which a landing moves a bound or is over.
    pub(crate) fn next_step(&self) -> Option<Instant> {
        let landing = self.landing.as_ref()?;
        let moves = |at: &Instant| *at == landing.ends() || self.standing_at(*at) != self.effective;
        landing.steps_after(self.as_of).find(moves)
    }
}

#[cfg(test)]
mod tests;
