//! Tiny policies written by hand: each shows one way in which a guest can answer, or fail to.
//!
//! They implement waPC themselves, so that only the host is tested.

#![allow(dead_code, reason = "each of the two test binaries uses a part of it")]

const VALID: &str = r#"{"valid":true}"#;

/// Accepts any settings, and answers `validate` with this JSON.
pub fn answering(answer: &str) -> Vec<u8> {
    let respond = format!("(call $response (i32.const 4096) (i32.const {})) (return (i32.const 1))", answer.len());
    guest(answer, VALID, &respond)
}

/// Accepts everything as it is.
pub fn accepting() -> Vec<u8> {
    answering(r#"{"accepted":true}"#)
}

/// Finds all settings invalid.
pub fn with_bad_settings(message: &str) -> Vec<u8> {
    guest("", &format!(r#"{{"valid":false,"message":"{message}"}}"#), "unreachable")
}

/// Answers `validate` with an error of its own.
pub fn failing(message: &str) -> Vec<u8> {
    let report = format!("(call $error (i32.const 4096) (i32.const {}))", message.len());
    guest(message, VALID, &format!("{report} (return (i32.const 0))"))
}

/// Traps.
pub fn trapping() -> Vec<u8> {
    guest("", VALID, "unreachable")
}

/// Never answers.
pub fn spinning() -> Vec<u8> {
    guest("", VALID, "(loop $forever (br $forever)) unreachable")
}

/// Traps before it can be asked anything.
pub fn trapping_at_start() -> Vec<u8> {
    let guest = String::from(r#"(module (memory (export "memory") 1) (func (export "wapc_init") unreachable)"#);
    wat::parse_str(guest + r#"(func (export "__guest_call") (param i32 i32) (result i32) (i32.const 0)))"#).unwrap()
}

/// Answers with its own payload.
pub fn echoing() -> Vec<u8> {
    let body = "(call $request (i32.const 0) (i32.const 8192))
                (call $response (i32.const 8192) (local.get $len)) (return (i32.const 1))";
    guest("", VALID, body)
}

/// Memory: settings answer at 0, `data` at 4096, free from 8192. `validate_settings` is known by the length of its name.
fn guest(data: &str, settings: &str, validate: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "wapc" "__guest_request" (func $request (param i32 i32)))
            (import "wapc" "__guest_response" (func $response (param i32 i32)))
            (import "wapc" "__guest_error" (func $error (param i32 i32)))
            (memory (export "memory") 2)
            (data (i32.const 0) "{settings}")
            (data (i32.const 4096) "{data}")
            (func (export "__guest_call") (param $operation i32) (param $len i32) (result i32)
              (if (i32.eq (local.get $operation) (i32.const 17))
                (then (call $response (i32.const 0) (i32.const {settings_len})) (return (i32.const 1))))
              {validate}))"#,
        settings = escape(settings),
        data = escape(data),
        settings_len = settings.len(),
    );
    wat::parse_str(text).unwrap()
}

fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("\\{byte:02x}"))
}
