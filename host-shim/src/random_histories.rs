//! How tests of random histories are run. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` set how many, and which; the seed of a
//! failing run is in its output, and the history is shortened to what still fails. Many of the index and of the queue:
//!
//! ```text
//! PROPTEST_CASES=100000 cargo test -p hpa-override-host-shim random_histor
//! ```

use std::hash::{BuildHasher, RandomState};

use proptest::test_runner::{Config, RngSeed};

/// So many histories where nothing else is set.
pub fn config() -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(RandomState::new().hash_one("seed"));
    }
    if let RngSeed::Fixed(seed) = config.rng_seed {
        eprintln!("to run the same {} histories again: PROPTEST_RNG_SEED={seed}", config.cases);
    }
    config
}
