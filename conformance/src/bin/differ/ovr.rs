//! Overrides, most of them valid: a target, a bound, an end.

use hpa_override_conformance::Random;
use hpa_override_core::{GROUP, Instant, KIND, REQUESTED_BY_ANNOTATION, VERSION};
use serde_json::{Value, json};

use crate::choices::{one, put, some};

/// One of that number in its name, for the HPAs of [`crate::hpa`].
pub fn ovr(number: usize, now: Instant, random: &mut Random) -> Value {
    let mut spec: Value = some("spec", random).into();
    if random.percent(35) {
        spec["selector"] = one("selectors", random);
    } else {
        spec["hpa"] = one("targets", random);
    }
    match random.below(3) {
        0 => spec["minReplicas"] = one("amounts", random),
        1 => spec["maxReplicas"] = one("amounts", random),
        _ => {
            let pair = one("pairs", random);
            spec["minReplicas"] = pair[0].clone();
            spec["maxReplicas"] = pair[1].clone();
        }
    }
    times(&mut spec, now, random);
    if random.percent(12) {
        put("mistakes", &mut spec, now, random);
    }
    object(number, &spec, now, random)
}

/// One of many: each valid, active on every HPA, without an end, the first above the others.
pub fn of_many(number: usize, now: Instant, random: &mut Random) -> Value {
    let spec =
        json!({"selector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, "minReplicas": number + 1});
    object(number, &spec, now, random)
}

fn object(number: usize, spec: &Value, now: Instant, random: &mut Random) -> Value {
    let age = if random.percent(15) { random.between(3_000, 200_000) } else { random.between(0, 3_000) };
    let mut metadata = json!({
        "namespace": if random.percent(8) { "ops" } else { "shop" }, "name": format!("o{number}"),
        "uid": format!("u{number}"), "generation": 3, "creationTimestamp": now.saturating_add(-age),
    });
    if random.percent(50) {
        metadata["annotations"] = json!({REQUESTED_BY_ANNOTATION: r#"{"user":"alice","groups":["devs"]}"#});
    }
    json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": KIND, "metadata": metadata, "spec": spec})
}

fn times(spec: &mut Value, now: Instant, random: &mut Random) {
    let starts_in = random.between(-4_000, 2_000);
    let at = |seconds: i64| json!(now.saturating_add(seconds));
    let starts = random.percent(35);
    if starts {
        spec["startsAt"] = at(starts_in);
    }
    match random.below(8) {
        0 => return,
        1 | 2 => {
            spec["schedule"] = some("schedule", random).into();
            spec["duration"] = one("lengths", random);
            if random.percent(80) {
                return;
            }
            spec["expiresAt"] = at(starts_in + 90_000);
        }
        3..=5 => spec["duration"] = one("lengths", random),
        _ => spec["expiresAt"] = at(starts_in + random.between(1, 20_000)),
    }
    if (starts || !spec["expiresAt"].is_null()) && random.percent(30) {
        spec["ttlAfterFinished"] = random.text(&["1h", "2m"]);
    }
}

/// Changes one field of an override.
pub fn edit(object: &mut Value, now: Instant, random: &mut Random) {
    if random.percent(92) {
        put("edits", &mut object["spec"], now, random);
        let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
        object["metadata"]["generation"] = (generation + 1).into();
    } else {
        object["metadata"]["labels"] = json!({"edited": random.text(&["once", "twice"])});
    }
}
