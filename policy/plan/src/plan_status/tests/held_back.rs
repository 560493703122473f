//! When a status is held back, and when it is planned again by itself.

use super::*;

/// The summary of an override on an HPA, planned at 06:00.
fn summary_of(ovr: &ParsedOverride, hpa: &Value, problem: Option<&Problem>, settings: &Settings) -> TargetSummary {
    let mut summary = TargetSummary::default();
    let (hpa, plan) = planned_under(settings, hpa, std::slice::from_ref(ovr), NOW);
    summary.set(&hpa, OnTarget::new(ovr, &hpa, &plan, problem));
    summary
}

#[test]
fn nothing_is_written_while_a_plan_is_older_than_its_next_transition() {
    let object = ovr("black-friday", &json!({}));
    let (all, hpa) = (parsed(&[&object]), settled(hpa(), &[&object]));
    let (end, before) = ("2026-11-27T18:00:00Z", "2026-11-27T17:59:59Z");
    let mut summary = summary_of(&all[0], &hpa, None, &settings());
    assert!(summarized(&object, &all[0], &mut summary, before).status.is_some());
    let held_back = StatusPlan { next_change: Some(at(end)), waits: true, ..StatusPlan::default() };
    assert_eq!(summarized(&object, &all[0], &mut summary, end), held_back, "its end is to be planned first");
    let mut failed = summary_of(&all[0], &hpa, Some(&denied()), &settings());
    assert!(summarized(&object, &all[0], &mut failed, end).status.is_some(), "a problem is reported");
}

#[test]
fn nothing_is_written_while_a_question_about_a_target_is_open() {
    let asks = Settings::parse(&json!({"authorizeRequester": true})).unwrap();
    let selector = json!({"hpa": null, "selector": {"matchLabels": {"app": "web"}}});
    let object = ovr("all", &selector);
    let all = parsed(&[&object]);
    let labelled = |name: &str| {
        let mut hpa = hpa();
        (hpa["metadata"]["name"], hpa["metadata"]["labels"]) = (name.into(), json!({"app": "web"}));
        hpa
    };
    let mut summary = summary_of(&all[0], &settled(labelled("api"), &[&object]), None, &asks);
    let plan = |summary: &TargetSummary| plan_status(None, &all[0], summary, &asks, NOT_ASKED, at(NOW));
    assert!(plan(&summary).status.is_some(), "it is active there, and so is not asked about again");
    let (hpa, open) = planned_under(&asks, &labelled("web"), &all, NOW);
    assert_eq!((open.patch.is_some(), open.questions.len()), (false, 1));
    summary.set(&hpa, OnTarget::new(&all[0], &hpa, &open, None));
    assert_eq!(plan(&summary).status, None);
    summary.remove("web");
    assert!(plan(&summary).status.is_some());
}

#[test]
fn its_own_transition_is_the_deletion() {
    let object = ovr("black-friday", &json!({"duration": null, "expiresAt": LATER, "ttlAfterFinished": "2h"}));
    let all = parsed(&[&object]);
    let mut summary = TargetSummary::default();
    let (hpa, plan) = planned(&hpa(), &all, LATER);
    summary.set(&hpa, OnTarget::new(&all[0], &hpa, &plan, None));
    let ended = summarized(&object, &all[0], &mut summary, LATER);
    assert_eq!(phase(&ended.status.unwrap()), Phase::Expired);
    assert_eq!(
        (ended.next_transition, ended.next_change),
        (Some(at("2026-11-27T09:00:00Z")), Some(at("2026-11-27T09:00:00Z")))
    );
    let over = summarized(&object, &all[0], &mut summary, "2026-11-27T09:00:00Z");
    assert_eq!(over, StatusPlan { delete: true, ..StatusPlan::default() });
}

#[test]
fn without_a_target_it_plans_again_by_itself() {
    let pending = without_a_target(&ovr("black-friday", &json!({"startsAt": LATER})));
    assert_eq!((pending.next_transition, pending.next_change), (Some(at(LATER)), Some(at(LATER))));
}
