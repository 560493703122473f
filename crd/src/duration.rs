//! Durations: whole seconds, in Go's style with days.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A length of time in whole seconds, from one second to 36500 days.
///
/// Text: whole numbers with the units `d` (24 hours), `h`, `m`, `s`, each at most once and in that order; the sum
/// counts. Written back in the canonical form of the same grammar.
///
/// ```
/// use hpa_override_crd::Duration;
///
/// let duration: Duration = "90m".parse().unwrap();
/// assert_eq!((duration.as_secs(), duration.to_string()), (5400, "1h30m".into()));
/// assert!("1.5h".parse::<Duration>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration(i64);

const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl Duration {
    /// The longest duration: 36500 days.
    pub const MAX: Self = Self(36_500 * 86_400);
    /// 24 hours.
    pub const DAY: Self = Self(86_400);

    /// Its length in seconds, always positive.
    #[must_use]
    pub fn as_secs(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        for (unit, seconds) in UNITS {
            if left >= seconds {
                write!(f, "{}{unit}", left / seconds)?;
                left %= seconds;
            }
        }
        Ok(())
    }
}

/// The text is not a duration. The message names the accepted form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationError;

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "write it like `90m` or `1d12h`: whole numbers with d, h, m, s in that order, above zero and at most 36500d",
        )
    }
}

impl std::error::Error for DurationError {}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        scan(text).filter(|seconds| (1..=Self::MAX.0).contains(seconds)).map(Self).ok_or(DurationError)
    }
}

/// The sum in seconds; numbers too large to hold count as the largest.
fn scan(mut text: &str) -> Option<i64> {
    let mut sum = 0_i64;
    let mut units = UNITS.iter();
    while !text.is_empty() {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at_checked(digits).filter(|(number, _)| !number.is_empty())?;
        let unit = rest.chars().next()?;
        let (_, seconds) = units.find(|(name, _)| *name == unit)?;
        sum = sum.saturating_add(number.parse().unwrap_or(i64::MAX).saturating_mul(*seconds));
        text = rest.split_at_checked(unit.len_utf8())?.1;
    }
    Some(sum)
}

impl TryFrom<String> for Duration {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, DurationError> {
        text.parse()
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> Self {
        duration.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::hours("8h", 28_800, "8h")]
    #[case::carries("90m", 5_400, "1h30m")]
    #[case::mixed("1d12h", 129_600, "1d12h")]
    #[case::all("1d1h1m1s", 90_061, "1d1h1m1s")]
    #[case::the_sum_counts("0h30m", 1_800, "30m")]
    #[case::leading_zero("08h", 28_800, "8h")]
    #[case::longest("36500d", 3_153_600_000, "36500d")]
    fn reads(#[case] text: &str, #[case] seconds: i64, #[case] written: &str) {
        let duration: Duration = text.parse().unwrap();
        assert_eq!((duration.as_secs(), duration.to_string().as_str()), (seconds, written));
    }

    #[rstest]
    #[case::empty("")]
    #[case::zero("0s")]
    #[case::no_unit("30")]
    #[case::no_number("h")]
    #[case::fraction("1.5h")]
    #[case::sign("-1h")]
    #[case::plus("+1h")]
    #[case::rising_order("30m1h")]
    #[case::twice("1h1h")]
    #[case::blank("1h 30m")]
    #[case::upper_case("1H")]
    #[case::weeks("1w")]
    #[case::milliseconds("100ms")]
    #[case::too_long("36500d1s")]
    #[case::beyond_integers("99999999999999999999d")]
    #[case::other_letters("1é")]
    fn refuses(#[case] text: &str) {
        assert_eq!(text.parse::<Duration>(), Err(DurationError));
    }
}
