//! What a controller prepares for: the next end, and a status that is waited for.

use super::*;

#[test]
fn the_next_end_is_that_of_the_record() {
    let start = plan(&hpa(2, 5), &[black_friday(), ovr("short", &json!({"duration": "1h"}))]);
    assert_eq!(start.next_end, Some(at("2026-11-27T07:00:00Z")));
    let pending = plan(&hpa(2, 5), &[ovr("later", &json!({"startsAt": "2026-11-27T07:00:00Z"}))]);
    assert_eq!((pending.next_end, pending.next_transition), (None, Some(at("2026-11-27T07:00:00Z"))));
    let over = plan_at("2026-11-27T18:00:00Z", &with_record(hpa(10, 20), &record()), &[black_friday()]);
    assert_eq!(over.next_end, None);
}

#[test]
fn only_current_waits_for_the_status() {
    let waiting = plan(&hpa(2, 5), &[ovr("now", &json!({"minReplicas": "current"}))]);
    assert!(waiting.waits_for_status);
    let mut edited = ovr("black-friday", &json!({"minReplicas": "current"}));
    edited["metadata"]["generation"] = 2.into();
    let edit = plan(&with_record(hpa(10, 20), &record()), &[edited]);
    assert!(edit.waits_for_status, "what was accepted stays, and the edit waits");
    assert!(!plan(&hpa(2, 5), &[black_friday()]).waits_for_status);
}

#[test]
fn since_when_an_override_is_over() {
    let overridden = with_record(hpa(10, 20), &record());
    let end = Some(at("2026-11-27T18:00:00Z"));
    assert_eq!(plan_at("2026-11-27T18:00:00Z", &overridden, &[black_friday()]).ends_since, end);
    assert_eq!(plan_at("2026-11-27T19:30:00Z", &overridden, &[black_friday()]).ends_since, end, "nobody was there");
    assert_eq!(plan(&overridden, &[]).ends_since, Some(at(NOW)), "it is deleted");
    let mut between = record();
    between["layers"] = json!([]);
    between["asOf"] = "2026-11-27T05:00:00Z".into();
    assert_eq!(plan(&with_record(hpa(2, 5), &between), &[]).ends_since, Some(at("2026-11-27T05:00:00Z")), "half done");
    assert_eq!(plan(&hpa(2, 5), &[black_friday()]).ends_since, None);
    let view = HpaView::parse(&overridden);
    assert!(!view.has_ended_by(at("2026-11-27T17:59:59Z")) && view.has_ended_by(at("2026-11-27T18:00:00Z")));
}
