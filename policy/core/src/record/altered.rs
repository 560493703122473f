//! The record after a write of ours that came back altered: another mutating admission has put another number in place of a
//! bound.
//!
//! Nobody wants that number. It is entered among the values that we wrote, so that it is recognised as an echo wherever
//! it comes back, also after a restart. Bounds are never changed here.

use super::{Record, owner_change::OwnerChange};
use crate::value::bounds::{Bound, Bounds};

impl Record {
    /// The record that follows this one, which was stored together with altered bounds: `altered` gives the number that was
    /// stored in place of a bound, none where that came back as written. `change` is what the write had taken for an owner
    /// change.
    ///
    /// # Guarantees
    /// An altered number is among `ours` then, unless the owner wants just that. A bound of `change` that has the altered
    /// number was no owner change: it is undone, and the effective bounds follow from what the owner wanted before. Nothing changes
    /// where the number is known already.
    ///
    /// # What the caller does
    /// [`Record::counted`] comes last.
    ///
    /// ```
    /// use hpa_override_core::{Bound, Record};
    ///
    /// let text = r#"{"v":1,"asOf":"2026-11-27T06:00:00Z","desired":{"minReplicas":2,"maxReplicas":5},
    ///     "effective":{"minReplicas":2,"maxReplicas":20},"ours":{"maxReplicas":[20]}}"#;
    /// let record = Record::parse(text).unwrap().altered(|bound| (bound == Bound::Max).then_some(15), None);
    /// assert_eq!(record.ours.of(Bound::Max), [20, 15]);
    /// ```
    #[must_use]
    pub fn altered(&self, altered: impl Fn(Bound) -> Option<i32>, change: Option<&OwnerChange>) -> Self {
        let mut next = self.clone();
        if let Some(change) = change {
            next.undo(change.without(&altered).desired());
        }
        for bound in Bound::BOTH {
            if let Some(number) = altered(bound) {
                let (desired, effective) = (next.desired.get(bound), next.effective.get(bound));
                next.ours.note_altered(bound, number, desired, effective);
            }
        }
        next
    }

    /// The owner wants `desired`, as before.
    fn undo(&mut self, desired: Bounds) {
        if self.desired == desired {
            return;
        }
        self.apply_owner_change(desired, self.as_of);
        for bound in Bound::BOTH {
            self.ours.note(bound, self.effective.get(bound), self.desired.get(bound), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn pair((min, max): (i32, i32)) -> Value {
        json!({"minReplicas": min, "maxReplicas": max})
    }

    /// A layer gives that max, or a number relative to what the owner wants.
    fn record(desired: (i32, i32), effective: (i32, i32), ours: &[i32], max: &Value) -> Record {
        let layer = json!({"by": "shop/a", "uid": "u", "mode": "Set", "maxReplicas": max});
        let record = json!({"v": 1, "rev": 4, "asOf": "2026-11-27T06:00:00Z", "desired": pair(desired),
                            "effective": pair(effective), "ours": {"maxReplicas": ours}, "layers": [layer]});
        Record::parse(&record.to_string()).unwrap()
    }

    fn max_is(number: i32) -> impl Fn(Bound) -> Option<i32> {
        move |bound| (bound == Bound::Max).then_some(number)
    }

    /// Live bounds that nobody of ours has written.
    fn change(found: &Record, min: i32, max: i32) -> OwnerChange {
        OwnerChange::from_live(found, Bounds::new(min, max).unwrap(), |_| false)
    }

    #[test]
    fn an_altered_number_is_ours() {
        let written = record((2, 5), (2, 20), &[20], &json!(20));
        let expected = record((2, 5), (2, 20), &[20, 15], &json!(20));
        assert_eq!(written.altered(max_is(15), None), expected);
        assert_eq!(expected.altered(max_is(15), None), expected, "known already");
    }

    #[test]
    fn one_that_the_owner_wants_stays_the_owners() {
        let written = record((2, 15), (2, 20), &[20], &json!(20));
        assert_eq!(written.altered(max_is(15), None), written);
    }

    #[test]
    fn a_change_to_that_number_is_undone() {
        let found = record((2, 5), (2, 20), &[20], &json!(20));
        let written = record((2, 15), (2, 20), &[20], &json!(20));
        let expected = record((2, 5), (2, 20), &[20, 15], &json!(20));
        assert_eq!(written.altered(max_is(15), Some(&change(&found, 2, 15))), expected);
    }

    #[test]
    fn what_followed_from_it_is_undone_too() {
        let found = record((2, 5), (2, 20), &[20], &json!("desired+15"));
        let written = record((2, 15), (2, 30), &[30, 20], &json!("desired+15"));
        let expected = record((2, 5), (2, 20), &[20, 15, 30], &json!("desired+15"));
        assert_eq!(written.altered(max_is(15), Some(&change(&found, 2, 15))), expected);
    }

    /// Only the bound that has the altered number is undone.
    #[rstest]
    #[case::the_bound_that_followed((6, 20), None, (6, 6), (6, 6))]
    #[case::the_other_bound((6, 15), Some(15), (6, 15), (6, 6))]
    #[case::not_another_number((2, 8), Some(15), (2, 8), (2, 8))]
    fn the_rest_of_the_change_stays(
        #[case] live: (i32, i32),
        #[case] altered: Option<i32>,
        #[case] taken: (i32, i32),
        #[case] left: (i32, i32),
    ) {
        let found = record((2, 5), (2, 20), &[20], &json!(20));
        let change = change(&found, live.0, live.1);
        assert_eq!(change.desired(), Bounds::new(taken.0, taken.1).unwrap());
        let altered = |bound| altered.filter(|_| bound == Bound::Max);
        assert_eq!(change.without(altered).desired(), Bounds::new(left.0, left.1).unwrap());
    }
}
