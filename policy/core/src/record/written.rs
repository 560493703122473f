//! The values that we wrote: how an echo is recognised.

use serde::Serialize;
use serde_json::Value;

use crate::value::{
    bounds::{Bound, replicas},
    json_fields::Fields,
};

/// The most values per bound.
const MOST_WRITTEN: usize = 8;

/// The record's `ours`: per bound the values that we wrote to the HPA, newest first, at most 8.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    min_replicas: Vec<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    max_replicas: Vec<i32>,
}

impl Written {
    /// Whether there is no value for either bound.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.min_replicas.is_empty() && self.max_replicas.is_empty()
    }

    /// The values of a bound.
    #[must_use]
    pub fn of(&self, bound: Bound) -> &[i32] {
        match bound {
            Bound::Min => &self.min_replicas,
            Bound::Max => &self.max_replicas,
        }
    }

    /// Notes that `number` is written while the owner wants `desired`. A value equal to `desired` is the owner's own and
    /// leaves; of more than 8 the oldest leaves, but not `echo`, which came in with this very write.
    pub(super) fn note(&mut self, bound: Bound, number: i32, desired: i32, echo: Option<i32>) {
        let numbers = self.of_mut(bound);
        numbers.retain(|known| *known != desired && *known != number);
        if number != desired {
            numbers.insert(0, number);
        }
        while numbers.len() > MOST_WRITTEN {
            let oldest = numbers.iter().rposition(|known| Some(*known) != echo);
            numbers.remove(oldest.unwrap_or(MOST_WRITTEN));
        }
    }

    /// Enters `altered`, which another admission put in place of a bound that we wrote, behind `effective`. Not where it is
    /// there already, nor where it equals `desired` or `effective`. Of more than 8 the oldest leaves.
    pub(super) fn note_altered(&mut self, bound: Bound, altered: i32, desired: i32, effective: i32) {
        let numbers = self.of_mut(bound);
        if [desired, effective].contains(&altered) || numbers.contains(&altered) {
            return;
        }
        numbers.insert(usize::from(numbers.first() == Some(&effective)), altered);
        numbers.truncate(MOST_WRITTEN);
    }

    fn of_mut(&mut self, bound: Bound) -> &mut Vec<i32> {
        match bound {
            Bound::Min => &mut self.min_replicas,
            Bound::Max => &mut self.max_replicas,
        }
    }

    pub(super) fn parse(value: &Value) -> Option<Self> {
        let mut fields = Fields::new(value.clone())?;
        Some(Self {
            min_replicas: fields.list(Bound::Min.field(), |number| replicas(&number))?,
            max_replicas: fields.list(Bound::Max.field(), |number| replicas(&number))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The values of max, newest first, with those from 20 down to `oldest` written before.
    fn written(oldest: i32) -> Written {
        Written { min_replicas: Vec::new(), max_replicas: (oldest..=20).rev().collect() }
    }

    #[rstest]
    #[case::behind_effective(written(20), 15, &[20, 15])]
    #[case::once(written(15), 16, &[20, 19, 18, 17, 16, 15])]
    #[case::of_eight_the_oldest_leaves(written(13), 7, &[20, 7, 19, 18, 17, 16, 15, 14])]
    #[case::first_where_effective_is_what_the_owner_wants(Written::default(), 15, &[15])]
    #[case::not_what_the_owner_wants(written(20), 5, &[20])]
    #[case::not_what_is_effective(Written::default(), 20, &[])]
    fn an_altered_number(#[case] mut written: Written, #[case] altered: i32, #[case] expected: &[i32]) {
        written.note_altered(Bound::Max, altered, 5, 20);
        assert_eq!(written.of(Bound::Max), expected);
    }

    #[test]
    fn it_keeps_the_newest_and_the_echo() {
        let mut written = Written::default();
        for number in 10..=18 {
            written.note(Bound::Min, number, 2, Some(10));
        }
        assert_eq!(written.of(Bound::Min), [18, 17, 16, 15, 14, 13, 12, 10]);
        written.note(Bound::Min, 14, 2, None);
        assert_eq!(written.of(Bound::Min), [14, 18, 17, 16, 15, 13, 12, 10]);
        written.note(Bound::Min, 14, 18, None);
        assert_eq!(written.of(Bound::Min), [14, 17, 16, 15, 13, 12, 10]);
        written.note(Bound::Min, 2, 2, None);
        assert_eq!(written.of(Bound::Min), [14, 17, 16, 15, 13, 12, 10]);
    }
}
