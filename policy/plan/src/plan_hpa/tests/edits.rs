//! Edits of an active override, and amounts that count from what runs.

use super::*;

/// The first layer of the record, of generation 1.
fn accepted() -> Value {
    let mut record = record();
    record["layers"][0]["generation"] = 1.into();
    record
}

fn edited(fields: &Value) -> Value {
    let mut ovr = ovr("black-friday", fields);
    ovr["metadata"]["generation"] = 2.into();
    ovr
}

fn with_status(mut hpa: Value, replicas: i32) -> Value {
    hpa["status"] = json!({"desiredReplicas": replicas, "conditions": [{"type": "AbleToScale", "status": "True"}]});
    hpa
}

const UNTIL: &str = "2026-11-27T18:00:00Z";
const KEPT: &str = "what was accepted before stays active until 2026-11-27T18:00:00Z";
const NOT_KNOWN: &str = "the status of the HorizontalPodAutoscaler does not say yet how many replicas it asks for, which \
                         `current` counts from";

fn ceiling(number: i32) -> Settings {
    Settings::parse(&json!({ "replicaCeiling": number })).unwrap()
}

#[test]
fn a_refused_edit_says_so_and_changes_nothing() {
    let mut record = accepted();
    record["limits"] = json!({"ceiling": 50});
    let edit = edited(&json!({"maxReplicas": 60, "duration": "30h"}));
    let plan = At { settings: ceiling(50), ..At::default() }.plan(&with_record(hpa(10, 20), &record), &[edit]);
    assert_eq!((plan.patch.clone(), plan.next_transition), (None, Some(at(UNTIL))));
    let found = &plan.eligibility.values().next().unwrap();
    assert_eq!((found.phase, found.reason), (Phase::Active, Reason::Applied));
    let window = found.window.unwrap();
    assert_eq!((window.from, window.until), (at(NOW), Some(at(UNTIL))));
    let why = "spec.maxReplicas: maxReplicas 60 is above the 50 allowed; lower it";
    assert_eq!(found.refused_edit, Some((Reason::LimitExceeded, format!("the edit is refused, {why}; {KEPT}"))));
}

#[test]
fn a_refused_edit_that_is_superseded_still_says_why() {
    let mut record = accepted();
    record["layers"] = json!([layer("night", 30, 40), record["layers"][0]]);
    record["effective"] = pair(30, 40);
    let overrides = [
        edited(&json!({"maxReplicas": 60})),
        ovr("night", &json!({"minReplicas": 30, "maxReplicas": 40, "priority": 1})),
    ];
    let plan = At { settings: ceiling(50), ..At::default() }.plan(&with_record(hpa(30, 40), &record), &overrides);
    assert_eq!(phase(&plan, "black-friday"), (Phase::Superseded, Reason::Superseded));
    let [found, _] = [0, 1].map(|index| plan.eligibility.values().nth(index).unwrap());
    assert_eq!(found.refused_edit.as_ref().unwrap().0, Reason::LimitExceeded);
    assert_eq!(phase(&plan, "night"), (Phase::Active, Reason::Applied));
}

#[test]
fn an_edit_that_is_not_refused_is_a_new_layer() {
    let hpa = with_record(hpa(10, 20), &accepted());
    let plan = At { settings: ceiling(50), ..At::default() }.plan(&hpa, &[edited(&json!({"maxReplicas": 50}))]);
    let layer = &written(&plan).layers[0];
    assert_eq!((layer.generation, layer.max_replicas.unwrap().to_string().as_str()), (Some(2), "50"));
}

#[rstest]
#[case::older(Some(0))]
#[case::the_same(Some(1))]
#[case::not_known(None)]
fn only_a_newer_spec_is_an_edit(#[case] generation: Option<i64>) {
    let mut running = ovr("black-friday", &json!({"maxReplicas": 60}));
    running["metadata"]["generation"] = generation.into();
    let mut record = accepted();
    record["layers"][0]["maxReplicas"] = 60.into();
    let plan = At { settings: ceiling(50), ..At::default() }.plan(&with_record(hpa(10, 50), &record), &[running]);
    assert_eq!(phase(&plan, "black-friday"), (Phase::Active, Reason::Applied));
}

#[test]
fn what_waits_for_a_status_says_so() {
    let waiting = plan(&hpa(2, 5), &[ovr("black-friday", &json!({"minReplicas": "current"}))]);
    assert_eq!((waiting.patch.clone(), waiting.next_transition), (None, Some(at(UNTIL))));
    assert_eq!(phase(&waiting, "black-friday"), (Phase::Pending, Reason::NoHpaStatus));
    assert_eq!(message(&waiting, "black-friday"), NOT_KNOWN);
    let known = plan(&with_status(hpa(2, 5), 9), &[ovr("black-friday", &json!({"minReplicas": "current"}))]);
    assert_eq!((written(&known).layers[0].current, known.patch.unwrap()["spec"].clone()), (Some(9), pair(9, 20)));
}

#[test]
fn an_edit_that_waits_for_a_status_says_so() {
    let plan = plan(&with_record(hpa(10, 20), &accepted()), &[edited(&json!({"minReplicas": "current"}))]);
    assert_eq!((plan.patch.clone(), phase(&plan, "black-friday")), (None, (Phase::Active, Reason::Applied)));
    let found = plan.eligibility.values().next().unwrap();
    assert_eq!(found.refused_edit, Some((Reason::NoHpaStatus, format!("the edit waits, {NOT_KNOWN}; {KEPT}"))));
}

#[test]
fn what_waits_during_its_own_gradual_return_changes_with_the_next_step() {
    let mut record = record();
    record["layers"] = json!([]);
    record["gradualReturn"] =
        json!({"by": "shop/black-friday", "from": {"minReplicas": 10, "maxReplicas": 20}, "at": NOW, "over": "10m"});
    let ovr = ovr("black-friday", &json!({"minReplicas": "current", "returnOver": "10m"}));
    let plan = plan_at("2026-11-27T06:02:00Z", &with_record(hpa(10, 20), &record), &[ovr]);
    assert_eq!(phase(&plan, "black-friday"), (Phase::Returning, Reason::Returning));
    assert_eq!(plan.next_transition, Some(at("2026-11-27T06:02:30Z")));
}

#[test]
fn an_owned_hpa_is_blocked_before_it_waits() {
    let mut owned = hpa(2, 5);
    owned["metadata"]["ownerReferences"] = json!([{"controller": true}]);
    let plan = plan(&owned, &[ovr("black-friday", &json!({"minReplicas": "current"}))]);
    assert_eq!(phase(&plan, "black-friday"), (Phase::Blocked, Reason::OwnedByController));
}
