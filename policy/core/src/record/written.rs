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
        let numbers = match bound {
            Bound::Min => &mut self.min_replicas,
            Bound::Max => &mut self.max_replicas,
        };
        numbers.retain(|known| *known != desired && *known != number);
        if number != desired {
            numbers.insert(0, number);
        }
        while numbers.len() > MOST_WRITTEN {
            let oldest = numbers.iter().rposition(|known| Some(*known) != echo);
            numbers.remove(oldest.unwrap_or(MOST_WRITTEN));
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
    use super::*;

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
