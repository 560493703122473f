//! Breaks one thing in an argument: something else in its place, or nothing.

use hpa_override_conformance::Random;
use serde_json::Value;

use crate::choices::one;

/// A copy with something broken.
pub fn broken(argument: Value, random: &mut Random) -> Value {
    let long = || "0 8 * * MON-FRI ".repeat(1_000).into();
    let junk = if random.percent(4) { long() } else { one("junk", random) };
    inside(argument, junk, random)
}

fn inside(mut value: Value, junk: Value, random: &mut Random) -> Value {
    let deeper = random.percent(75);
    let place = match &mut value {
        Value::Object(map) if deeper && !map.is_empty() => {
            let index = random.below(map.len());
            map.values_mut().nth(index)
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let index = random.below(items.len());
            items.get_mut(index)
        }
        _ => None,
    };
    match place {
        Some(place) => *place = inside(place.take(), junk, random),
        None => put(&mut value, junk, random),
    }
    value
}

fn put(place: &mut Value, junk: Value, random: &mut Random) {
    match place {
        Value::Object(map) if random.percent(30) => drop(map.insert("more".into(), junk)),
        Value::Object(map) if random.percent(40) => {
            let key = map.keys().nth(random.below(map.len())).cloned();
            drop(key.map(|key| map.remove(&key)));
        }
        Value::Array(items) if random.percent(50) => items.push(junk),
        other => *other = junk,
    }
}
