//! The `AutoscalerOverride` API: what users write and read.
//!
//! Types, text forms and the generated CustomResourceDefinition, nothing else: what an override *means* is decided in
//! `hpa-override-core`. Without features this crate builds for the admission module; feature `schema` adds kube's
//! derive and the schema.
#![forbid(unsafe_code)]

mod amount;
#[cfg(feature = "schema")]
mod amount_schema;
#[cfg(feature = "schema")]
mod definition;
mod duration;
mod instant;
#[cfg(feature = "schema")]
mod schema;
pub mod sentences;
mod spec;
mod status;
mod words;

pub use amount::{Amount, AmountError};
#[cfg(feature = "schema")]
pub use definition::definition;
pub use duration::{Duration, DurationError};
pub use instant::{Instant, InstantError};
#[cfg(feature = "schema")]
pub use spec::AutoscalerOverride;
pub use spec::{AutoscalerOverrideSpec, LabelSelector, LabelSelectorRequirement, Mode, Schedule};
pub use status::{AutoscalerOverrideStatus, Condition, FailingTarget, Replicas};
pub use words::{ConditionStatus, ConditionType, Phase, Reason};

/// API group of `AutoscalerOverride`.
pub const GROUP: &str = "hpa-override.dev";
/// API version of `AutoscalerOverride`.
pub const VERSION: &str = "v1";
/// Kind of `AutoscalerOverride`.
pub const KIND: &str = "AutoscalerOverride";
/// Plural resource name of `AutoscalerOverride`.
pub const PLURAL: &str = "autoscaleroverrides";

/// Annotation on an HPA: the record, which holds the desired bounds and the active overrides while there are any.
pub const RECORD_ANNOTATION: &str = "hpa-override.dev/record";
/// Annotation on an HPA: `"true"` restores the bounds at once, the way out by hand.
pub const RELEASE_ANNOTATION: &str = "hpa-override.dev/release";
/// Annotation on an `AutoscalerOverride`: its requester, stamped by the guard policy.
pub const REQUESTED_BY_ANNOTATION: &str = "hpa-override.dev/requested-by";

/// Every annotation of ours.
pub const ANNOTATIONS: [&str; 3] = [RECORD_ANNOTATION, RELEASE_ANNOTATION, REQUESTED_BY_ANNOTATION];
