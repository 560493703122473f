//! Re-basing: telling the owner's word from an echo of ours.
//!
//! A value that we have put on the HPA comes back in full updates, in re-reads, in KEDA's second write; it says nothing
//! about what the owner wants. Anything else is what the owner wants from now on.

use serde_json::Value;

use crate::{
    bounds::{Bound, Bounds, replicas},
    record::Record,
};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The bounds that a client-side apply names in the very request, with the incoming value: the owner's word even where
/// it equals ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    min: bool,
    max: bool,
}

impl Declared {
    /// Nothing is declared.
    pub const NOTHING: Self = Self { min: false, max: false };

    /// What a write declares: its last-applied-configuration changed and names the bound with the incoming value.
    #[must_use]
    pub fn by_write(old: Option<&Value>, new: &Value, incoming: Bounds) -> Self {
        let Some(text) = last_applied(new).filter(|text| old.and_then(last_applied) != Some(text)) else {
            return Self::NOTHING;
        };
        let applied: Value = serde_json::from_str(text).unwrap_or_default();
        let names = |bound: Bound| {
            let named = applied.get("spec").and_then(|spec| spec.get(bound.field())).and_then(replicas);
            named == Some(incoming.get(bound))
        };
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
    object.get("metadata")?.get("annotations")?.get(LAST_APPLIED)?.as_str()
}

/// Whether an incoming number is one that we put there, or one from which a bound is landing.
#[must_use]
pub fn is_echo(record: &Record, bound: Bound, number: i32) -> bool {
    let landing = record.landing.as_ref().and_then(|landing| landing.from.get(bound));
    number == record.effective.get(bound) || record.ours.of(bound).contains(&number) || landing == Some(number)
}

/// What the owner wants once `incoming` is heard. Where the bound just spoken and the other no longer fit, the one just
/// spoken wins and the other follows.
#[must_use]
pub fn rebase(record: &Record, incoming: Bounds, declared: Declared) -> Bounds {
    heard(record, incoming, |bound| declared.names(bound) || !is_echo(record, bound, incoming.get(bound)))
}

/// The same for what stands live, of which `ours` were put there by a write of ours, whatever came of it: another
/// admission policy may have altered them on the way, and that is no word of the owner's.
#[must_use]
pub fn rebase_live(record: &Record, live: Bounds, ours: impl Fn(Bound) -> bool) -> Bounds {
    heard(record, live, |bound| !ours(bound) && !is_echo(record, bound, live.get(bound)))
}

fn heard(record: &Record, numbers: Bounds, spoken: impl Fn(Bound) -> bool) -> Bounds {
    let spoken = Bound::BOTH.into_iter().filter(|bound| spoken(*bound));
    spoken.fold(record.desired, |desired, bound| desired.with(bound, numbers.get(bound)))
}

/// What a write means that leaves a number of ours beside one of the owner's that does not fit it, as a manifest without
/// `minReplicas` does: the owner's own pair, where that is valid.
#[must_use]
pub fn meant(record: &Record, new: &Value) -> Option<Bounds> {
    let spec = new.get("spec")?;
    let number = |bound: Bound| {
        let sent = replicas(spec.get(bound.field())?)?;
        Some(if is_echo(record, bound, sent) { record.desired.get(bound) } else { sent })
    };
    Bounds::new(number(Bound::Min)?, number(Bound::Max)?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn record() -> Record {
        Record::parse(
            &json!({"v": 1, "asOf": "2026-11-27T06:00:00Z",
                "desired": {"minReplicas": 2, "maxReplicas": 5}, "effective": {"minReplicas": 10, "maxReplicas": 20},
                "ours": {"minReplicas": [10, 7], "maxReplicas": [20, 30]}})
            .to_string(),
        )
        .unwrap()
    }

    #[rstest]
    #[case::effective_is_an_echo((10, 20), (2, 5))]
    #[case::an_older_number_is_an_echo((7, 30), (2, 5))]
    #[case::both_spoken((3, 8), (3, 8))]
    #[case::one_spoken_one_echo((10, 25), (2, 25))]
    #[case::the_owners_own_number((2, 20), (2, 5))]
    #[case::min_spoken_pulls_max((9, 20), (9, 9))]
    #[case::max_spoken_pulls_min((1, 1), (1, 1))]
    #[case::zero_is_a_word((0, 20), (0, 5))]
    fn hears(#[case] incoming: (i32, i32), #[case] desired: (i32, i32)) {
        let incoming = Bounds::new(incoming.0, incoming.1).unwrap();
        assert_eq!(rebase(&record(), incoming, Declared::NOTHING), Bounds::new(desired.0, desired.1).unwrap());
    }

    fn applied(spec: &Value) -> Value {
        json!({"metadata": {"annotations": {LAST_APPLIED: json!({"spec": spec}).to_string()}}})
    }

    #[rstest]
    #[case::both(json!({"minReplicas": 10, "maxReplicas": 20}), (10, 20))]
    #[case::only_the_named_bound(json!({"maxReplicas": 20}), (2, 20))]
    #[case::named_with_another_value(json!({"minReplicas": 3, "maxReplicas": 8}), (2, 5))]
    fn a_changed_declaration_is_the_owners_word(#[case] spec: Value, #[case] desired: (i32, i32)) {
        let incoming = Bounds::new(10, 20).unwrap();
        let declared = Declared::by_write(Some(&json!({})), &applied(&spec), incoming);
        assert_eq!(rebase(&record(), incoming, declared), Bounds::new(desired.0, desired.1).unwrap());
    }

    #[test]
    fn an_unchanged_or_unreadable_declaration_is_none() {
        let incoming = Bounds::new(10, 20).unwrap();
        let same = applied(&json!({"minReplicas": 10, "maxReplicas": 20}));
        assert_eq!(Declared::by_write(Some(&same), &same, incoming), Declared::NOTHING);
        let broken = json!({"metadata": {"annotations": {LAST_APPLIED: "{"}}});
        assert_eq!(Declared::by_write(None, &broken, incoming), Declared::NOTHING);
    }
}
