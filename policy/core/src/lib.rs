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
#![cfg_attr(not(feature = "zones"), allow(dead_code, reason = "what only a plan asks"))]

mod admit;
mod advance;
mod answer;
mod audit;
mod bounds;
mod clamps;
#[cfg(feature = "zones")]
mod course;
#[cfg(feature = "zones")]
mod event;
mod fields;
mod id;
#[cfg(feature = "zones")]
pub mod json;
#[cfg(feature = "zones")]
mod judge;
mod landing;
mod layer;
mod limits;
mod object;
mod ownership;
#[cfg(feature = "zones")]
mod plan;
#[cfg(feature = "zones")]
mod preview;
mod rebase;
mod record;
mod report;
mod request;
mod requester;
mod resolve;
mod review;
pub mod schedule;
mod selector;
mod settings;
mod spec;
#[cfg(feature = "zones")]
mod standings;
#[cfg(feature = "zones")]
mod status;
mod window;

pub use hpa_override_crd::{
    Amount, AutoscalerOverrideStatus, Duration, GROUP, Instant, KIND, Mode, PLURAL, Phase, RECORD_ANNOTATION,
    RELEASE_ANNOTATION, REQUESTED_BY_ANNOTATION, Reason, VERSION,
};

pub use admit::{Admission, GRACE, admit_hpa};
pub use answer::altered;
pub use audit::Audit;
pub use bounds::{Bound, Bounds};
pub use clamps::Clamps;
#[cfg(feature = "zones")]
pub use event::{About, Event};
pub use id::Id;
#[cfg(feature = "zones")]
pub use judge::Standing;
pub use landing::{Landing, Origin};
pub use layer::{Layer, MOST_LAYERS};
pub use ownership::{MANAGER, Owner};
#[cfg(feature = "zones")]
pub use plan::{HpaPlan, plan_hpa};
#[cfg(feature = "zones")]
pub use preview::{Point, Preview};
pub use record::{Ours, Record, Unreadable};
pub use report::{Code, Finding, Report, joined};
pub use request::{MayPatch, Request};
pub use requester::{Question, Requester};
pub use resolve::{composed, superseded_by};
pub use review::{Review, question, review_override};
pub use selector::Selector;
pub use settings::{CrossNamespace, DefaultEnd, Directions, Setting, Settings};
pub use spec::{Override, Recurrence};
#[cfg(feature = "zones")]
pub use status::{StatusPlan, TargetView, Trouble, plan_status, status_patch};
