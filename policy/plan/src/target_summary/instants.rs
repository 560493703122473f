//! Instants with how often each is there: the first and the last of many that come and go.

use std::collections::BTreeMap;

use hpa_override_core::Instant;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Instants(BTreeMap<Instant, u32>);

impl Instants {
    pub(super) fn add(&mut self, at: Instant) {
        let count = self.0.entry(at).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn remove(&mut self, at: Instant) {
        match self.0.get_mut(&at) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.0.remove(&at)),
        }
    }

    pub(super) fn first(&self) -> Option<Instant> {
        self.0.first_key_value().map(|(at, _)| *at)
    }

    pub(super) fn last(&self) -> Option<Instant> {
        self.0.last_key_value().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_two_that_are_the_same_stays() {
        let [early, late] = [1, 2].map(Instant::from_unix);
        let mut instants = Instants::default();
        for at in [late, early, early] {
            instants.add(at);
        }
        assert_eq!((instants.first(), instants.last()), (Some(early), Some(late)));
        instants.remove(early);
        assert_eq!(instants.first(), Some(early));
        instants.remove(early);
        assert_eq!(instants.first(), Some(late));
        instants.remove(late);
        assert_eq!(instants, Instants::default());
    }
}
