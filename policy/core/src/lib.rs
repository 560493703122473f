//! The meaning of an `AutoscalerOverride`: merge, validate, plan. One brain for every door.
//!
//! ```text
//!   admission   review_override ── may this override exist?      admit_hpa ── does this write keep the override?
//!   controller  plan_hpa ── what is to be written to the HPA?    plan_status ── what is to be told?
//!                                      │
//!                                    record ── the HPA's own memory, written with the bounds
//! ```
//! Pure and total: no clock, no I/O, no logging, no panic. `now` and the cluster are arguments.
#![forbid(unsafe_code)]

mod admit;
mod amount;
mod answer;
mod bounds;
mod event;
mod fields;
mod id;
pub mod json;
mod judge;
mod layer;
mod limits;
mod object;
mod ownership;
mod plan;
mod rebase;
mod record;
mod report;
mod request;
mod resolve;
mod review;
pub mod schedule;
mod settings;
mod spec;
mod standings;
mod status;
mod window;

pub use hpa_override_crd::{
    AutoscalerOverrideStatus, Duration, GROUP, Instant, KIND, PLURAL, Phase, RECORD_ANNOTATION, RELEASE_ANNOTATION,
    REQUESTED_BY_ANNOTATION, Reason, VERSION,
};

pub use admit::{Admission, GRACE, admit_hpa};
pub use amount::Amount;
pub use answer::altered;
pub use bounds::{Bound, Bounds};
pub use event::{About, Event};
pub use id::Id;
pub use judge::Standing;
pub use layer::{Layer, MOST_LAYERS, Mode};
pub use ownership::{MANAGER, Owner};
pub use plan::{HpaPlan, plan_hpa};
pub use record::{Ours, Record, Unreadable};
pub use report::{Code, Finding, Report, joined};
pub use request::Request;
pub use resolve::{composed, superseded_by};
pub use review::{Review, review_override};
pub use settings::{DefaultEnd, Settings};
pub use spec::Override;
pub use status::{StatusPlan, TargetView, Trouble, plan_status, status_patch};
