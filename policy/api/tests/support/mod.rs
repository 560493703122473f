//! A small model of what surrounds core and plan: the API server's write path, the owner's tools, the controller's loop.
//!
//! ```text
//!   history ─► world ──► plan_hpa ──► merge patch ──┐
//!     │                                            ├──► server ──► admit_hpa (with the merge admission) ──► stored HPA
//!     └─────► owner ──► apply, PUT, patch … ───────┘
//! ```
//! It models what was measured on a real API server and nothing more: who owns a field after which kind of write, what
//! admission sees, when `resourceVersion` moves. It knows nothing of what an override means.

pub mod generate;
pub mod history;
pub mod owner;
pub mod ownership;
pub mod server;
pub mod world;

use std::hash::{BuildHasher, RandomState};

use hpa_override_core::Instant;
use proptest::test_runner::{Config, RngSeed};

/// Cases and seed can be set with `PROPTEST_CASES` and `PROPTEST_RNG_SEED`; the seed of a failing run is in its output.
pub fn config() -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(RandomState::new().hash_one("seed"));
    }
    if let RngSeed::Fixed(seed) = config.rng_seed {
        eprintln!("to run the same cases again: PROPTEST_RNG_SEED={seed}");
    }
    config
}

/// When every history begins.
pub fn start() -> Instant {
    "2026-11-27T06:00:00Z".parse().unwrap()
}
