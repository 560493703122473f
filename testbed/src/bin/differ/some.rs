//! What may be there or not.

use hpa_override_testbed::Random;
use serde_json::{Map, Value};

/// Puts one of these values at the key, that many times in a hundred.
pub fn some(map: &mut Map<String, Value>, key: &str, percent: usize, random: &mut Random, of: &[Value]) {
    if random.percent(percent) {
        map.insert(key.into(), one(random, of));
    }
}

/// One of these values.
pub fn one(random: &mut Random, of: &[Value]) -> Value {
    of.get(random.below(of.len())).cloned().unwrap_or_default()
}
