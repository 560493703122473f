//! The two admission decisions, of an `AutoscalerOverride` and of a write to an HPA, their entries in the audit log, and the
//! answer to a call of admission, whoever makes it.

pub mod admit;
pub mod audit;
pub mod call;
pub mod review;
pub mod verdict;
