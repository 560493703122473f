//! Where random tests begin.

use anyhow::{Context as _, Result};

/// A number that a random test begins with: that of the variable of the environment, or a new one. It is printed, so that the
/// test can be repeated with it.
pub fn seed(variable: &str) -> Result<u64> {
    let seed = match std::env::var(variable) {
        Ok(text) => text.parse().with_context(|| format!("{variable} is no number"))?,
        Err(_) => fastrand::u64(..),
    };
    println!("{variable}={seed}");
    Ok(seed)
}
