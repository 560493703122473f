//! The settings that shape the result, as the record carries them.

use hpa_override_core::{Clamps, Directions, Limits};

/// The limits of a namespace for the records of its HPAs.
pub(crate) fn clamps(limits: &Limits) -> Clamps {
    Clamps {
        ceiling: limits.replica_ceiling,
        factor: limits.max_factor,
        up_only: limits.directions == Directions::UpOnly,
        ..Clamps::default()
    }
}
