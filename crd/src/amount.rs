//! Amounts: the replica numbers of an override, absolute or relative to what the owner wants.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What an override gives for a bound: `40`, `"40"`, `"150%"`, `"desired+5"` or `"desired-5"`, each number from 1 to
/// 2147483647 without leading zeros.
///
/// There is no `+5`: unquoted YAML reads it as 5.
///
/// ```
/// use hpa_override_crd::Amount;
///
/// let amount: Amount = "150%".parse().unwrap();
/// assert_eq!(amount.resolve(5), 8);
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
}

impl Amount {
    /// The number of replicas while the owner wants `desired`: exact, rounded up, never below 1 nor beyond int32.
    #[must_use]
    pub fn resolve(self, desired: i32) -> i32 {
        let desired = i64::from(desired);
        let exact = match self {
            Self::Literal(number) => i64::from(number),
            Self::Percent(percent) => (desired * i64::from(percent) + 99).div_euclid(100),
            Self::More(more) => desired + i64::from(more),
            Self::Fewer(fewer) => desired - i64::from(fewer),
        };
        i32::try_from(exact.max(1)).unwrap_or(i32::MAX)
    }

    /// A whole number as an amount.
    ///
    /// # Errors
    /// [`AmountError`] where it is not from 1 to 2147483647.
    pub fn from_number(number: i64) -> Result<Self, AmountError> {
        i32::try_from(number).ok().filter(|number| *number >= 1).map(Self::Literal).ok_or(AmountError)
    }
}

/// The text is not an amount. The message names the accepted forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountError;

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "write a whole number from 1 to 2147483647, or one relative to what the owner wants, like `150%`, \
             `desired+5` or `desired-5`",
        )
    }
}

impl std::error::Error for AmountError {}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (make, digits): (fn(i32) -> Self, &str) = if let Some(digits) = text.strip_suffix('%') {
            (Self::Percent, digits)
        } else if let Some(digits) = text.strip_prefix("desired+") {
            (Self::More, digits)
        } else if let Some(digits) = text.strip_prefix("desired-") {
            (Self::Fewer, digits)
        } else {
            (Self::Literal, text)
        };
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

/// An integer or a string, as Kubernetes writes it.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "x-kubernetes-int-or-string": true,
            "minimum": 1, "maximum": i32::MAX, "maxLength": 32, "pattern": crate::schema::AMOUNT,
            "x-kubernetes-validations": crate::schema::of_amount(),
        })
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
        assert_eq!(amount.resolve(desired), replicas);
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
