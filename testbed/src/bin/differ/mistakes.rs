//! What people write wrong in a spec: one field, one mistake.

use hpa_override_core::Instant;
use hpa_override_testbed::Random;
use serde_json::{Map, Value, json};

/// Makes one mistake in the spec.
pub fn mistake(spec: &mut Map<String, Value>, now: Instant, random: &mut Random) {
    let cron = |cron: &str| json!({"cron": cron, "timeZone": "Europe/Rome"});
    let label = |operator: &str| json!({"matchExpressions": [{"key": "tier", "operator": operator}]});
    let before = json!(now.saturating_add(-50_000));
    let mistakes = [
        // The target: none, two, none that could be.
        ("hpa", json!(null)),
        ("hpa", json!("web")),
        ("hpa", json!("Web_1")),
        ("namespace", json!("Shop!")),
        ("namespace", json!("")),
        ("selector", json!({})),
        ("selector", label("Equals")),
        ("selector", label("In")),
        // The bounds: none, crossed, no amounts.
        ("minReplicas", json!(null)),
        ("maxReplicas", json!(null)),
        ("minReplicas", json!(2_000_000)),
        ("minReplicas", json!("0%")),
        ("maxReplicas", json!(0)),
        ("maxReplicas", json!("+5")),
        ("mode", json!("Min")),
        ("priority", json!(1001)),
        // The times.
        ("startsAt", json!("2026-11-27")),
        ("expiresAt", json!("tomorrow")),
        ("expiresAt", before),
        ("duration", json!("1h1d")),
        ("duration", json!(null)),
        ("expiresAt", json!(now.saturating_add(4_500))),
        ("returnOver", json!("25h")),
        ("returnOver", json!("ten minutes")),
        ("ttlAfterFinished", json!("1 day")),
        ("ttlAfterFinished", json!("1d")),
        // The schedule.
        ("schedule", cron("0 25 * * *")),
        ("schedule", cron("@daily")),
        ("schedule", cron("0 0 31 2 *")),
        ("schedule", json!({"cron": "0 8 * * *", "timeZone": "Mars/Olympus"})),
        ("schedule", json!({"cron": "0 8 * * *", "except": ["2026-12-25", "2026-02-30"]})),
    ];
    if let Some((field, value)) = mistakes.get(random.below(mistakes.len())) {
        spec.insert((*field).into(), value.clone());
    }
}
