//! Reached in the status: when it is written, and when it is announced.

use super::*;
use crate::reached::reading::ScaleReading;

/// The plan for the status of an active override, with what was read. What is to be remembered is.
fn with_reading(object: &Value, hpa: &Value, ready: i64, summary: &mut TargetSummary, now: &str) -> StatusPlan {
    with(object, hpa, Some(ScaleReading::Replicas { replicas: ready, ready: Some(ready) }), summary, now)
}

fn with(object: &Value, hpa: &Value, read: Option<ScaleReading>, summary: &mut TargetSummary, now: &str) -> StatusPlan {
    let all = parsed(&[object]);
    let (hpa, plan) = planned(hpa, &all, now);
    summary.set(&hpa, OnTarget::new(&all[0], &hpa, &plan, None));
    if let (Some(read), Some(bounds)) = (read, hpa.bounds()) {
        summary.note_reading(&hpa, read, bounds);
    }
    let planned = summarized(object, &all[0], summary, now);
    summary.note_announced(planned.announced);
    planned
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
    let mut summary = TargetSummary::default();
    let begun = with_reading(&object, &hpa, 2, &mut summary, NOW);
    let status = begun.status.unwrap();
    assert_eq!((said(&status, "Reached").0, begun.events), ("ReplicasMissing", vec![]));
    let object = with_status(object, &status);
    let more = with_reading(&object, &hpa, 9, &mut summary, "2026-11-27T06:00:20Z");
    assert_eq!((more.status, more.events), (None, vec![]), "other numbers alone are no reason to write");
    let reached = with_reading(&object, &hpa, 10, &mut summary, "2026-11-27T06:00:35Z");
    let status = reached.status.unwrap();
    assert_eq!((said(&status, "Reached").0, reached.events), ("ReplicasReached", vec![reached_event(35)]));
    assert_eq!(status.conditions[3].last_transition_time, at("2026-11-27T06:00:35Z"));
    let object = with_status(object, &status);
    let stays = with_reading(&object, &hpa, 3, &mut summary, "2026-11-27T06:01:00Z");
    assert_eq!((stays.status, stays.events), (None, vec![]));
}

#[test]
fn reached_is_announced_once_for_each_start() {
    let object = ovr("black-friday", &json!({}));
    let overridden = settled(hpa(), &[&object]);
    let object = with_status(object.clone(), &seen(&overridden, &[&object], None, NOW).status.unwrap());
    let mut summary = TargetSummary::default();
    let reached = with_reading(&object, &overridden, 10, &mut summary, "2026-11-27T06:00:35Z");
    assert_eq!(reached.events, [reached_event(35)]);
    let object = with_status(object, &reached.status.unwrap());
    let edited = {
        let mut edited = object.clone();
        edited["spec"]["minReplicas"] = 15.into();
        edited
    };
    let hpa = settled(overridden, &[&edited]);
    let missing = with_reading(&edited, &hpa, 10, &mut summary, "2026-11-27T06:02:00Z");
    let edited = with_status(edited, &missing.status.unwrap());
    let again = with_reading(&edited, &hpa, 15, &mut summary, "2026-11-27T06:03:00Z");
    assert_eq!((said(&again.status.unwrap(), "Reached").0, again.events), ("ReplicasReached", vec![]));
}

#[test]
fn a_restart_does_not_announce_again_what_was_reached_since_the_start() {
    let object = ovr("black-friday", &json!({}));
    let mut hpa = settled(hpa(), &[&object]);
    let object = with_status(object.clone(), &seen(&hpa, &[&object], None, NOW).status.unwrap());
    let reached = with_reading(&object, &hpa, 10, &mut TargetSummary::default(), "2026-11-27T06:00:35Z");
    let object = with_status(object, &reached.status.unwrap());
    // The record has changed since, and not the bounds.
    let record = hpa["metadata"]["annotations"][RECORD_ANNOTATION].as_str().unwrap();
    let moved = record.replace(&format!(r#""asOf":"{NOW}""#), r#""asOf":"2026-11-27T06:10:00Z""#);
    assert_ne!(moved, record);
    set_annotation(&mut hpa, RECORD_ANNOTATION, Some(moved));
    let mut summary = TargetSummary::default();
    let status = with(&object, &hpa, None, &mut summary, "2026-11-27T06:11:00Z").status.unwrap();
    assert_eq!(said(&status, "Reached").0, "TargetUnreadable");
    let object = with_status(object, &status);
    let again = with_reading(&object, &hpa, 10, &mut summary, "2026-11-27T06:11:05Z");
    assert_eq!((said(&again.status.unwrap(), "Reached").0, again.events), ("ReplicasReached", vec![]));
}
