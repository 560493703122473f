//! The meaning of an `AutoscalerOverride` that a controller needs: when it is active, which overrides apply to an HPA, what
//! is to be written there, and what the status says.
//!
//! ```text
//!   occurrences ─► timing ─► eligibility ─► supersession ─► plan_hpa ─► preview
//!                            hpa_view ──────────┘  events, patch ─┘ └─► on_target ─► target_summary ─► plan_status
//!                                                                        scale_target ─► reached, conditions ─┘
//! ```
//! Pure and total like the core: no clock, no I/O, no logging, no environment, no panic. Time zone data is embedded, the
//! same on every machine.
#![forbid(unsafe_code)]

mod adoption;
mod clamps;
mod conditions;
mod cut_bounds;
mod eligibility;
mod ending;
mod events;
mod hpa_status;
mod hpa_view;
mod occurrences;
mod on_target;
mod patch;
mod plan_hpa;
mod plan_status;
mod preview;
mod reached;
mod scale_target;
mod supersession;
mod target_summary;
mod targets;
mod timing;
mod verify;

pub use adoption::{Adoption, NotAdopted, plan_adoption};
pub use conditions::{ReachedRow, StatusRow, reached_table, status_table};
pub use eligibility::{Eligibility, MayPatchOf};
pub use ending::{Ending, Extension, NotExtended, plan_ending, plan_extension};
pub use events::{About, Event};
pub use hpa_view::HpaView;
pub use occurrences::Schedule;
pub use on_target::{OnTarget, Problem};
pub use plan_hpa::{HpaPlan, plan_hpa, plan_release};
pub use plan_status::{StatusPlan, plan_status, status_patch};
pub use preview::{Point, Preview, lowers};
pub use reached::{
    pacing::{MOST_READS_PER_SECOND, pause_between_reads, read_again_after},
    reading::{Comparison, ScaleReading},
};
pub use scale_target::{ScaleTarget, Workload};
pub use target_summary::TargetSummary;
pub use targets::{Target, targets};
pub use verify::{Altered, compare_response};
