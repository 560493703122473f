//! The two admission decisions, of an `AutoscalerOverride` and of a write to an HPA, and their entries in the audit log.

pub mod admit;
pub mod audit;
pub mod review;
