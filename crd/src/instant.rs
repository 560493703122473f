//! Instants: whole seconds in UTC, and the only text form accepted for them.
//!
//! The form is stricter than RFC 3339 and than any library's parser, so that every binding reads the same; hence the
//! scanner is our own. The calendar is jiff's.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Date, tz::Offset};
use serde::{Deserialize, Serialize};

/// A moment in whole seconds, UTC, within the years 2000 to 9000.
///
/// Text: `YYYY-MM-DDTHH:MM:SS`, an optional fraction of 1 to 9 digits (cut off), then `Z` or `±HH:MM`. Nothing else
/// that RFC 3339 allows: no lower case, no second 60. Written back as `…Z` without a fraction.
///
/// ```
/// use hpa_override_crd::Instant;
///
/// let instant: Instant = "2026-11-27T07:00:00.9+01:00".parse().unwrap();
/// assert_eq!(instant.to_string(), "2026-11-27T06:00:00Z");
/// assert!("2026-11-27T06Z".parse::<Instant>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Instant(i64);

impl Instant {
    /// 2000-01-01T00:00:00Z.
    pub const MIN: Self = Self(946_684_800);
    /// 9000-12-31T23:59:59Z.
    pub const MAX: Self = Self(221_876_927_999);

    /// The instant that many seconds after 1970-01-01T00:00:00Z, kept within [`Self::MIN`] and [`Self::MAX`].
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_unix(self) -> i64 {
        self.0
    }

    /// This instant moved by whole seconds (either way), kept within [`Self::MIN`] and [`Self::MAX`].
    #[must_use]
    pub fn saturating_add(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this instant; negative when `earlier` is the later one.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = Timestamp::from_second(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        let at = Offset::UTC.to_datetime(timestamp);
        write!(f, "{:04}-{:02}-{:02}T", at.year(), at.month(), at.day())?;
        write!(f, "{:02}:{:02}:{:02}Z", at.hour(), at.minute(), at.second())
    }
}

/// The text is not an instant. The message names the accepted forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstantError;

impl fmt::Display for InstantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write it like `2026-11-27T06:00:00Z` or `2026-11-27T07:00:00+01:00`, in the years 2000 to 9000")
    }
}

impl std::error::Error for InstantError {}

impl FromStr for Instant {
    type Err = InstantError;

    fn from_str(text: &str) -> Result<Self, InstantError> {
        scan(text.as_bytes()).ok_or(InstantError)
    }
}

impl TryFrom<String> for Instant {
    type Error = InstantError;

    fn try_from(text: String) -> Result<Self, InstantError> {
        text.parse()
    }
}

impl From<Instant> for String {
    fn from(instant: Instant) -> Self {
        instant.to_string()
    }
}

/// Reads the whole text or nothing.
fn scan(text: &[u8]) -> Option<Instant> {
    let (year, rest) = number(text, 4)?;
    let (month, rest) = number(literal(rest, b'-')?, 2)?;
    let (day, rest) = number(literal(rest, b'-')?, 2)?;
    let (hour, rest) = number(literal(rest, b'T')?, 2)?;
    let (minute, rest) = number(literal(rest, b':')?, 2)?;
    let (second, rest) = number(literal(rest, b':')?, 2)?;
    let offset = offset(fraction(rest)?)?;
    if !(2000..=9000).contains(&year) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_second();
    let seconds = midnight + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second) - offset;
    let instant = Instant::from_unix(seconds);
    (instant.0 == seconds).then_some(instant)
}

/// `width` digits as a number, and what follows them.
fn number(text: &[u8], width: usize) -> Option<(i16, &[u8])> {
    let (digits, rest) = text.split_at_checked(width)?;
    let value =
        digits.iter().try_fold(0_i16, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i16::from(byte - b'0')))?;
    Some((value, rest))
}

fn literal(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.split_first().filter(|(first, _)| **first == byte).map(|(_, rest)| rest)
}

/// Skips `.` and 1 to 9 digits where they are.
fn fraction(text: &[u8]) -> Option<&[u8]> {
    let Some(digits) = literal(text, b'.') else { return Some(text) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=9).contains(&count).then(|| digits.split_at(count).1)
}

/// `Z` or `±HH:MM` and nothing after it, as seconds east of UTC.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, text) = match text.split_first()? {
        (b'Z', []) => return Some(0),
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = number(text, 2)?;
    let (minutes, rest) = number(literal(rest, b':')?, 2)?;
    let in_range = rest.is_empty() && hours <= 23 && minutes <= 59;
    in_range.then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Instant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": 64 })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::utc("2026-11-27T06:00:00Z", "2026-11-27T06:00:00Z")]
    #[case::east("2026-11-27T06:00:00+01:00", "2026-11-27T05:00:00Z")]
    #[case::west("2026-11-27T23:30:00-05:30", "2026-11-28T05:00:00Z")]
    #[case::fraction_is_cut_not_rounded("2026-11-27T06:00:00.999999999Z", "2026-11-27T06:00:00Z")]
    #[case::leap_day("2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z")]
    #[case::first("2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z")]
    #[case::last("9000-12-31T23:59:59Z", "9000-12-31T23:59:59Z")]
    #[case::negative_zero_offset("2026-11-27T06:00:00-00:00", "2026-11-27T06:00:00Z")]
    fn reads(#[case] text: &str, #[case] written: &str) {
        assert_eq!(text.parse::<Instant>().map(|instant| instant.to_string()), Ok(written.into()));
    }

    #[rstest]
    #[case::empty("")]
    #[case::date_only("2026-11-27")]
    #[case::hour_only("2026-11-27T06Z")]
    #[case::no_seconds("2026-11-27T06:00Z")]
    #[case::basic_format("20261127T060000Z")]
    #[case::lower_case_t("2026-11-27t06:00:00Z")]
    #[case::lower_case_z("2026-11-27T06:00:00z")]
    #[case::space("2026-11-27 06:00:00Z")]
    #[case::no_zone("2026-11-27T06:00:00")]
    #[case::hour_offset("2026-11-27T06:00:00+01")]
    #[case::bare_offset("2026-11-27T06:00:00+0100")]
    #[case::offset_beyond_a_day("2026-11-27T06:00:00+24:00")]
    #[case::offset_minutes("2026-11-27T06:00:00+01:60")]
    #[case::zone_suffix("2026-11-27T06:00:00+01:00[Europe/Rome]")]
    #[case::second_60("2026-12-31T23:59:60Z")]
    #[case::hour_24("2026-11-27T24:00:00Z")]
    #[case::month_13("2026-13-01T00:00:00Z")]
    #[case::day_0("2026-11-00T00:00:00Z")]
    #[case::no_leap_day("2026-02-29T00:00:00Z")]
    #[case::empty_fraction("2026-11-27T06:00:00.Z")]
    #[case::ten_digits("2026-11-27T06:00:00.1234567890Z")]
    #[case::comma("2026-11-27T06:00:00,5Z")]
    #[case::year_1999("1999-12-31T23:59:59Z")]
    #[case::year_9001("9001-01-01T00:00:00Z")]
    #[case::offset_leaves_the_first_year("2000-01-01T00:00:00+01:00")]
    #[case::five_digit_year("+12026-11-27T06:00:00Z")]
    #[case::trailing_blank("2026-11-27T06:00:00Z ")]
    #[case::other_digits("２０２６-11-27T06:00:00Z")]
    fn refuses(#[case] text: &str) {
        assert_eq!(text.parse::<Instant>(), Err(InstantError));
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Instant::MAX.saturating_add(1), Instant::MAX);
        assert_eq!(Instant::MIN.saturating_add(i64::MIN), Instant::MIN);
        assert_eq!(Instant::from_unix(0), Instant::MIN);
    }
}
