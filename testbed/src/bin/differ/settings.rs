//! Settings: what the platform team allows.

use hpa_override_testbed::Random;
use serde_json::{Map, Value, json};

use crate::some::{one, some};

/// Valid ones.
pub fn settings(random: &mut Random) -> Value {
    let lengths = [
        json!({}),
        json!({}),
        json!({"defaultDuration": "4h"}),
        json!({"defaultDuration": "30m", "maxDuration": "90m"}),
        json!({"maxDuration": "7d"}),
        json!({"defaultDuration": "Never"}),
    ];
    let mut map: Map<String, Value> = one(random, &lengths).as_object().cloned().unwrap_or_default();
    some(&mut map, "replicaCeiling", 20, random, &[json!(8), json!(50)]);
    some(&mut map, "directions", 30, random, &[json!("UpOnly"), json!("UpOnly"), json!("Both")]);
    some(&mut map, "requireReason", 5, random, &[json!(true)]);
    some(&mut map, "maxPriority", 5, random, &[json!(0)]);
    some(&mut map, "crossNamespace", 30, random, &[json!("Deny"), json!("Authorized"), json!("Allow")]);
    some(&mut map, "authorizeRequester", 25, random, &[json!(true)]);
    some(&mut map, "protectedNamespaces", 8, random, &[json!(["shop"]), json!([])]);
    some(&mut map, "unguardedNamespaces", 5, random, &[json!(["shop"]), json!(["ops"])]);
    some(&mut map, "overrideOwnedHpas", 10, random, &[json!(true)]);
    map.into()
}

/// Settings that are refused.
pub fn refused(random: &mut Random) -> Value {
    let refused = [
        json!({"colour": "red"}),
        json!({"replicaCeiling": 0}),
        json!({"defaultDuration": "9d", "maxDuration": "7d"}),
        json!({"defaultDuration": "Never", "maxDuration": "7d"}),
        json!({"directions": "Down", "crossNamespace": true}),
    ];
    one(random, &refused)
}
