//! The record in time: what is effective at an instant, and the three changes of a record. Layers end (and may start a
//! gradual return), the owner changes what it wants, the controller sets other layers and limits.
//!
//! **Order of a decision** (ARCHITECTURE.md): first every end at or before t, as if nobody had written anything; then the owner
//! change at t; then what begins or was edited, and the limits, at t. Each is a change of its own for the gradual return.
//! Between changes everything is a pure function of the record and the instant, so that admission and a controller that was
//! down agree.

use hpa_override_crd::{Instant, Mode};

use super::{
    Record,
    clamps::Clamps,
    compose::composed,
    gradual_return::{GradualReturn, ReturnFrom},
    layer::Layer,
    owner_change::is_echo,
};
use crate::value::bounds::{Bound, Bounds};

impl Record {
    /// What layers and limits make of what the owner wants; a gradual return ends there.
    fn composed(&self) -> Bounds {
        composed(self.desired, self.layers.iter(), &self.limits)
    }

    /// The effective bounds at `t` while nothing changes.
    fn effective_at(&self, t: Instant) -> Bounds {
        let follows = self.composed();
        let Some(returning) = &self.gradual_return else { return follows };
        let value = |bound| {
            let c = follows.get(bound);
            let Some(from) = returning.from.get(bound) else { return c };
            self.caps(bound).fold(returning.value_at(from, c, t), i32::min).max(c)
        };
        follows.with(Bound::Max, value(Bound::Max)).with(Bound::Min, value(Bound::Min))
    }

    /// What cuts through a gradual return: Cap layers and limits. A Cap that gives max alone caps min at it, too.
    fn caps(&self, bound: Bound) -> impl Iterator<Item = i32> {
        let cap = move |layer: &Layer| {
            // Of min also the one that caps max; of max there is no other.
            [bound, Bound::Max].into_iter().find_map(|bound| layer.resolved(bound, self.desired))
        };
        let caps = self.layers.iter().filter(|layer| layer.mode == Mode::Cap).filter_map(cap);
        caps.chain(self.limits.highest(self.desired, bound))
    }

    /// Makes one change. A returning bound for which the composed value changes and reaches or passes the effective one has
    /// finished its gradual return.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.composed();
        change(self);
        let after = self.composed();
        let effective = self.effective;
        self.keep_returning(|bound| after.get(bound) == before.get(bound) || after.get(bound) < effective.get(bound));
    }

    /// Finishes the gradual return of the other bounds.
    fn keep_returning(&mut self, goes_on: impl Fn(Bound) -> bool) {
        if let Some(returning) = &mut self.gradual_return {
            returning.from = returning.from.only(goes_on);
        }
        self.gradual_return.take_if(|returning| returning.from.is_empty());
    }

    /// Moves to `t`, at which nothing else happens.
    fn move_to(&mut self, t: Instant) {
        self.gradual_return.take_if(|returning| returning.end() <= t);
        self.effective = self.effective_at(t);
    }

    /// Advances the record to `t`: each layer ends at its `until`, and the gradual return takes its steps.
    ///
    /// # Guarantees
    /// The result depends on the record and `t` alone; advancing in two steps gives the same as in one. No bound rises
    /// because a layer ended, but to what the owner or another layer gives. `desired` stays.
    ///
    /// # What the caller does
    /// Calls it before any other change of the decision at `t`; then [`Record::settled`] and [`Record::counted`], which move
    /// `asOf` and `rev`. `t` is not before `asOf`, unless `asOf` is from the future and not believed.
    ///
    /// ```
    /// use hpa_override_core::{Bounds, Record};
    ///
    /// let text = r#"{"v":1,"asOf":"2026-11-27T06:00:00Z","desired":{"minReplicas":2,"maxReplicas":5},
    ///     "effective":{"minReplicas":40,"maxReplicas":60},"layers":[{"by":"shop/a","uid":"u","mode":"Set",
    ///     "minReplicas":40,"maxReplicas":60,"until":"2026-11-27T07:00:00Z","returnOver":"10m"}]}"#;
    /// let mut record = Record::parse(text).unwrap();
    /// record.advance("2026-11-27T07:05:00Z".parse().unwrap());
    /// assert_eq!(record.effective, Bounds::new(21, 33).unwrap(), "half of the gradual return");
    /// ```
    pub fn advance(&mut self, t: Instant) {
        self.advance_by(t, |layer| layer.until);
    }

    /// Lets no bound return gradually: neither one that does, nor one whose layer ends later.
    pub fn return_at_once(&mut self) {
        self.gradual_return = None;
        for layer in &mut self.layers {
            layer.return_over = None;
        }
    }

    /// The same, each layer ending at the instant that `end` gives: the controller also knows of ends by deletion,
    /// suspension and the like, and of layers that go on.
    pub fn advance_by(&mut self, t: Instant, end: impl Fn(&Layer) -> Option<Instant>) {
        while let Some(at) = self.layers.iter().filter_map(&end).filter(|end| *end <= t).min() {
            if at > self.as_of {
                self.move_to(at.saturating_add(-1));
            }
            self.end_layers(at, |layer| end(layer) == Some(at));
        }
        self.move_to(t);
    }

    /// Ends layers at one instant: one change. Of them, from the lowest to the highest, the last that changes something and
    /// has a `returnOver` starts a gradual return, which replaces the one under way, also where no bound is above what
    /// follows.
    fn end_layers(&mut self, at: Instant, ends: impl Fn(&Layer) -> bool) {
        let mut starter = None;
        self.change(|record| {
            let mut follows = record.composed();
            for index in (0..record.layers.len()).rev() {
                if !record.layers.get(index).is_some_and(&ends) {
                    continue;
                }
                let layer = record.layers.remove(index);
                let next = record.composed();
                if next != follows && layer.return_over.is_some() {
                    starter = Some(layer);
                }
                follows = next;
            }
        });
        if let Some((by, over)) = starter.and_then(|layer| layer.return_over.map(|over| (layer.by, over))) {
            let from = ReturnFrom::above(self.effective, self.composed());
            let returning = GradualReturn { by, from, at, over, unknown: serde_json::Map::new() };
            self.gradual_return = Some(returning).filter(|returning| !returning.from.is_empty());
        }
    }

    /// Applies an owner change at `t`: from now on the owner wants `desired`.
    ///
    /// # Guarantees
    /// Layers, limits and the start of a gradual return stay: what the record says of the time before `t` does not depend on
    /// an owner change. A returning bound that the change reaches or passes has finished its gradual return.
    ///
    /// # What the caller does
    /// Advances the record to the same `t` first, computes `desired` from the record as found
    /// ([`desired_after_write`](super::owner_change::desired_after_write)), and calls [`Record::settled`] and
    /// [`Record::counted`] after all changes.
    ///
    /// ```
    /// use hpa_override_core::{Bounds, Instant, Record};
    ///
    /// let t: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
    /// let mut record = Record::new(Bounds::new(2, 5).unwrap(), t);
    /// record.apply_owner_change(Bounds::new(3, 8).unwrap(), t);
    /// assert_eq!(record.effective.to_string(), "3-8");
    /// ```
    pub fn apply_owner_change(&mut self, desired: Bounds, t: Instant) {
        self.change(|record| record.desired = desired);
        self.effective = self.effective_at(t);
    }

    /// Finishes the gradual return of bounds whose live value is no echo of `found`: after the record has vanished from the
    /// HPA, what is live there is the owner's, and no revert of ours.
    pub fn finish_replaced(&mut self, found: &Self, live: Bounds) {
        self.keep_returning(|bound| is_echo(found, bound, live.get(bound)));
    }

    /// Sets layers and limits at `t`. An override that is active again ends its own gradual return.
    pub fn set_layers(&mut self, layers: Vec<Layer>, limits: Clamps, t: Instant) {
        self.change(|record| {
            record.layers = layers;
            record.limits.unknown = std::mem::replace(&mut record.limits, limits).unknown;
        });
        self.gradual_return.take_if(|returning| self.layers.iter().any(|layer| layer.by == returning.by));
        self.effective = self.effective_at(t);
    }

    /// Completes what has become of `found` by `t`, after a write of the `incoming` bounds: notes in `ours` what is written, and
    /// moves `asOf` where anything else differs. [`Record::counted`] comes last.
    #[must_use]
    pub fn settled(mut self, found: &Self, t: Instant, incoming: impl Fn(Bound) -> i32) -> Self {
        for bound in Bound::BOTH {
            let echo = Some(incoming(bound)).filter(|number| is_echo(found, bound, *number));
            self.ours.note(bound, self.effective.get(bound), self.desired.get(bound), echo);
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
        ends.into_iter().chain(self.next_step(self.as_of)).min()
    }

    /// The first instant after `t` at which a gradual return moves a bound or is over.
    #[must_use]
    pub fn next_step(&self, t: Instant) -> Option<Instant> {
        let returning = self.gradual_return.as_ref()?;
        let moves = |at: &Instant| *at == returning.end() || self.effective_at(*at) != self.effective;
        returning.steps_after(t).find(moves)
    }
}

#[cfg(test)]
mod tests;
