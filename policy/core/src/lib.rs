//! The meaning of an `AutoscalerOverride` that admission needs: what an override says, what the record on an HPA holds,
//! the limits of the platform team, and the two admission decisions. No time zone data, small enough for a policy module.
//!
//! ```text
//!   value ──► override_spec ──► rules ──┐
//!     │                                 ├──► admission   review_override: may this override exist?
//!     └──► hpa ──► record ──────────────┘                admit_hpa: what becomes of this write to an HPA?
//! ```
//! Pure and total: no clock, no I/O, no logging, no environment, no panic. `now` and the cluster are arguments, and equal
//! input gives equal bytes. What a controller needs beyond this is in `hpa-override-plan`.
#![forbid(unsafe_code)]

pub mod admission;
pub mod hpa;
pub mod override_spec;
pub mod record;
pub mod rules;
pub mod value;

pub use hpa_override_crd::{
    Amount, AutoscalerOverrideStatus, ConditionStatus, ConditionType, Duration, GROUP, Instant, KIND, Mode, PLURAL,
    Phase, RECORD_ANNOTATION, RELEASE_ANNOTATION, REQUESTED_BY_ANNOTATION, Reason, VERSION,
};

pub use admission::{
    admit::{Admission, GRACE, admit_hpa},
    audit::Audit,
    call::{Call, Subject, UnreadableCall},
    review::{Review, access_question, review_override},
    verdict::{Refusal, Verdict, decide, question_of},
};
pub use hpa::managed_fields::MANAGER;
pub use override_spec::{ParsedOverride, Recurrence};
pub use record::{
    Record, UnreadableRecord,
    clamps::Clamps,
    compose::{composed, superseded_by},
    gradual_return::{GradualReturn, ReturnFrom},
    layer::{Layer, MOST_LAYERS},
    owner_change::OwnerChange,
    saved_owners::SavedOwner,
    written::Written,
};
pub use rules::authorization::Question;
pub use value::{
    bounds::{Bound, Bounds},
    field::Field,
    finding::{Code, Finding, Report, joined},
    id::Id,
    request::{MayPatch, Request},
    requester::Requester,
    selector::{Labels, Selector},
    settings::{
        CrossNamespace, DefaultEnd, Directions, Setting, Settings, limits::Limits, namespace_rule::NamespaceRule,
        pattern::Pattern,
    },
};
