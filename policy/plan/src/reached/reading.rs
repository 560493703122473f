//! What was read of a scale target, and how it compares with the effective bounds.

use std::cmp::Ordering;

use hpa_override_core::{Bound, Bounds};

/// What was read of a scale target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScaleReading {
    /// Its replicas.
    Replicas {
        /// How many there are.
        replicas: i64,
        /// How many of them are ready; none where only the subresource `scale` could be read, which does not say.
        ready: Option<i64>,
    },
    /// There is no such object, or it cannot be scaled.
    NotFound,
    /// It cannot be read: why, mostly in the words of the API server.
    Unreadable(String),
}

/// A reading beside the bounds that it is to be within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Within them.
    Within,
    /// So many replicas are missing.
    Missing(i64),
    /// There are so many replicas too many.
    Above(i64),
    /// Nothing could be read.
    Unreadable,
}

impl ScaleReading {
    /// Compares it with the effective bounds: as many ready replicas as the lower one, no more replicas than the upper one.
    /// Where it is not known how many are ready, all count as ready.
    #[must_use]
    pub fn compared(&self, bounds: Bounds) -> Comparison {
        let Self::Replicas { replicas, ready } = self else { return Comparison::Unreadable };
        let (min, max) = (i64::from(bounds.get(Bound::Min)), i64::from(bounds.get(Bound::Max)));
        let missing = min.saturating_sub(ready.unwrap_or(*replicas));
        let above = replicas.saturating_sub(max);
        match (missing.cmp(&0), above.cmp(&0)) {
            (Ordering::Greater, _) => Comparison::Missing(missing),
            (_, Ordering::Greater) => Comparison::Above(above),
            _ => Comparison::Within,
        }
    }
}
