//! Breaks one thing in an argument: something else in its place, or nothing.

use serde_json::{Value, json};

use hpa_override_testbed::Random;

/// A copy with something broken.
pub fn broken(argument: Value, random: &mut Random) -> Value {
    let junk = junk(random);
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

fn junk(random: &mut Random) -> Value {
    let long = "0 8 * * MON-FRI ".repeat(1_000);
    let all = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(2.5),
        json!(i32::MAX),
        json!(2_147_483_648_i64),
        json!(-946_684_801_i64),
        json!(221_876_928_000_i64),
        json!(1_i64 << 52),
        json!(""),
        json!("today"),
        json!("1999-12-31T23:59:59Z"),
        json!("2026-11-27T06:00:00+01:00"),
        json!("999999999999%"),
        json!("Europe/Nowhere"),
        json!("{\"v\":1}"),
        json!("a\u{0}\u{2028}\"\\😀"),
        json!(long),
        json!([]),
        json!([[[[{"a": []}]]]]),
        json!({}),
        json!({"a": {"b": null}}),
    ];
    all.get(random.below(all.len())).cloned().unwrap_or_default()
}
