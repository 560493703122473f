//! Layers: the overrides in force on one HPA, as the record holds them.

use hpa_override_crd::Instant;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{amount::Amount, bounds::Bound, fields::Fields, id::Id};

/// The most layers that one HPA carries; overrides beyond them are refused (`TooManyOverrides`).
pub const MOST_LAYERS: usize = 32;

/// How a layer's amounts act on what is below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Mode {
    /// They replace it.
    Set,
}

/// One override in force: who, what, until when.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// The override.
    pub by: Id,
    /// Its uid: an override deleted and created again is another one.
    pub uid: String,
    /// How its amounts act.
    pub mode: Mode,
    /// What it gives for `minReplicas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<Amount>,
    /// What it gives for `maxReplicas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<Amount>,
    /// When it leaves force; absent: it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
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

    /// Whether it is still in force at `t`: its end is exclusive.
    #[must_use]
    pub fn in_force_at(&self, t: Instant) -> bool {
        self.until.is_none_or(|until| t < until)
    }

    /// Reads an entry of the record's `layers`.
    pub(crate) fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
        (fields.text("mode")? == "Set").then_some(())?;
        let layer = Self {
            by: Id::parse(&fields.text("by")?)?,
            uid: fields.text("uid")?,
            mode: Mode::Set,
            min_replicas: fields.optional("minReplicas", Amount::read)?,
            max_replicas: fields.optional("maxReplicas", Amount::read)?,
            until: fields.optional("until", |value| value.as_str()?.parse().ok())?,
            unknown: fields.rest(),
        };
        (layer.min_replicas.is_some() || layer.max_replicas.is_some()).then_some(layer)
    }
}
