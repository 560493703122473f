//! A policy that accepts everything: what an admission costs by itself.
//!
//! `cargo xtask bench admission` compares the real one with it. It is made of the same SDK, with the same profile.

#[cfg(target_arch = "wasm32")]
mod guest {
    use kubewarden_policy_sdk::{
        accept_request, protocol_version_guest,
        settings::SettingsValidationResponse,
        wapc_guest::{CallResult, register_function},
    };

    #[expect(unsafe_code, reason = "the host finds the function by this name")]
    #[unsafe(no_mangle)]
    extern "C" fn wapc_init() {
        register_function("validate", |_| accept_request());
        register_function("validate_settings", validate_settings);
        register_function("protocol_version", protocol_version_guest);
    }

    fn validate_settings(_: &[u8]) -> CallResult {
        Ok(serde_json::to_vec(&SettingsValidationResponse { valid: true, message: None })?)
    }
}
