//! A valid pair of replica bounds, and how it is parsed from an HPA. An invalid pair cannot be expressed.

use serde::Serialize;
use serde_json::Value;

/// One of the two bounds of an HPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// `minReplicas`.
    Min,
    /// `maxReplicas`.
    Max,
}

impl Bound {
    /// Both, in the order in which they are written.
    pub const BOTH: [Self; 2] = [Self::Min, Self::Max];

    /// The field's name in `spec` of an HPA, of an override, and in the record.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Min => "minReplicas",
            Self::Max => "maxReplicas",
        }
    }

    /// The number that `spec` of an HPA has for it, valid beside the other or not; none where it has none.
    #[must_use]
    pub fn in_spec(self, hpa: &Value) -> Option<i32> {
        replicas(hpa.get("spec")?.get(self.field())?)
    }
}

/// A pair with 0 ≤ min ≤ max and 1 ≤ max: what the API server accepts of an HPA.
///
/// ```
/// use hpa_override_core::Bounds;
///
/// assert!(Bounds::new(2, 5).is_some());
/// assert!(Bounds::new(6, 5).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    min_replicas: i32,
    max_replicas: i32,
}

impl Bounds {
    /// The pair, where it is valid.
    #[must_use]
    pub fn new(min: i32, max: i32) -> Option<Self> {
        (0 <= min && min <= max && 1 <= max).then_some(Self { min_replicas: min, max_replicas: max })
    }

    /// Reads `minReplicas` (absent: 1, as the API server defaults it) and `maxReplicas` of an object that holds both.
    #[must_use]
    pub fn parse(holder: &Value) -> Option<Self> {
        let min = match holder.get(Bound::Min.field()) {
            None | Some(Value::Null) => 1,
            Some(value) => replicas(value)?,
        };
        Self::new(min, replicas(holder.get(Bound::Max.field())?)?)
    }

    /// The bounds in `spec` of an HPA; none where the API server would refuse them.
    #[must_use]
    pub fn from_hpa(hpa: &Value) -> Option<Self> {
        Self::parse(hpa.get("spec")?)
    }

    /// One of the two numbers.
    #[must_use]
    pub fn get(self, bound: Bound) -> i32 {
        match bound {
            Bound::Min => self.min_replicas,
            Bound::Max => self.max_replicas,
        }
    }

    /// Whether either bound is lower than in `before`.
    #[must_use]
    pub fn lowers(self, before: Self) -> bool {
        self.min_replicas < before.min_replicas || self.max_replicas < before.max_replicas
    }

    /// The pair with one bound replaced; where that leaves min > max, the other follows. A number below what
    /// its bound can be counts as the lowest that it can be.
    #[must_use]
    pub fn with(self, bound: Bound, number: i32) -> Self {
        match bound {
            Bound::Min => {
                let min = number.max(0);
                Self { min_replicas: min, max_replicas: self.max_replicas.max(min) }
            }
            Bound::Max => {
                let max = number.max(1);
                Self { min_replicas: self.min_replicas.min(max), max_replicas: max }
            }
        }
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.min_replicas, self.max_replicas)
    }
}

/// A replica count as JSON writes it: an integer that fits int32.
#[must_use]
pub fn replicas(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|number| i32::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::as_written(json!({"minReplicas": 2, "maxReplicas": 5}), Bounds::new(2, 5))]
    #[case::min_defaults_to_1(json!({"maxReplicas": 5}), Bounds::new(1, 5))]
    #[case::scale_to_zero(json!({"minReplicas": 0, "maxReplicas": 5}), Bounds::new(0, 5))]
    #[case::min_above_max(json!({"minReplicas": 6, "maxReplicas": 5}), None)]
    #[case::max_zero(json!({"minReplicas": 0, "maxReplicas": 0}), None)]
    #[case::no_max(json!({"minReplicas": 2}), None)]
    #[case::text(json!({"minReplicas": "2", "maxReplicas": 5}), None)]
    #[case::fraction(json!({"minReplicas": 2.0, "maxReplicas": 5}), None)]
    #[case::beyond_int32(json!({"maxReplicas": 2_147_483_648_u32}), None)]
    fn read(#[case] spec: Value, #[case] bounds: Option<Bounds>) {
        assert_eq!(Bounds::from_hpa(&json!({"spec": spec})), bounds);
    }

    #[rstest]
    #[case::min_pulls_max(Bound::Min, 7, Bounds::new(7, 7))]
    #[case::max_pulls_min(Bound::Max, 1, Bounds::new(1, 1))]
    #[case::inside(Bound::Max, 9, Bounds::new(2, 9))]
    #[case::zero_max(Bound::Max, 0, Bounds::new(1, 1))]
    fn the_number_given_wins(#[case] bound: Bound, #[case] number: i32, #[case] expected: Option<Bounds>) {
        assert_eq!(Bounds::new(2, 5).map(|bounds| bounds.with(bound, number)), expected);
    }
}
