//! The HPA as raw JSON: annotations, and who manages which field.

pub mod managed_fields;
pub mod raw;
