use hpa_override_core::{MayPatch, RECORD_ANNOTATION, Settings};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::plan_hpa::plan_hpa;

const NOW: &str = "2026-11-27T06:00:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn ovr(name: &str, fields: &Value) -> ParsedOverride {
    let mut spec = json!({"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "1h"});
    for (key, value) in fields.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let metadata = json!({"namespace": "shop", "name": name, "uid": name, "creationTimestamp": NOW, "generation": 1,
                          "annotations": {"hpa-override.dev/requested-by": r#"{"user":"alice","groups":[]}"#}});
    ParsedOverride::parse(&json!({"metadata": metadata, "spec": spec}), at(NOW))
}

fn hpa(min: i32, max: i32, record: Option<&Value>) -> HpaView {
    let annotations =
        record.map(|record| json!({RECORD_ANNOTATION: Record::parse(&record.to_string()).unwrap().to_text()}));
    HpaView::parse(&json!({"metadata": {"namespace": "shop", "name": "web", "annotations": annotations},
                           "spec": {"minReplicas": min, "maxReplicas": max}}))
}

/// The record of an override that gives 10-20, on an HPA of 2-5.
fn record(by: &str) -> Value {
    json!({"v": 1, "rev": 1, "asOf": NOW, "desired": {"minReplicas": 2, "maxReplicas": 5},
           "effective": {"minReplicas": 10, "maxReplicas": 20}, "ours": {"minReplicas": [10], "maxReplicas": [20]},
           "layers": [{"by": format!("shop/{by}"), "uid": by, "generation": 1, "mode": "Set", "minReplicas": 10,
                       "maxReplicas": 20, "until": "2026-11-27T07:00:00Z"}]})
}

fn found(ovr: &ParsedOverride, hpa: &HpaView, problem: Option<&Problem>, settings: &Value, now: &str) -> OnTarget {
    let settings = Settings::parse(settings).unwrap();
    let plan = plan_hpa(hpa, &[ovr], &settings, &|_| MayPatch::NotAsked, at(now), None);
    OnTarget::new(ovr, hpa, &plan, problem)
}

fn denied() -> Problem {
    Problem { reason: Reason::WriteDenied, message: "denied".into() }
}

#[test]
fn a_patch_is_due_until_a_problem_keeps_it() {
    let (ovr, fresh) = (ovr("a", &json!({})), hpa(2, 5, None));
    let due = found(&ovr, &fresh, None, &json!({}), NOW);
    assert!(due.decision.is_due && due.is_unsettled() && !due.is_applied() && due.is_active());
    let failed = found(&ovr, &fresh, Some(&denied()), &json!({}), NOW);
    assert!(!failed.is_unsettled());
    assert_eq!((failed.failure(true), failed.failure(false)), (Some((Reason::WriteDenied, "denied")), None));
}

#[test]
fn what_is_on_the_hpa_is_applied() {
    let (ovr, there) = (ovr("a", &json!({})), hpa(10, 20, Some(&record("a"))));
    let applied = found(&ovr, &there, None, &json!({}), NOW);
    assert!(applied.is_applied() && !applied.is_unsettled());
    assert_eq!(
        (applied.bounds_to_reach(), applied.decision.planned_until),
        (Bounds::new(10, 20), Some(at("2026-11-27T07:00:00Z")))
    );
    let reverted = found(&ovr, &hpa(2, 5, Some(&record("a"))), Some(&denied()), &json!({}), NOW);
    assert_eq!((reverted.is_applied(), reverted.bounds_to_reach()), (false, None));
    assert_eq!(reverted.failure(false), Some((Reason::WriteDenied, "denied")), "the record holds it");
    let of_another = found(&ovr, &hpa(10, 20, Some(&record("b"))), Some(&denied()), &json!({}), NOW);
    assert_eq!((of_another.is_applied(), of_another.active_record()), (false, None));
}

#[test]
fn a_question_about_it_is_open() {
    let asks = json!({"authorizeRequester": true});
    let open = found(&ovr("a", &json!({})), &hpa(2, 5, None), None, &asks, NOW);
    assert!(open.is_open() && open.is_unsettled() && !open.decision.is_due);
}

#[rstest]
#[case::found(hpa(10, 9, Some(&record("a"))), None)]
#[case::planned(hpa(2, 5, None), Some("maxReplicas 20 is limited to 15 by maxFactor"))]
fn cut_is_what_is_to_be_there(#[case] hpa: HpaView, #[case] expected: Option<&str>) {
    let found = found(&ovr("a", &json!({})), &hpa, Some(&denied()), &json!({"maxFactor": 3}), NOW);
    assert_eq!(found.decision.cut.as_deref(), expected);
}

#[test]
fn an_edit_that_is_refused_fails_and_what_is_blocked_only_where_it_is_wanted() {
    let mut edited = ovr("a", &json!({"priority": 7}));
    edited.generation = Some(2);
    let refused = found(&edited, &hpa(10, 20, Some(&record("a"))), None, &json!({"maxPriority": 5}), NOW);
    assert_eq!(refused.failure(false).map(|(reason, _)| reason), Some(Reason::LimitExceeded));
    let blocked = found(&edited, &hpa(2, 5, None), None, &json!({"maxPriority": 5}), NOW);
    let reasons = [true, false].map(|is_wanted| blocked.failure(is_wanted).map(|(reason, _)| reason));
    assert_eq!(reasons, [Some(Reason::LimitExceeded), None]);
}
