//! What the schema admits and the core refuses by the spec alone: a closed list, each with why. The page
//! docs/reference/core-only.md is made from it, and `bin/agree` fails on a refusal that is not in it.

use anyhow::{Context as _, Result};
use hpa_override_core::Finding;
use serde::Deserialize;
use serde_json::{Value, json};

/// One reason for which the core refuses alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreOnly {
    /// The code of the core's finding.
    pub code: String,
    /// A part of its sentence, where only some findings of the code are meant.
    #[serde(default)]
    pub says: String,
    /// What is refused.
    pub what: String,
    /// Why the schema does not say it.
    pub why: String,
    /// A spec that is refused for this reason alone.
    pub example: Value,
}

impl CoreOnly {
    /// The list.
    pub fn all() -> Result<Vec<Self>> {
        serde_saphyr::from_str(include_str!("core_only.yaml")).context("failed to read core_only.yaml")
    }

    /// Whether this is the reason of a finding.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        json!(finding.code) == self.code && finding.message.contains(&self.says)
    }
}
