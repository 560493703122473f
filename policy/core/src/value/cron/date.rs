//! Civil dates: days of the calendar, without a time zone. The calendar is jiff's.

use std::{fmt, str::FromStr};

use hpa_override_crd::Instant;
use jiff::{Timestamp, civil::Date, tz::Offset};

/// A day of the calendar, like `2026-12-25`.
///
/// Text: `YYYY-MM-DD` in the years 2000 to 9000, nothing else.
///
/// ```
/// use hpa_override_core::value::cron::CivilDate;
///
/// let date: CivilDate = "2026-12-25".parse().unwrap();
/// assert_eq!(date.to_string(), "2026-12-25");
/// assert!("2026-12-32".parse::<CivilDate>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivilDate(Date);

impl CivilDate {
    /// The date of an instant in UTC.
    #[must_use]
    pub fn from_instant(at: Instant) -> Self {
        Self::at(at.as_unix())
    }

    /// The date of a civil time, in seconds as though it were UTC. The epoch where the calendar has no such time.
    pub(super) fn at(civil: i64) -> Self {
        Self(Offset::UTC.to_datetime(Timestamp::from_second(civil).unwrap_or_default()).date())
    }

    /// A day of a month, which is counted as by [`Self::month_count`].
    pub(super) fn in_month(count: i32, day: i8) -> Option<Self> {
        Self::new(i16::try_from(count / 12).ok()?, i8::try_from(count % 12 + 1).ok()?, day)
    }

    fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day).ok().map(Self)
    }

    /// Its first second, as though it were one of UTC.
    pub(super) fn midnight(self) -> i64 {
        Offset::UTC.to_timestamp(self.0.at(0, 0, 0, 0)).unwrap_or_default().as_second()
    }

    /// Months since January of the year 0.
    pub(super) fn month_count(self) -> i32 {
        i32::from(self.0.year()) * 12 + i32::from(self.0.month()) - 1
    }

    pub(super) fn day(self) -> i8 {
        self.0.day()
    }

    /// From Sunday, 0.
    pub(super) fn weekday(self) -> i8 {
        self.0.weekday().to_sunday_zero_offset()
    }
}

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

/// The text is not a date. Says which form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilDateError;

impl fmt::Display for CivilDateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write it like `2026-12-25`, in the years 2000 to 9000")
    }
}

impl std::error::Error for CivilDateError {}

impl FromStr for CivilDate {
    type Err = CivilDateError;

    fn from_str(text: &str) -> Result<Self, CivilDateError> {
        scan(text).ok_or(CivilDateError)
    }
}

/// Reads the whole text or nothing.
fn scan(text: &str) -> Option<CivilDate> {
    let shape = |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let year = text.get(..4)?.parse().ok().filter(|year| (2000..=9000).contains(year))?;
    CivilDate::new(year, text.get(5..7)?.parse().ok()?, text.get(8..)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::christmas("2026-12-25")]
    #[case::leap_day("2028-02-29")]
    #[case::leap_day_of_a_century("2000-02-29")]
    #[case::first("2000-01-01")]
    #[case::last("9000-12-31")]
    fn reads(#[case] text: &str) {
        assert_eq!(text.parse::<CivilDate>().map(|date| date.to_string()), Ok(text.into()));
    }

    #[rstest]
    #[case::empty("")]
    #[case::short_day("2026-12-5")]
    #[case::basic_format("20261225")]
    #[case::ten_digits("2026122500")]
    #[case::slashes("2026/12/25")]
    #[case::signs("2026-+1-+1")]
    #[case::with_a_time("2026-12-25T00:00:00Z")]
    #[case::blank(" 2026-12-25")]
    #[case::month_13("2026-13-01")]
    #[case::day_0("2026-12-00")]
    #[case::no_leap_day("2026-02-29")]
    #[case::no_leap_day_in_this_century("2100-02-29")]
    #[case::year_1999("1999-12-31")]
    #[case::year_9001("9001-01-01")]
    #[case::other_digits("２０26-12-25")]
    #[case::ten_bytes_of_other_letters("éé-é-éé")]
    fn refuses(#[case] text: &str) {
        assert_eq!(text.parse::<CivilDate>(), Err(CivilDateError));
    }

    #[rstest]
    #[case::first("2000-01-01T00:00:00Z", "2000-01-01")]
    #[case::last_second_of_a_day("2026-12-25T23:59:59Z", "2026-12-25")]
    #[case::last("9000-12-31T23:59:59Z", "9000-12-31")]
    fn of_an_instant(#[case] at: &str, #[case] date: &str) {
        assert_eq!(CivilDate::from_instant(at.parse().unwrap()).to_string(), date);
    }
}
