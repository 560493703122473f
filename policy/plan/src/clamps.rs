//! The settings that shape the result, as the record carries them.

use hpa_override_core::{Clamps, Directions, Settings};

/// The limits of the settings for a record.
pub(crate) fn clamps(settings: &Settings) -> Clamps {
    Clamps {
        ceiling: settings.replica_ceiling,
        up_only: settings.directions == Directions::UpOnly,
        ..Clamps::default()
    }
}
