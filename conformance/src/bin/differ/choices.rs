//! What random questions choose from: the lists of `choices.yaml`, by name.

use std::{collections::BTreeMap, sync::LazyLock};

use hpa_override_conformance::Random;
use hpa_override_core::Instant;
use serde_json::{Map, Value, json};

static CHOICES: LazyLock<BTreeMap<String, Vec<Value>>> = LazyLock::new(|| {
    let read = serde_saphyr::from_str(include_str!("choices.yaml"));
    read.unwrap_or_else(|error| unreachable!("choices.yaml: {error}"))
});

/// One of that list.
pub fn one(list: &str, random: &mut Random) -> Value {
    random.one(CHOICES.get(list).map(Vec::as_slice).unwrap_or_default())
}

/// Some fields of that list.
pub fn some(list: &str, random: &mut Random) -> Map<String, Value> {
    let mut some = Map::new();
    for row in CHOICES.get(list).into_iter().flatten() {
        let (percent, of) = (row["percent"].as_u64().unwrap_or_default(), row["of"].as_array());
        if random.percent(usize::try_from(percent).unwrap_or_default()) {
            let value = random.one(of.map(Vec::as_slice).unwrap_or_default());
            some.insert(row["key"].as_str().unwrap_or_default().into(), value);
        }
    }
    some
}

/// Puts one field of that list into the spec.
pub fn put(list: &str, spec: &mut Value, now: Instant, random: &mut Random) {
    let field = one(list, random);
    for (key, value) in field.as_object().into_iter().flatten() {
        let seconds = value.as_str().and_then(|text| text.strip_prefix("now")?.parse().ok());
        spec[key] = seconds.map_or_else(|| value.clone(), |seconds| json!(now.saturating_add(seconds)));
    }
}
