//! Layers: the overrides that are active on one HPA, as the record holds them.

use hpa_override_crd::{Amount, Duration, Instant, Mode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::value::{
    bounds::{Bound, Bounds, replicas},
    id::Id,
    json_fields::{Fields, amount, int32, is_default, mode, parsed},
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
    /// The `metadata.generation` of the spec that it was made of: a newer one is an edit, which the limits may refuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Its priority, of 32 bits.
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i64,
    /// How its amounts apply to the layers below.
    pub mode: Mode,
    /// The amount for `minReplicas`, unresolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<Amount>,
    /// The amount for `maxReplicas`, unresolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<Amount>,
    /// How many replicas ran when it first used `current` on this HPA; only where an amount uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<i32>,
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

    /// The number that it gives for a bound while the owner wants `desired` of it; none where it gives none, or the amount
    /// counts as absent.
    #[must_use]
    pub fn resolved(&self, bound: Bound, desired: Bounds) -> Option<i32> {
        self.amount(bound)?.resolve(desired.get(bound), self.current)
    }

    /// Whether it is that override's.
    #[must_use]
    pub fn is_of(&self, by: &Id, uid: &str) -> bool {
        self.by == *by && self.uid == uid
    }

    /// Parses an entry of the record's `layers`; none where it is not one, gives no amount, or uses `current` and lacks it.
    #[must_use]
    pub fn parse(value: Value) -> Option<Self> {
        let mut fields = Fields::new(value)?;
        let layer = Self {
            by: Id::parse(&fields.text("by")?)?,
            uid: fields.text("uid")?,
            generation: fields.optional("generation", Value::as_i64)?,
            priority: fields.optional("priority", int32)?.unwrap_or_default(),
            mode: mode(&fields.take("mode")?)?,
            min_replicas: fields.optional("minReplicas", amount)?,
            max_replicas: fields.optional("maxReplicas", amount)?,
            current: fields.optional("current", |value| replicas(value).filter(|running| *running >= 0))?,
            until: fields.optional("until", parsed)?,
            return_over: fields.optional("returnOver", parsed)?,
            unknown: fields.rest(),
        };
        let amounts = [layer.min_replicas, layer.max_replicas];
        let uses_current = uses_current(amounts);
        let is_whole = amounts != [None; 2] && (layer.current.is_some() || !uses_current);
        is_whole.then(|| Self { current: layer.current.filter(|_| uses_current), ..layer })
    }
}

/// Whether an amount is relative to how many replicas run.
#[must_use]
pub fn uses_current(amounts: [Option<Amount>; 2]) -> bool {
    amounts.into_iter().flatten().any(Amount::uses_current)
}
