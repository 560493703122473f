//! Layers: the overrides in force on one HPA, as the record holds them.

use hpa_override_crd::{Amount, Duration, Instant, Mode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    bounds::Bound,
    fields::{Fields, amount, mode, parsed},
    id::Id,
};

/// The most layers that one HPA carries; overrides beyond them are refused (`TooManyOverrides`).
pub const MOST_LAYERS: usize = 32;

/// One override in force: who, what, until when.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// The override.
    pub by: Id,
    /// Its uid: an override deleted and created again is another one.
    pub uid: String,
    /// How its amounts act on what is below it.
    pub mode: Mode,
    /// What it gives for `minReplicas`, unresolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<Amount>,
    /// What it gives for `maxReplicas`, unresolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<Amount>,
    /// When it leaves force; absent: it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// How long the bounds take to come down when it leaves force; absent: they do at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_over: Option<Duration>,
    /// Keys that this version does not know, kept as they came.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Layer {
    /// What it gives for a bound.
    #[must_use]
    pub fn amount(&self, bound: Bound) -> Option<Amount> {
        match bound {
            Bound::Min => self.min_replicas,
            Bound::Max => self.max_replicas,
        }
    }

    /// Whether both are the same override's.
    #[must_use]
    pub fn is_of(&self, by: &Id, uid: &str) -> bool {
        self.by == *by && self.uid == uid
    }

    /// Reads an entry of the record's `layers`.
    pub(crate) fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
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
