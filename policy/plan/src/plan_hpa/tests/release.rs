//! An HPA is given back by its own record.

use super::*;

fn released(hpa: &Value) -> HpaPlan {
    plan_release(&HpaView::parse(hpa), at(NOW))
}

#[test]
fn it_is_the_two_patches_of_an_end() {
    let first = released(&with_record(hpa(10, 20), &record())).patch.unwrap();
    assert_eq!(first["spec"], pair(2, 5));
    let text = first["metadata"]["annotations"][RECORD_ANNOTATION].as_str().unwrap();
    let left = Record::parse(text).unwrap();
    assert!(left.is_finished(), "{text}");
    let mut between = with_record(hpa(2, 5), &serde_json::from_str(text).unwrap());
    let ours = entry(MANAGER, "Update", &json!({"f:minReplicas": {}, "f:maxReplicas": {}}));
    between["metadata"]["managedFields"].as_array_mut().unwrap().push(ours);
    let second = released(&between).patch.unwrap();
    assert_eq!(second["metadata"]["annotations"][RECORD_ANNOTATION], Value::Null);
    assert!(!second["metadata"]["managedFields"].to_string().contains(MANAGER), "{second}");
    assert_eq!(second.get("spec"), None);
    assert_eq!(released(&hpa(2, 5)).patch, None, "nothing is left");
}

#[test]
fn nothing_returns_gradually() {
    let mut later = record();
    later["layers"][0]["returnOver"] = "1h".into();
    assert_eq!(released(&with_record(hpa(10, 20), &later)).patch.unwrap()["spec"], pair(2, 5));
    let mut returning = record();
    returning["layers"] = json!([]);
    returning["gradualReturn"] = json!({"by": "shop/black-friday", "at": "2026-11-27T05:50:00Z", "over": "1h",
                                        "from": pair(10, 20)});
    let hpa = with_record(hpa(10, 20), &returning);
    assert!(HpaView::parse(&hpa).record().unwrap().is_ok(), "{returning}");
    assert_eq!(released(&hpa).patch.unwrap()["spec"], pair(2, 5));
}

#[test]
fn what_the_owner_has_written_meanwhile_counts() {
    assert_eq!(released(&with_record(hpa(10, 30), &record())).patch.unwrap()["spec"], json!({"minReplicas": 2}));
}

#[test]
fn a_record_that_cannot_be_read_is_left_alone() {
    let mut hpa = hpa(10, 20);
    hpa["metadata"]["annotations"] = json!({RECORD_ANNOTATION: "{"});
    assert_eq!(released(&hpa), HpaPlan::default());
}

#[test]
fn a_release_marker_goes_with_the_record() {
    let mut hpa = with_record(hpa(10, 20), &record());
    hpa["metadata"]["annotations"][RELEASE_ANNOTATION] = "true".into();
    let patch = released(&hpa).patch.unwrap();
    assert_eq!(patch["metadata"]["annotations"][RELEASE_ANNOTATION], Value::Null);
}

#[test]
fn a_release_marker_alone_is_removed() {
    let mut hpa = hpa(2, 5);
    hpa["metadata"]["annotations"] = json!({RELEASE_ANNOTATION: "true"});
    let patch = released(&hpa).patch.unwrap();
    assert_eq!(patch["metadata"]["annotations"], json!({RELEASE_ANNOTATION: null}));
    assert_eq!(patch.get("spec"), None);
}
