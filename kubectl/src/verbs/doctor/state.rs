//! Overrides and HPAs: what is overdue, what does not come to pass, what nobody looks after.

use std::collections::BTreeSet;

use hpa_override_core::{GRACE, Id, Instant, RECORD_ANNOTATION, Record, hpa::raw::annotation};
use serde_json::Value;

use super::{finding::Finding, look::Look};
use crate::{
    objects::{id_of, text},
    remedy::{reason, remedy},
    when::length,
};

const OVERRIDE: &str = "override";
const HPA: &str = "HPA";

/// Checks them.
pub fn check(look: &Look) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &look.overrides {
        Ok(overrides) => findings.extend(overrides.iter().filter_map(|object| ovr(object, look.now))),
        // Without the CRD there are none.
        Err(_) if matches!(look.crd, Ok(None)) => {}
        Err(failure) => findings.push(Finding::unknown(OVERRIDE, failure.message())),
    }
    let known: Option<BTreeSet<Id>> =
        look.overrides.as_ref().ok().map(|overrides| overrides.iter().map(id_of).collect());
    match &look.hpas {
        Ok(hpas) => findings.extend(hpas.iter().filter_map(|object| hpa(object, known.as_ref(), look.now))),
        Err(failure) => findings.push(Finding::unknown(HPA, failure.message())),
    }
    findings
}

/// The first thing that is wrong with an override.
fn ovr(object: &Value, now: Instant) -> Option<Finding> {
    let id = id_of(object);
    let nobody = "is a controller running, and for this namespace? see the findings about it";
    let age = |pointer: &str| text(object, pointer).parse().ok().map(|at: Instant| now.since(at));
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let Some(ready) = conditions.clone().find(|each| text(each, "/type") == "Ready") else {
        let age = age("/metadata/creationTimestamp").filter(|age| *age > GRACE)?;
        return Some(
            Finding::error(OVERRIDE, format!("{id}: no controller has seen it for {}", length(age))).so(nobody),
        );
    };
    let phase = text(object, "/status/phase");
    if let Some(late) = age("/status/endsAt").filter(|late| *late > GRACE)
        && matches!(phase, "Active" | "Superseded")
    {
        return Some(
            Finding::error(OVERRIDE, format!("{id}: it should have ended {} ago, and is {phase}", length(late)))
                .so(nobody),
        );
    }
    if text(ready, "/status") != "False" {
        return None;
    }
    let (reason_name, message) = (text(ready, "/reason"), text(ready, "/message"));
    let finding = Finding::warning(OVERRIDE, format!("{id}: {reason_name}: {message}"));
    Some(match reason(reason_name).and_then(remedy) {
        Some(remedy) => finding.so(remedy),
        None => finding,
    })
}

/// What is wrong with an HPA that carries a record.
fn hpa(object: &Value, known: Option<&BTreeSet<Id>>, now: Instant) -> Option<Finding> {
    annotation(object, RECORD_ANNOTATION)?;
    let id = id_of(object);
    let Ok(record) = Record::from_hpa(object)? else {
        let finding = Finding::error(HPA, format!("{id}: its record cannot be read, so nothing is written to it"));
        return Some(
            finding.so(format!("kubectl hpa-override release {} -n {}, then check its bounds", id.name, id.namespace)),
        );
    };
    let release = format!("kubectl hpa-override release {} -n {} restores it", id.name, id.namespace);
    if let Some(late) = record.next_transition().map(|next| now.since(next)).filter(|late| *late > GRACE) {
        let message = format!("{id}: what its record says is overdue by {}: nobody looks after it", length(late));
        return Some(Finding::error(HPA, message).so(release));
    }
    let is_orphan = known.is_some_and(|known| {
        record.gradual_return.is_none() && record.layers.iter().all(|layer| !known.contains(&layer.by))
    });
    if is_orphan && now.since(record.as_of) > GRACE {
        let by: Vec<String> = record.layers.iter().map(|layer| layer.by.to_string()).collect();
        let message = format!("{id}: its record names overrides that are not there: {}", by.join(", "));
        return Some(Finding::error(HPA, message).so(release));
    }
    None
}
