//! Amounts: the replica numbers of an override, absolute, or relative to what the owner wants or to what runs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What an override gives for a bound: `40`, `"40"`, relative to what the owner wants (`"150%"`, `"desired+5"`, `"desired-5"`),
/// or to how many replicas run when the override becomes active (`"current"`, `"current+5"`, `"current-5"`, `"current+50%"`,
/// `"current-50%"`); each number from 1 to 2147483647 without leading zeros.
///
/// There is no `+5`: unquoted YAML reads it as 5.
///
/// ```
/// use hpa_override_crd::Amount;
///
/// let amount: Amount = "150%".parse().unwrap();
/// assert_eq!(amount.resolve(5, None), Some(8));
/// let amount: Amount = "current+50%".parse().unwrap();
/// assert_eq!(amount.resolve(5, Some(21)), Some(32));
/// assert!("+5".parse::<Amount>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub enum Amount {
    /// That many.
    Literal(i32),
    /// That percentage of what the owner wants, rounded up.
    Percent(i32),
    /// That many more than the owner wants.
    More(i32),
    /// That many fewer than the owner wants.
    Fewer(i32),
    /// As many as run.
    Current,
    /// That many more than run.
    CurrentMore(i32),
    /// That many fewer than run.
    CurrentFewer(i32),
    /// As many as run and that percentage of them more, rounded up.
    CurrentMorePercent(i32),
    /// As many as run and that percentage of them fewer, rounded up.
    CurrentFewerPercent(i32),
}

impl Amount {
    /// The number of replicas while the owner wants `desired`, and `current` ran when the override became active: exact,
    /// rounded up, never below 1 nor beyond int32. None where it counts as absent: a form of `current` of 0 replicas, or
    /// where `current` is not known.
    #[must_use]
    pub fn resolve(self, desired: i32, current: Option<i32>) -> Option<i32> {
        let base = if self.uses_current() { current.filter(|running| *running > 0)? } else { desired };
        let base = i64::from(base);
        let exact = match self {
            Self::Literal(number) => i64::from(number),
            Self::Percent(percent) => percentage(base, i64::from(percent)),
            Self::More(more) | Self::CurrentMore(more) => base + i64::from(more),
            Self::Fewer(fewer) | Self::CurrentFewer(fewer) => base - i64::from(fewer),
            Self::Current => base,
            Self::CurrentMorePercent(more) => percentage(base, 100 + i64::from(more)),
            Self::CurrentFewerPercent(fewer) => percentage(base, 100 - i64::from(fewer)),
        };
        Some(i32::try_from(exact.max(1)).unwrap_or(i32::MAX))
    }

    /// Whether it is relative to how many replicas run.
    #[must_use]
    pub fn uses_current(self) -> bool {
        match self {
            Self::Literal(_) | Self::Percent(_) | Self::More(_) | Self::Fewer(_) => false,
            Self::Current
            | Self::CurrentMore(_)
            | Self::CurrentFewer(_)
            | Self::CurrentMorePercent(_)
            | Self::CurrentFewerPercent(_) => true,
        }
    }

    /// A whole number as an amount.
    ///
    /// # Errors
    /// [`AmountError`] where it is not from 1 to 2147483647.
    pub fn from_number(number: i64) -> Result<Self, AmountError> {
        i32::try_from(number).ok().filter(|number| *number >= 1).map(Self::Literal).ok_or(AmountError)
    }
}

/// Makes an amount of its number.
type Make = fn(i32) -> Amount;

/// What stands before and after the number of a relative amount. The first that fits decides.
const FORMS: [(&str, &str, Make); 7] = [
    ("current+", "%", Amount::CurrentMorePercent),
    ("current-", "%", Amount::CurrentFewerPercent),
    ("current+", "", Amount::CurrentMore),
    ("current-", "", Amount::CurrentFewer),
    ("desired+", "", Amount::More),
    ("desired-", "", Amount::Fewer),
    ("", "%", Amount::Percent),
];

/// Rounded up. Of numbers of 32 bits: far from the limits of 64 bits.
fn percentage(base: i64, percent: i64) -> i64 {
    (base * percent + 99).div_euclid(100)
}

/// The text is not an amount. The message names the accepted forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountError;

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "write a whole number from 1 to 2147483647, or one relative to what the owner wants (`150%`, `desired+5`, \
             `desired-5`) or to what runs (`current`, `current+5`, `current-50%`)",
        )
    }
}

impl std::error::Error for AmountError {}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        if text == "current" {
            return Ok(Self::Current);
        }
        let (make, digits) = FORMS
            .into_iter()
            .find_map(|(before, after, make)| Some((make, text.strip_prefix(before)?.strip_suffix(after)?)))
            .unwrap_or((Self::Literal, text));
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.starts_with('0') {
            return Err(AmountError);
        }
        digits.parse().map(make).map_err(|_| AmountError)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::More(more) => write!(f, "desired+{more}"),
            Self::Fewer(fewer) => write!(f, "desired-{fewer}"),
            Self::Current => write!(f, "current"),
            Self::CurrentMore(more) => write!(f, "current+{more}"),
            Self::CurrentFewer(fewer) => write!(f, "current-{fewer}"),
            Self::CurrentMorePercent(more) => write!(f, "current+{more}%"),
            Self::CurrentFewerPercent(fewer) => write!(f, "current-{fewer}%"),
        }
    }
}

/// Canonical: a literal is a number, everything else text.
impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Literal(number) => serializer.serialize_i32(*number),
            relative => serializer.collect_str(relative),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(i64),
    Text(String),
}

impl TryFrom<NumberOrText> for Amount {
    type Error = AmountError;

    fn try_from(given: NumberOrText) -> Result<Self, AmountError> {
        match given {
            NumberOrText::Number(number) => Self::from_number(number),
            NumberOrText::Text(text) => text.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::literal("40", 2, 40)]
    #[case::largest("2147483647", 2, i32::MAX)]
    #[case::exact("150%", 4, 6)]
    #[case::rounded_up("150%", 5, 8)]
    #[case::one_hundredth("1%", 5, 1)]
    #[case::exactly_one("50%", 2, 1)]
    #[case::of_zero("150%", 0, 1)]
    #[case::percent_beyond("200%", i32::MAX, i32::MAX)]
    #[case::most_percent("2147483647%", i32::MAX, i32::MAX)]
    #[case::more("desired+5", 2, 7)]
    #[case::more_beyond("desired+2147483647", 5, i32::MAX)]
    #[case::fewer("desired-5", 7, 2)]
    #[case::not_below_1("desired-5", 5, 1)]
    #[case::far_below("desired-2147483647", 0, 1)]
    fn resolves(#[case] text: &str, #[case] desired: i32, #[case] replicas: i32) {
        let amount: Amount = text.parse().unwrap();
        assert_eq!(amount.resolve(desired, Some(3)), Some(replicas));
        assert_eq!(amount.to_string(), text);
    }

    #[rstest]
    #[case::hold("current", Some(7), Some(7))]
    #[case::more("current+5", Some(7), Some(12))]
    #[case::more_beyond("current+2147483647", Some(1), Some(i32::MAX))]
    #[case::fewer("current-5", Some(7), Some(2))]
    #[case::not_below_1("current-7", Some(7), Some(1))]
    #[case::half_as_much_again("current+50%", Some(21), Some(32))]
    #[case::doubled("current+100%", Some(21), Some(42))]
    #[case::most_percent("current+2147483647%", Some(i32::MAX), Some(i32::MAX))]
    #[case::a_third_fewer("current-33%", Some(10), Some(7))]
    #[case::nothing_left("current-100%", Some(10), Some(1))]
    #[case::less_than_nothing("current-2147483647%", Some(i32::MAX), Some(1))]
    #[case::none_run("current+5", Some(0), None)]
    #[case::not_known("current", None, None)]
    fn resolves_what_runs(#[case] text: &str, #[case] current: Option<i32>, #[case] replicas: Option<i32>) {
        let amount: Amount = text.parse().unwrap();
        assert_eq!(amount.resolve(1_000, current), replicas);
        assert_eq!(amount.to_string(), text);
    }

    #[rstest]
    fn refuses(
        #[values(
            "",
            "0",
            "007",
            "-5",
            "+5",
            "2147483648",
            "5.0",
            " 5",
            "5 ",
            "five",
            "%",
            "0%",
            "1.5%",
            "150 %",
            "-5%",
            "050%",
            "150%%",
            "desired",
            "desired+",
            "desired+0",
            "desired+05",
            "desired +5",
            "desired+ 5",
            "desired+5%",
            "desired*2",
            "Desired+5",
            "desired+-5",
            "desired+2147483648",
            "Current",
            "current ",
            "current+",
            "current+0",
            "current+0%",
            "current+05",
            "current +5",
            "current+5%%",
            "current%",
            "current5",
            "current--5",
            "current+2147483648%",
            "current*2",
            "٣"
        )]
        text: &str,
    ) {
        assert_eq!(text.parse::<Amount>(), Err(AmountError));
    }

    #[rstest]
    #[case::number("40", "40")]
    #[case::text(r#""40""#, "40")]
    #[case::relative(r#""desired+5""#, r#""desired+5""#)]
    fn json_is_canonical(#[case] json: &str, #[case] written: &str) {
        let amount: Amount = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&amount).unwrap(), written);
    }

    #[rstest]
    fn json_refuses(#[values("0", "-1", "2147483648", "5.0", "true", "null", "[]", r#""0""#)] json: &str) {
        assert!(serde_json::from_str::<Amount>(json).is_err());
    }
}
