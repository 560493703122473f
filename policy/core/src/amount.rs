//! Amounts: the replica numbers that a person gives, not yet resolved.

use serde::Serialize;
use serde_json::Value;

use crate::bounds::replicas;

/// What a person gives for a bound: a whole number from 1 to 2147483647.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Amount(i32);

impl Amount {
    /// Reads an amount as it stands in a spec or a record.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        replicas(value).filter(|number| *number >= 1).map(Self)
    }

    /// The number of replicas.
    #[must_use]
    pub fn replicas(self) -> i32 {
        self.0
    }
}
