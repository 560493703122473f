//! What was to be done at an instant.

use hpa_override_core::Instant;

/// Something that was to be done at an instant, and is not done yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Since when.
    pub at: Instant,
    /// Whether an override ends then.
    pub is_end: bool,
}
