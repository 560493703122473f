//! Stretches of civil time with one offset. Within one, civil times and instants run alike.
//!
//! ```text
//!   gap       before   01:58  01:59  02:00  02:01 …        what there is not (02:00 to 02:59) and what there is twice
//!             after                  03:00  03:01 …        are read with the offset before: RFC 5545, 3.3.5. So in
//!                                    └ begins              civil time a stretch begins where the later one of the
//!   overlap   before   02:58  02:59  03:00                 two clocks is when the offset changes: at 03:00
//!             after                  02:00  …  03:00       here and there.
//!                                              └ begins
//! ```

use jiff::{Timestamp, tz::TimeZone};

/// More than any gap and any overlap: both are differences of two offsets of less than 26 hours each.
pub(super) const LONGEST_SHIFT: i64 = 52 * 3_600;

/// From one change of the offset to the next.
pub(super) struct Stretch<'a> {
    zone: &'a TimeZone,
    /// Seconds east of UTC.
    pub(super) offset: i64,
    /// The instants of the two changes, where there are any, in Unix seconds.
    pub(super) since: Option<i64>,
    pub(super) until: Option<i64>,
}

impl<'a> Stretch<'a> {
    /// The one that holds the instant.
    pub(super) fn at(zone: &'a TimeZone, at: i64) -> Self {
        let next = |at: i64| zone.following(timestamp(at)).next().map(|change| change.timestamp().as_second());
        let mut since = zone.preceding(timestamp(at + 1)).next().map(|change| change.timestamp().as_second());
        // Asked soon after the last listed change, jiff 0.2.46 names one of the rules that lies before it.
        while let Some(change) = since.and_then(next).filter(|change| *change <= at) {
            since = Some(change);
        }
        let until = next(at);
        Self { zone, offset: offset(zone, at), since, until }
    }

    pub(super) fn before(&self) -> Option<Self> {
        self.since.map(|change| Self::at(self.zone, change - 1))
    }

    pub(super) fn after(&self) -> Option<Self> {
        self.until.map(|change| Self::at(self.zone, change))
    }

    /// The first civil time that is read with this offset.
    pub(super) fn begins(&self) -> Option<i64> {
        self.since.map(|change| change + self.offset.max(offset(self.zone, change - 1)))
    }

    /// The first civil time that no longer is.
    pub(super) fn ends(&self) -> Option<i64> {
        self.until.map(|change| change + self.offset.max(offset(self.zone, change)))
    }
}

fn offset(zone: &TimeZone, at: i64) -> i64 {
    zone.to_offset(timestamp(at)).seconds().into()
}

/// Within what the calendar holds.
fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
