//! Whatever is asked, there is an answer, and it keeps the promises.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod arbitrary;
mod changes;
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use arbitrary::{Arbitrary, check};
use hpa_override_core::MayPatch;
use hpa_override_policy::{validate, validate_settings};

const COUNT: u32 = 20_000;

#[test]
fn every_answer_keeps_the_promises() {
    let mut arbitrary = Arbitrary::of(common::requests().into_values());
    let seed = arbitrary.seed;
    for nth in 1..=COUNT {
        let payload = arbitrary.payload();
        let asked = catch_unwind(AssertUnwindSafe(|| {
            check(&payload, &validate(&payload, "2027-03-01T12:00:00Z".parse().unwrap(), |_| MayPatch::Unavailable));
            let settings: serde_json::Value = serde_json::from_slice(&validate_settings(&payload)).unwrap();
            assert!(settings["valid"].is_boolean());
        }));
        assert!(asked.is_ok(), "SEED={seed}, request {nth}: {}", String::from_utf8_lossy(&payload));
    }
    println!("{COUNT} requests, SEED={seed}");
}
