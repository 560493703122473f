//! Owner changes and echoes.
//!
//! An **echo** is a bound in somebody's write that equals a value we wrote: it comes back in full updates, in re-reads, in
//! KEDA's second write, and says nothing about what the owner wants. Any other bound is an **owner change**: it becomes
//! `desired`. Everything here is measured by the record as found, before it is advanced.

use hpa_override_crd::RECORD_ANNOTATION;
use serde_json::Value;

use super::Record;
use crate::{
    hpa::raw::{annotation, annotation_value},
    value::bounds::{Bound, Bounds},
};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The bounds that a client-side apply declares in this very write: an owner change even where they equal a value of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    min: bool,
    max: bool,
}

impl Declared {
    /// Nothing is declared.
    pub const NOTHING: Self = Self { min: false, max: false };

    /// What a write declares: its last-applied-configuration has changed, names the bound with the incoming value, and does
    /// not itself carry our record. A manifest taken from the live object carries it, and declares nothing.
    #[must_use]
    pub fn from_write(old: Option<&Value>, new: &Value) -> Self {
        let Some(text) = last_applied(new).filter(|text| old.and_then(last_applied) != Some(text)) else {
            return Self::NOTHING;
        };
        let applied: Value = serde_json::from_str(text).unwrap_or_default();
        if annotation_value(&applied, RECORD_ANNOTATION).is_some() {
            return Self::NOTHING;
        }
        let names = |bound: Bound| bound.in_spec(new).is_some_and(|sent| bound.in_spec(&applied) == Some(sent));
        Self { min: names(Bound::Min), max: names(Bound::Max) }
    }

    fn names(self, bound: Bound) -> bool {
        match bound {
            Bound::Min => self.min,
            Bound::Max => self.max,
        }
    }
}

fn last_applied(object: &Value) -> Option<&str> {
    annotation(object, LAST_APPLIED)
}

/// Whether a bound is an echo: it equals `effective`, any of `ours`, or the value from which the bound returns gradually.
#[must_use]
pub fn is_echo(found: &Record, bound: Bound, number: i32) -> bool {
    let from = found.gradual_return.as_ref().and_then(|returning| returning.from.get(bound));
    number == found.effective.get(bound) || found.ours.of(bound).contains(&number) || from == Some(number)
}

/// What the owner wanted, and the bounds that are taken for what it wants instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerChange {
    before: Bounds,
    bounds: Bounds,
    min: bool,
    max: bool,
}

impl OwnerChange {
    /// The bounds for which `is_change` holds are taken.
    fn new(before: Bounds, bounds: Bounds, is_change: impl Fn(Bound) -> bool) -> Self {
        Self { before, bounds, min: is_change(Bound::Min), max: is_change(Bound::Max) }
    }

    /// What the bounds that are live change. Those for which `by_us` holds were written by us, whatever became of them:
    /// another admission policy may have altered them on the way, and that is no owner change.
    #[must_use]
    pub fn from_live(found: &Record, live: Bounds, by_us: impl Fn(Bound) -> bool) -> Self {
        Self::new(found.desired, live, |bound| !by_us(bound) && !is_echo(found, bound, live.get(bound)))
    }

    /// What the owner wants: where the bound that changed and the other no longer fit, the one that changed wins and the
    /// other follows.
    #[must_use]
    pub fn desired(&self) -> Bounds {
        let changed = Bound::BOTH.into_iter().filter(|bound| self.takes(*bound));
        changed.fold(self.before, |desired, bound| desired.with(bound, self.bounds.get(bound)))
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.desired() != self.before
    }

    /// The same without the bounds that turn out to be no change of the owner: those that are taken with the number that
    /// `altered` gives, which another admission put in place of ours.
    #[must_use]
    pub fn without(&self, altered: impl Fn(Bound) -> Option<i32>) -> Self {
        let stays = |bound| self.takes(bound) && altered(bound) != Some(self.bounds.get(bound));
        Self::new(self.before, self.bounds, stays)
    }

    fn takes(&self, bound: Bound) -> bool {
        match bound {
            Bound::Min => self.min,
            Bound::Max => self.max,
        }
    }
}

/// What the owner wants after a write of `incoming` bounds. Where the bound that changed and the other no longer fit, the
/// one that changed wins and the other follows.
#[must_use]
pub fn desired_after_write(found: &Record, incoming: Bounds, declared: Declared) -> Bounds {
    let is_change = |bound| declared.names(bound) || !is_echo(found, bound, incoming.get(bound));
    OwnerChange::new(found.desired, incoming, is_change).desired()
}

/// The pair that a write means where the pair sent is not valid: `desired` in place of its echoes (ADR 0004). A manifest
/// without `minReplicas` leaves our min beside a new max of the owner. None where that is not valid either.
#[must_use]
pub fn completed_pair(found: &Record, new: &Value, declared: Declared) -> Option<Bounds> {
    let number = |bound: Bound| {
        let sent = bound.in_spec(new)?;
        let is_change = declared.names(bound) || !is_echo(found, bound, sent);
        Some(if is_change { sent } else { found.desired.get(bound) })
    };
    Bounds::new(number(Bound::Min)?, number(Bound::Max)?)
}

/// What becomes of `sent` bounds that arrive together with the record `carried`, on an HPA that has none: a copy, a backup,
/// a manifest taken from the live object. An echo becomes `old`'s bound, unless there is none or that is an echo too, else
/// what the record calls desired; any other number stays. Where the two then cross, the number sent wins, else max rises.
#[must_use]
pub fn rebased_copy(carried: &Record, sent: Bounds, old: Option<Bounds>) -> Bounds {
    let is_sent = |bound| !is_echo(carried, bound, sent.get(bound));
    let number = |bound| {
        if is_sent(bound) {
            return sent.get(bound);
        }
        let before = old.map(|old| old.get(bound)).filter(|number| !is_echo(carried, bound, *number));
        before.unwrap_or(carried.desired.get(bound))
    };
    let (min, max) = (number(Bound::Min), number(Bound::Max));
    let max_wins = is_sent(Bound::Max) && !is_sent(Bound::Min);
    let (first, last) = if max_wins { (Bound::Min, Bound::Max) } else { (Bound::Max, Bound::Min) };
    let of = |bound| if bound == Bound::Min { min } else { max };
    carried.desired.with(first, of(first)).with(last, of(last))
}

#[cfg(test)]
mod tests;
