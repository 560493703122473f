//! The Kubewarden policy: a door to the core, and nothing more.
//!
//! ```text
//!   policy-server ─ waPC ─► guest ─► door: decode ─► core: review_override, admit_hpa ─► encode ─► policy-server
//! ```
//! One module, two policies. The guard (`AutoscalerOverride`) fails closed: what cannot be judged is refused. The merge
//! (`HorizontalPodAutoscaler`) fails open: what cannot be judged goes through as sent, with a warning. Neither traps:
//! the host answers a trap with a refusal, whatever the policy's `failurePolicy` says.

mod can_i;
mod door;
#[cfg(target_arch = "wasm32")]
mod guest;
mod payload;
mod response;

pub use can_i::may_patch;
pub use door::{validate, validate_settings};
