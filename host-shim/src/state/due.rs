//! What is to be done on one HPA and is not done yet, and since when.

use hpa_override_core::Instant;

/// Something that is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Since when.
    pub since: Instant,
    /// Whether that instant stood before: something begins, changes or ends by itself. Else somebody has asked for it then.
    pub is_timed: bool,
}

/// Both sorts of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dues {
    /// An override is over.
    pub end: Option<Due>,
    /// Anything else.
    pub other: Option<Due>,
}

impl Dues {
    /// Notes that a patch is planned at `now`: one that takes an override off which is over since `ends_since`, or another one.
    /// `expired` is the instant from which on the plan before did not hold.
    pub(super) fn note(&mut self, ends_since: Option<Instant>, expired: Option<Instant>, now: Instant) {
        if let Some(since) = ends_since {
            self.end.get_or_insert(Due { since, is_timed: since < now || expired == Some(since) });
        } else {
            // One that was due is called off.
            self.end = None;
            self.other.get_or_insert(Due { since: expired.unwrap_or(now), is_timed: expired.is_some() });
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(second: i64) -> Instant {
        Instant::from_unix(1_800_000_000 + second)
    }

    #[rstest]
    #[case::an_end_in_time(Some(0), Some(0), Some((0, true)), None)]
    #[case::an_end_that_nobody_noticed(Some(-3600), None, Some((-3600, true)), None)]
    #[case::a_deletion(Some(0), None, Some((0, false)), None)]
    #[case::a_beginning_in_time(None, Some(-1), None, Some((-1, true)))]
    #[case::somebody_asks(None, None, None, Some((0, false)))]
    fn since_when_something_is_due(
        #[case] ends_since: Option<i64>,
        #[case] expired: Option<i64>,
        #[case] end: Option<(i64, bool)>,
        #[case] other: Option<(i64, bool)>,
    ) {
        let due = |(second, is_timed)| Due { since: at(second), is_timed };
        let mut dues = Dues::default();
        dues.note(ends_since.map(at), expired.map(at), at(0));
        assert_eq!(dues, Dues { end: end.map(due), other: other.map(due) });
        let before = dues;
        dues.note(ends_since.map(at), None, at(60));
        assert_eq!(dues, before, "it is due since the first time");
    }

    #[test]
    fn an_end_that_is_called_off_is_no_longer_due() {
        let mut dues = Dues::default();
        dues.note(Some(at(0)), None, at(60));
        dues.note(None, None, at(90));
        assert_eq!(dues, Dues { end: None, other: Some(Due { since: at(90), is_timed: false }) });
    }
}
