//! Reached in the status: when it is written, and when it is announced.

use super::*;

/// The plan for the status of an active override, with what was read.
fn with_reading(
    object: &Value,
    hpa: &Value,
    ready: i64,
    so_far: Option<&ReachedSoFar>,
    now: &str,
) -> (StatusPlan, ReachedSoFar) {
    let all = parsed(&[object]);
    let plan = plan_hpa(hpa, &all, &settings(), NOT_ASKED, at(now), None);
    let reading = ScaleReading::Replicas { replicas: ready, ready: Some(ready) };
    let target = TargetView { hpa, plan: &plan, problem: None, reading: Some(&reading), read_for: None };
    let planned = plan_status(object, &all[0], &[target], &settings(), NOT_ASKED, so_far, at(now));
    let so_far = planned.reached.clone().unwrap().so_far;
    (planned, so_far)
}

fn reached_event(seconds: i64) -> Event {
    let about = About::Override(hpa_override_core::Id::parse("shop/black-friday").unwrap(), "uid-black-friday".into());
    let reached = "the replicas of Deployment shop/web are within the effective bounds 10-20";
    let note = format!("{reached}, {seconds} s after it became active");
    Event { about, warning: false, reason: "Reached", note }
}

#[test]
fn one_status_write_for_each_flip_of_reached() {
    let object = ovr("black-friday", &json!({}));
    let hpa = settled(hpa(), &[&object]);
    let (begun, so_far) = with_reading(&object, &hpa, 2, None, NOW);
    let status = begun.status.unwrap();
    assert_eq!((said(&status, "Reached").0, begun.events), ("ReplicasMissing", vec![]));
    let object = with_status(object, &status);
    let (more, so_far) = with_reading(&object, &hpa, 9, Some(&so_far), "2026-11-27T06:00:20Z");
    assert_eq!((more.status, more.events), (None, vec![]), "other numbers alone are no reason to write");
    let (reached, so_far) = with_reading(&object, &hpa, 10, Some(&so_far), "2026-11-27T06:00:35Z");
    let status = reached.status.unwrap();
    assert_eq!((said(&status, "Reached").0, reached.events), ("ReplicasReached", vec![reached_event(35)]));
    assert_eq!(status.conditions[3].last_transition_time, at("2026-11-27T06:00:35Z"));
    let object = with_status(object, &status);
    let (stays, _) = with_reading(&object, &hpa, 3, Some(&so_far), "2026-11-27T06:01:00Z");
    assert_eq!((stays.status, stays.events), (None, vec![]));
}

#[test]
fn reached_is_announced_once_for_each_start() {
    let object = ovr("black-friday", &json!({}));
    let overridden = settled(hpa(), &[&object]);
    let object = with_status(object.clone(), &seen(&overridden, &[&object], None, NOW).status.unwrap());
    let (reached, so_far) = with_reading(&object, &overridden, 10, None, "2026-11-27T06:00:35Z");
    assert_eq!(reached.events, [reached_event(35)]);
    let object = with_status(object, &reached.status.unwrap());
    let edited = {
        let mut edited = object.clone();
        edited["spec"]["minReplicas"] = 15.into();
        edited
    };
    let hpa = settled(overridden, &[&edited]);
    let (missing, so_far) = with_reading(&edited, &hpa, 10, Some(&so_far), "2026-11-27T06:02:00Z");
    let edited = with_status(edited, &missing.status.unwrap());
    let (again, _) = with_reading(&edited, &hpa, 15, Some(&so_far), "2026-11-27T06:03:00Z");
    assert_eq!((said(&again.status.unwrap(), "Reached").0, again.events), ("ReplicasReached", vec![]));
}

#[test]
fn a_restart_does_not_announce_again_what_was_reached_since_the_start() {
    let object = ovr("black-friday", &json!({}));
    let mut hpa = settled(hpa(), &[&object]);
    let object = with_status(object.clone(), &seen(&hpa, &[&object], None, NOW).status.unwrap());
    let (reached, _) = with_reading(&object, &hpa, 10, None, "2026-11-27T06:00:35Z");
    let object = with_status(object, &reached.status.unwrap());
    // The record has changed since, and not the bounds.
    let record = hpa["metadata"]["annotations"][RECORD_ANNOTATION].as_str().unwrap();
    let moved = record.replace(&format!(r#""asOf":"{NOW}""#), r#""asOf":"2026-11-27T06:10:00Z""#);
    assert_ne!(moved, record);
    set_annotation(&mut hpa, RECORD_ANNOTATION, Some(moved));
    let unread = seen(&hpa, &[&object], None, "2026-11-27T06:11:00Z");
    let (status, so_far) = (unread.status.unwrap(), unread.reached.unwrap().so_far);
    assert_eq!(said(&status, "Reached").0, "TargetUnreadable");
    let object = with_status(object, &status);
    let (again, _) = with_reading(&object, &hpa, 10, Some(&so_far), "2026-11-27T06:11:05Z");
    assert_eq!((said(&again.status.unwrap(), "Reached").0, again.events), ("ReplicasReached", vec![]));
}
