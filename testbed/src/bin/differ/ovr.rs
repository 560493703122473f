//! Overrides, most of them valid: a target, a bound, an end.

use hpa_override_core::{GROUP, Instant, KIND, REQUESTED_BY_ANNOTATION, VERSION};
use hpa_override_testbed::Random;
use serde_json::{Map, Value, json};

use crate::{
    mistakes::mistake,
    some::{one, some},
};

/// One of that number in its name, for the HPAs of [`crate::hpa`].
pub fn ovr(number: usize, now: Instant, random: &mut Random) -> Value {
    let mut spec = Map::new();
    target(&mut spec, random);
    bounds(&mut spec, random);
    times(&mut spec, now, random);
    some(&mut spec, "mode", 40, random, &[json!("Set"), json!("Raise"), json!("Cap")]);
    some(&mut spec, "priority", 30, random, &[json!(-1), json!(1), json!(7)]);
    some(&mut spec, "returnOver", 60, random, &[json!("90s"), json!("10m"), json!("1h"), json!("24h")]);
    some(&mut spec, "suspend", 8, random, &[json!(true), json!(false)]);
    some(&mut spec, "reason", 30, random, &[json!("campaign ü"), json!("")]);
    if random.percent(12) {
        mistake(&mut spec, now, random);
    }
    object(number, &spec.into(), now, random)
}

/// One of many: each valid, in force on every HPA, without an end, the first above the others.
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

fn target(spec: &mut Map<String, Value>, random: &mut Random) {
    let selectors = [
        json!({"matchLabels": {"tier": "front"}}),
        json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}]}),
    ];
    if random.percent(35) {
        spec.insert("selector".into(), one(random, &selectors));
    } else {
        spec.insert("hpa".into(), random.text(&["web", "web", "web", "web", "web", "web", "web", "api", "other"]));
    }
    some(spec, "namespace", 15, random, &[json!("shop"), json!("shop"), json!("kube-system")]);
}

fn bounds(spec: &mut Map<String, Value>, random: &mut Random) {
    let amounts = [
        json!(1),
        json!(7),
        json!(40),
        json!("12"),
        json!("150%"),
        json!("33%"),
        json!("desired+5"),
        json!("desired-2"),
    ];
    let pairs = [[json!(3), json!(4)], [json!(20), json!("40")], [json!("desired+3"), json!("250%")]];
    match random.below(3) {
        0 => drop(spec.insert("minReplicas".into(), one(random, &amounts))),
        1 => drop(spec.insert("maxReplicas".into(), one(random, &amounts))),
        _ => {
            let [min, max] =
                random.one(&[0, 1, 2]).and_then(|pair: usize| pairs.get(pair).cloned()).unwrap_or_default();
            spec.extend([("minReplicas".into(), min), ("maxReplicas".into(), max)]);
        }
    }
}

fn times(spec: &mut Map<String, Value>, now: Instant, random: &mut Random) {
    let starts_in = random.between(-4_000, 2_000);
    let at = |seconds: i64| json!(now.saturating_add(seconds));
    some(spec, "startsAt", 35, random, &[at(starts_in)]);
    let lengths = [json!("30m"), json!("1h30m"), json!("2h"), json!("2h"), json!("2d"), json!("1s")];
    match random.below(8) {
        0 => {}
        1 | 2 => {
            spec.extend([("schedule".into(), schedule(random)), ("duration".into(), one(random, &lengths))]);
            some(spec, "expiresAt", 20, random, &[at(starts_in + 90_000)]);
        }
        3..=5 => drop(spec.insert("duration".into(), one(random, &lengths))),
        _ => {
            let length = random.between(1, 20_000);
            spec.insert("expiresAt".into(), at(starts_in + length));
        }
    }
    if spec.contains_key("expiresAt") || spec.contains_key("startsAt") && spec.contains_key("duration") {
        some(spec, "ttlAfterFinished", 30, random, &[json!("1h"), json!("2m")]);
    }
}

fn schedule(random: &mut Random) -> Value {
    let crons = [
        "*/20 * * * *",
        "30 2 * * *",
        "0 8 * * MON-FRI",
        "15 1-3 * 3,10 SUN",
        "0 0 29 2 *",
        "0 */2 * * *",
        "5 * * * *",
    ];
    let zones = ["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"];
    let mut map = Map::new();
    map.insert("cron".into(), random.text(&crons));
    some(&mut map, "timeZone", 70, random, &zones.map(Value::from));
    some(&mut map, "except", 20, random, &[json!(["2026-03-29", "2027-10-31"])]);
    map.into()
}

/// Changes one field of an override.
pub fn edit(object: &mut Value, now: Instant, random: &mut Random) {
    let at = |seconds: i64| json!(now.saturating_add(seconds));
    let edits = [
        ("suspend", json!(true)),
        ("suspend", json!(false)),
        ("expiresAt", at(-60)),
        ("expiresAt", at(7_200)),
        ("duration", json!("10m")),
        ("startsAt", at(300)),
        ("minReplicas", json!(9)),
        ("maxReplicas", json!("desired+1")),
        ("hpa", json!("api")),
        ("namespace", json!("shop")),
        ("selector", json!({"matchLabels": {"tier": "back"}})),
    ];
    let which = random.below(edits.len() + 1);
    match edits.get(which) {
        Some((field, value)) => object["spec"][field] = value.clone(),
        None => object["metadata"]["labels"] = json!({"edited": one(random, &[json!("once"), json!("twice")])}),
    }
}
