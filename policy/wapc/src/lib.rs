//! The Kubewarden policy: the core behind waPC.
//!
//! ```text
//!   policy-server ─ waPC ─► guest ─► core: Call, decide ─► response ─► policy-server
//! ```
//! One module, two policies. The guard (`AutoscalerOverride`) fails closed: what cannot be checked is refused. The merge
//! (`HorizontalPodAutoscaler`) fails open: what cannot be checked passes as sent, with a warning. Neither traps:
//! the host answers a trap with a refusal, whatever the policy's `failurePolicy` says.

mod can_i;
#[cfg(target_arch = "wasm32")]
mod guest;
mod response;
mod validate;

pub use can_i::may_patch;
pub use validate::{validate, validate_settings};
