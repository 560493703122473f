//! Layers: the overrides that are active on one HPA, as the record holds them.

use hpa_override_crd::{Amount, Duration, Instant, Mode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::value::{
    bounds::Bound,
    id::Id,
    json_fields::{Fields, amount, mode, parsed},
};

/// The most layers that one HPA carries; overrides beyond them are refused (`TooManyOverrides`).
pub const MOST_LAYERS: usize = 32;

/// One active override, with what its bounds need.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// The override.
    pub by: Id,
    /// Its uid: an override deleted and created again is another one.
    pub uid: String,
    /// How its amounts apply to the layers below.
    pub mode: Mode,
    /// The amount for `minReplicas`, unresolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<Amount>,
    /// The amount for `maxReplicas`, unresolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<Amount>,
    /// The first instant at which it is no longer active; absent: it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// How long the bounds take to return when it ends; absent: they return at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_over: Option<Duration>,
    /// Keys that this version does not know, kept as they came.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Layer {
    /// The amount for a bound.
    #[must_use]
    pub fn amount(&self, bound: Bound) -> Option<Amount> {
        match bound {
            Bound::Min => self.min_replicas,
            Bound::Max => self.max_replicas,
        }
    }

    /// Whether it is that override's.
    #[must_use]
    pub fn is_of(&self, by: &Id, uid: &str) -> bool {
        self.by == *by && self.uid == uid
    }

    /// Parses an entry of the record's `layers`; none where it is not one, or gives no amount.
    #[must_use]
    pub fn parse(value: Value) -> Option<Self> {
        let mut fields = Fields::new(value)?;
        let layer = Self {
            by: Id::parse(&fields.text("by")?)?,
            uid: fields.text("uid")?,
            mode: mode(&fields.take("mode")?)?,
            min_replicas: fields.optional("minReplicas", amount)?,
            max_replicas: fields.optional("maxReplicas", amount)?,
            until: fields.optional("until", parsed)?,
            return_over: fields.optional("returnOver", parsed)?,
            unknown: fields.rest(),
        };
        (layer.min_replicas.is_some() || layer.max_replicas.is_some()).then_some(layer)
    }
}
