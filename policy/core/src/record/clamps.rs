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

    /// The bounds within the limits: first never below, then never above. They stay a valid pair, since each limit treats
    /// both bounds alike and the owner's pair is valid.
    #[must_use]
    pub fn clamp(&self, desired: Bounds, bounds: Bounds) -> Bounds {
        let clamp = |bound| {
            let (number, desired) = (bounds.get(bound), desired.get(bound));
            let raised = if self.up_only { number.max(desired) } else { number };
            self.highest(desired).map_or(raised, |highest| raised.min(highest))
        };
        bounds.with(Bound::Max, clamp(Bound::Max)).with(Bound::Min, clamp(Bound::Min))
    }

    /// The highest that a bound may be while the owner wants `desired` of it.
    #[must_use]
    pub fn highest(&self, desired: i32) -> Option<i32> {
        self.ceiling.map(|ceiling| ceiling.max(desired))
    }

    /// Parses the record's `limits`.
    #[must_use]
    pub fn parse(value: &Value) -> Option<Self> {
        let mut fields = Fields::new(value.clone())?;
        Some(Self {
            ceiling: fields.optional("ceiling", |value| replicas(value).filter(|ceiling| *ceiling >= 1))?,
            up_only: fields.optional("upOnly", Value::as_bool)?.unwrap_or_default(),
            unknown: fields.rest(),
        })
    }
}
