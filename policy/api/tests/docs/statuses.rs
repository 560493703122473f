//! The table of docs/status.md: phase, conditions and reason, as the plan gives them.

use std::collections::BTreeSet;

use hpa_override_api::call;
use hpa_override_core::RECORD_ANNOTATION;
use serde_json::{Value, json};

use super::{cells, text, yaml};

const NOW: &str = "2026-11-27T06:00:00Z";
const END: &str = "2026-11-27T07:00:00Z";

/// Phase, `Ready`, `Active`, `Stalled`, and the reason of all three.
type Row = [String; 5];

/// A row with this mark comes from a problem of the controller, which the plan alone does not have.
const MARK: &str = "*";

/// The table's rows, one for each phase and reason; marked or not.
fn table() -> Vec<(Row, bool)> {
    let page = text("docs/status.md");
    let rows = page.lines().filter(|line| line.starts_with("| `")).map(cells);
    let rows = rows.filter(|row| row.len() == 6).flat_map(|row| {
        let [phases, ready, active, stalled, reasons, _] = row[..] else { unreachable!() };
        let mark = reasons.ends_with(MARK);
        let words = |cell: &str| -> Vec<String> {
            cell.trim_end_matches(MARK).split(',').map(|word| word.trim().trim_matches('`').into()).collect()
        };
        let (phases, reasons) = (words(phases), words(reasons));
        let pairs =
            phases.into_iter().flat_map(|phase| reasons.clone().into_iter().map(move |why| (phase.clone(), why)));
        let row = move |(phase, why)| ([phase, ready.into(), active.into(), stalled.into(), why], mark);
        pairs.map(row).collect::<Vec<_>>()
    });
    rows.collect()
}

fn ovr(name: &str, fields: &Value) -> Value {
    let mut spec = json!({"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "expiresAt": END});
    for (key, value) in fields.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({"metadata": {"namespace": "shop", "name": name, "uid": name, "creationTimestamp": NOW}, "spec": spec})
}

fn hpa(name: &str, metadata: &Value) -> Value {
    let mut hpa = json!({"metadata": {"namespace": "shop", "name": name, "labels": {"tier": "front"}},
                         "spec": {"minReplicas": 2, "maxReplicas": 5}});
    for (key, value) in metadata.as_object().unwrap() {
        hpa["metadata"][key] = value.clone();
    }
    hpa
}

/// The HPA as the controller leaves it at `now`.
fn settled(mut hpa: Value, overrides: &[Value], settings: &Value, now: &str) -> Value {
    loop {
        let argument = json!({"now": now, "settings": settings, "hpa": hpa, "overrides": overrides});
        let patch = call("planHpa", &argument).unwrap()["patch"].clone();
        if patch.is_null() {
            return hpa;
        }
        merge(&mut hpa, &patch);
    }
}

/// A JSON merge patch.
fn merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

/// The status of the first override at `now`, the controller having acted at 06:00 and at `now`.
fn row(overrides: &[Value], hpas: Vec<Value>, settings: &Value, now: &str) -> Row {
    let at = |hpa, now| settled(hpa, overrides, settings, now);
    let hpas: Vec<_> = hpas.into_iter().map(|hpa| at(at(hpa, NOW), now)).collect();
    let argument =
        json!({"now": now, "settings": settings, "object": overrides[0], "hpas": hpas, "overrides": overrides});
    let status = call("planStatus", &argument).unwrap()["status"].clone();
    let conditions = status["conditions"].as_array().unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let types: Vec<_> = conditions.iter().map(|condition| word(&condition["type"])).collect();
    assert_eq!(types, ["Ready", "Active", "Stalled"]);
    let reasons: BTreeSet<_> = conditions.iter().map(|condition| word(&condition["reason"])).collect();
    assert_eq!(reasons.len(), 1, "all three have one reason");
    let [ready, active, stalled] = [0, 1, 2].map(|index| word(&conditions[index]["status"]));
    [word(&status["phase"]), ready, active, stalled, word(&conditions[0]["reason"])]
}

/// Every row that a plan can give.
fn rows() -> BTreeSet<Row> {
    let one = |fields| vec![ovr("a", &fields)];
    let web = || vec![hpa("web", &json!({}))];
    let owned = |name| hpa(name, &json!({"ownerReferences": [{"controller": true}]}));
    let unreadable = hpa("web", &json!({"annotations": {RECORD_ANNOTATION: "?"}}));
    let front = json!({"hpa": null, "selector": {"matchLabels": {"tier": "front"}}});
    let higher = |index| ovr(&format!("b{index}"), &json!({"priority": 1}));
    let crowd: Vec<_> = one(json!({})).into_iter().chain((0..32).map(higher)).collect();
    let none = json!({});
    let of_generation = |generation: i64, fields: Value| {
        let mut ovr = ovr("a", &fields);
        ovr["metadata"]["generation"] = generation.into();
        vec![ovr]
    };
    let accepted = || vec![settled(hpa("web", &json!({})), &of_generation(1, json!({})), &json!({}), NOW)];
    let reason = json!({"requireReason": true});
    [
        row(&one(json!({"minReplicas": "current"})), web(), &none, NOW),
        row(&of_generation(2, json!({"minReplicas": "current"})), accepted(), &none, NOW),
        row(&of_generation(2, json!({"minReplicas": 15})), accepted(), &reason, NOW),
        row(&one(json!({"minReplicas": 30})), web(), &none, NOW),
        row(&one(json!({"priority": 1001})), web(), &none, NOW),
        row(&one(json!({})), web(), &json!({"protectedNamespaces": ["shop"]}), NOW),
        row(&one(json!({"namespace": "other"})), vec![], &none, NOW),
        row(&one(json!({})), web(), &json!({"unguardedNamespaces": ["shop"]}), NOW),
        row(&one(json!({})), web(), &json!({"authorizeRequester": true}), NOW),
        row(&one(json!({})), vec![owned("web")], &none, NOW),
        row(&one(json!({})), vec![unreadable], &none, NOW),
        row(&crowd, web(), &none, NOW),
        row(&one(json!({"returnOver": "10m"})), web(), &none, END),
        row(&one(json!({})), web(), &none, END),
        row(&one(json!({"suspend": true})), web(), &none, NOW),
        row(&one(json!({"startsAt": "2026-11-27T06:30:00Z"})), web(), &none, NOW),
        row(&crowd[..2], web(), &none, NOW),
        row(&one(json!({})), web(), &none, NOW),
        row(&one(json!({})), vec![], &none, NOW),
        row(&one(front.clone()), vec![], &none, NOW),
        row(&one(front), vec![hpa("web", &none), owned("keda")], &none, NOW),
    ]
    .into()
}

#[test]
fn the_table_has_the_rows_that_plans_give() {
    let unmarked = table().into_iter().filter(|(_, marked)| !marked).map(|(row, _)| row);
    assert_eq!(unmarked.collect::<BTreeSet<_>>(), rows());
}

#[test]
fn every_phase_and_every_reason_is_in_the_table() {
    let crd = &yaml(&text("crd/crd.yaml"))[0];
    let status = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"];
    let named = |words: &Value| -> BTreeSet<String> {
        words["enum"].as_array().unwrap().iter().filter_map(|word| word.as_str().map(Into::into)).collect()
    };
    let in_column = |column: usize| table().into_iter().map(move |(row, _)| row[column].clone()).collect();
    assert_eq!(named(&status["phase"]), in_column(0));
    assert_eq!(named(&status["conditions"]["items"]["properties"]["reason"]), in_column(4));
}
