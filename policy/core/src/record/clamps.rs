//! Limits that shape the result. The record carries them, so that admission needs no second copy of the settings.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::value::{
    bounds::{Bound, Bounds, replicas},
    json_fields::Fields,
};

/// What clamps the composed bounds, per bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Clamps {
    /// No bound goes above this, unless the owner wants it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<i32>,
    /// No bound goes above that many times the max that the owner wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<i32>,
    /// No bound goes below what the owner wants.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub up_only: bool,
    /// Keys that this version does not know, kept as they came.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Clamps {
    /// Whether there is no limit and no unknown key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The bounds within the limits: first never below, then never above the factor, then never above the ceiling. They stay
    /// a valid pair, since each limit treats both bounds alike and the owner's pair is valid; and no limit lowers a bound
    /// below what the owner wants.
    #[must_use]
    pub fn clamp(&self, desired: Bounds, bounds: Bounds) -> Bounds {
        let clamp = |bound| {
            let number = bounds.get(bound);
            let raised = if self.up_only { number.max(desired.get(bound)) } else { number };
            self.highest(desired, bound).map_or(raised, |highest| raised.min(highest))
        };
        bounds.with(Bound::Max, clamp(Bound::Max)).with(Bound::Min, clamp(Bound::Min))
    }

    /// The highest that a bound may be while the owner wants `desired`; none without a limit. At least what the owner wants
    /// of it.
    #[must_use]
    pub fn highest(&self, desired: Bounds, bound: Bound) -> Option<i32> {
        let by_ceiling = self.ceiling.map(|ceiling| ceiling.max(desired.get(bound)));
        self.highest_by_factor(desired).into_iter().chain(by_ceiling).min()
    }

    /// The highest that either bound may be by the factor alone; beyond int32 it is the highest that an HPA can have.
    #[must_use]
    pub fn highest_by_factor(&self, desired: Bounds) -> Option<i32> {
        self.factor.map(|factor| desired.get(Bound::Max).saturating_mul(factor))
    }

    /// Parses the record's `limits`.
    #[must_use]
    pub fn parse(value: &Value) -> Option<Self> {
        let mut fields = Fields::new(value.clone())?;
        let positive = |value: &Value| replicas(value).filter(|number| *number >= 1);
        Some(Self {
            ceiling: fields.optional("ceiling", positive)?,
            factor: fields.optional("factor", positive)?,
            up_only: fields.optional("upOnly", Value::as_bool)?.unwrap_or_default(),
            unknown: fields.rest(),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::a_factor_for_both_by_the_owners_max(json!({"factor": 4}), (40, 60), (20, 20))]
    #[case::factor_of_one(json!({"factor": 1}), (40, 60), (5, 5))]
    #[case::below_the_factor(json!({"factor": 4}), (1, 19), (1, 19))]
    #[case::beyond_int32(json!({"factor": i32::MAX}), (40, i32::MAX), (40, i32::MAX))]
    #[case::the_ceiling_is_lower(json!({"factor": 4, "ceiling": 8}), (40, 60), (8, 8))]
    #[case::the_factor_is_lower(json!({"factor": 4, "ceiling": 30}), (40, 60), (20, 20))]
    #[case::a_ceiling_below_the_owner(json!({"factor": 4, "ceiling": 1}), (40, 60), (2, 5))]
    #[case::up_only_with_the_lowest_factor(json!({"factor": 1, "upOnly": true}), (1, 1), (2, 5))]
    #[case::all(json!({"ceiling": 15, "factor": 4, "upOnly": true}), (1, 40), (2, 15))]
    fn clamping(#[case] limits: Value, #[case] given: (i32, i32), #[case] expected: (i32, i32)) {
        let bounds = |(min, max)| Bounds::new(min, max).unwrap();
        assert_eq!(Clamps::parse(&limits).unwrap().clamp(bounds((2, 5)), bounds(given)), bounds(expected));
    }

    #[test]
    fn keys_have_one_order_and_unknown_ones_follow() {
        let text = r#"{"ceiling":500,"factor":10,"upOnly":true,"later":1}"#;
        let limits = Clamps::parse(&serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!((limits.ceiling, limits.factor, limits.up_only), (Some(500), Some(10), true));
        assert_eq!(serde_json::to_string(&limits).unwrap(), text);
    }

    #[rstest]
    #[case::zero(json!({"factor": 0}))]
    #[case::negative(json!({"factor": -1}))]
    #[case::fraction(json!({"factor": 1.5}))]
    #[case::beyond_int32(json!({"factor": 2_147_483_648_u32}))]
    #[case::text(json!({"factor": "10"}))]
    fn impossible(#[case] limits: Value) {
        assert_eq!(Clamps::parse(&limits), None);
    }
}
