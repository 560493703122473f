mod held_back;
mod reached;

use hpa_override_core::{MayPatch, RECORD_ANNOTATION, hpa::raw::set_annotation};
use hpa_override_crd::ConditionStatus::{self, False, True};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::{
    hpa_view::HpaView,
    on_target::{OnTarget, Problem},
    plan_hpa::{HpaPlan, plan_hpa},
};

const NOW: &str = "2026-11-27T06:00:00Z";
const LATER: &str = "2026-11-27T07:00:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// From 06:00 to 18:00, unless fields say otherwise.
fn ovr(name: &str, fields: &Value) -> Value {
    let mut spec = json!({"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "12h"});
    for (key, value) in fields.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let stamp = r#"{"user":"alice","groups":["devs"]}"#;
    json!({"metadata": {"namespace": "shop", "name": name, "uid": format!("uid-{name}"), "generation": 3,
                        "creationTimestamp": NOW, "annotations": {"hpa-override.dev/requested-by": stamp}},
           "spec": spec})
}

fn hpa() -> Value {
    json!({"metadata": {"namespace": "shop", "name": "web", "resourceVersion": "7"},
           "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                    "minReplicas": 2, "maxReplicas": 5}})
}

fn settings() -> Settings {
    Settings::parse(&json!({"maxPriority": 5})).unwrap()
}

const NOT_ASKED: MayPatchOf<'static> = &|_| MayPatch::NotAsked;

fn parsed(objects: &[&Value]) -> Vec<ParsedOverride> {
    objects.iter().map(|object| ParsedOverride::parse(object, at(NOW))).collect()
}

/// The plan for an HPA.
fn planned(hpa: &Value, overrides: &[ParsedOverride], now: &str) -> (HpaView, HpaPlan) {
    planned_under(&settings(), hpa, overrides, now)
}

fn planned_under(settings: &Settings, hpa: &Value, all: &[ParsedOverride], now: &str) -> (HpaView, HpaPlan) {
    let (hpa, overrides) = (HpaView::parse(hpa), all.iter().collect::<Vec<_>>());
    let plan = plan_hpa(&hpa, &overrides, settings, NOT_ASKED, at(now), None);
    (hpa, plan)
}

/// The HPA once nothing is left to be written for these overrides.
fn settled(hpa: Value, overrides: &[&Value]) -> Value {
    settled_under(&settings(), hpa, overrides)
}

fn settled_under(settings: &Settings, mut hpa: Value, overrides: &[&Value]) -> Value {
    while let Some(patch) = planned_under(settings, &hpa, &parsed(overrides), NOW).1.patch {
        for (bound, number) in patch.get("spec").and_then(Value::as_object).into_iter().flatten() {
            hpa["spec"][bound] = number.clone();
        }
        let record = patch["metadata"]["annotations"][RECORD_ANNOTATION].as_str().map(Into::into);
        set_annotation(&mut hpa, RECORD_ANNOTATION, record);
    }
    hpa
}

/// The status of the first of `overrides`, as seen on this HPA.
fn seen(hpa: &Value, overrides: &[&Value], problem: Option<&Problem>, now: &str) -> StatusPlan {
    let all = parsed(overrides);
    status_of(overrides[0], &all[0], &[(planned(hpa, &all, now), problem)], now)
}

/// The status of an override with these targets.
fn status_of(
    object: &Value,
    ovr: &ParsedOverride,
    targets: &[((HpaView, HpaPlan), Option<&Problem>)],
    now: &str,
) -> StatusPlan {
    let mut summary = TargetSummary::default();
    for ((hpa, plan), problem) in targets {
        summary.set(hpa, OnTarget::new(ovr, hpa, plan, *problem));
    }
    summarized(object, ovr, &mut summary, now)
}

fn summarized(object: &Value, ovr: &ParsedOverride, summary: &mut TargetSummary, now: &str) -> StatusPlan {
    summary.recall(object.get("status"));
    plan_status(object.get("status"), ovr, summary, &settings(), NOT_ASKED, at(now))
}

fn without_a_target(object: &Value) -> StatusPlan {
    status_of(object, &ParsedOverride::parse(object, at(NOW)), &[], NOW)
}

/// Phase, Ready, Active, Stalled and the reason of Ready.
type Row = (Phase, [ConditionStatus; 3], Reason);

fn row(status: &AutoscalerOverrideStatus) -> Row {
    let types: Vec<_> = status.conditions.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(types, ["Ready", "Active", "Stalled", "Reached"]);
    let holds = [0, 1, 2].map(|index| status.conditions[index].status);
    let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == status.conditions[0].reason).unwrap();
    (phase(status), holds, reason)
}

fn phase(status: &AutoscalerOverrideStatus) -> Phase {
    Phase::ALL.into_iter().find(|phase| Some(phase.as_str()) == status.phase.as_deref()).unwrap()
}

/// Reason and message of a condition.
fn said<'a>(status: &'a AutoscalerOverrideStatus, type_: &str) -> (&'a str, &'a str) {
    let condition = status.conditions.iter().find(|condition| condition.type_ == type_).unwrap();
    (&condition.reason, &condition.message)
}

fn denied() -> Problem {
    Problem { reason: Reason::WriteDenied, message: "denied: at most 15".into() }
}

const READY: [ConditionStatus; 3] = [True, False, False];
const ACTIVE: [ConditionStatus; 3] = [True, True, False];
const STALLED: [ConditionStatus; 3] = [False, False, True];
const NOT_READY: [ConditionStatus; 3] = [False, False, False];
/// Active, since the record holds it, but something else is due.
const ACTIVE_NOT_READY: [ConditionStatus; 3] = [False, True, False];

#[rstest]
#[case::active(json!({}), Phase::Active, ACTIVE, Reason::Applied)]
#[case::pending(json!({"startsAt": LATER}), Phase::Pending, READY, Reason::Pending)]
#[case::expired(json!({"duration": "1s", "startsAt": "2026-11-27T05:00:00Z"}), Phase::Expired, READY, Reason::Ended)]
#[case::invalid(json!({"minReplicas": 30}), Phase::Invalid, STALLED, Reason::Invalid)]
#[case::limit(json!({"priority": 6}), Phase::Blocked, STALLED, Reason::LimitExceeded)]
fn phases_and_conditions(
    #[case] fields: Value,
    #[case] phase: Phase,
    #[case] holds: [ConditionStatus; 3],
    #[case] reason: Reason,
) {
    let object = ovr("black-friday", &fields);
    let status = seen(&settled(hpa(), &[&object]), &[&object], None, NOW).status.unwrap();
    assert_eq!(row(&status), (phase, holds, reason));
}

/// The message of the status of the first override, under these settings, with these HPAs of 2-5 as targets.
fn message(overrides: &[&Value], names: &[&str], settings: &Value) -> String {
    let settings = Settings::parse(settings).unwrap();
    let all = parsed(overrides);
    let hpas = names.iter().map(|name| {
        let mut hpa = hpa();
        hpa["metadata"]["name"] = json!(name);
        hpa["metadata"]["labels"] = json!({"tier": "front"});
        let hpa = settled_under(&settings, hpa, overrides);
        planned_under(&settings, &hpa, &all, NOW)
    });
    let mut summary = TargetSummary::default();
    for (hpa, plan) in hpas {
        summary.set(&hpa, OnTarget::new(&all[0], &hpa, &plan, None));
    }
    let status = plan_status(None, &all[0], &summary, &settings, NOT_ASKED, at(NOW)).status.unwrap();
    status.conditions[0].message.clone()
}

#[rstest]
#[case::active(json!({}), "the annotation hpa-override.dev/release has no effect: remove one of them", true)]
#[case::pending(json!({"startsAt": LATER}), "has no effect", false)]
fn a_status_says_that_two_admissions_are_installed_where_it_matters(
    #[case] fields: Value,
    #[case] sentence: &str,
    #[case] is_said: bool,
) {
    let object = ovr("black-friday", &fields);
    let all = parsed(&[&object]);
    let (hpa, plan) = planned_under(&settings(), &settled_under(&settings(), hpa(), &[&object]), &all, NOW);
    let mut summary = TargetSummary::default();
    summary.set(&hpa, OnTarget::new(&all[0], &hpa, &plan, None));
    summary.note_admitted_twice(true);
    let status = summarized(&json!({}), &all[0], &mut summary, NOW).status.unwrap();
    let [ready, others @ ..] = status.conditions.as_slice() else { panic!("four conditions") };
    assert_eq!(ready.message.contains(sentence), is_said, "{}", ready.message);
    assert!(others.iter().all(|condition| !condition.message.contains("both installed")));
}

const ACTIVE_UNTIL: &str = "it is active until 2026-11-27T18:00:00Z";

#[rstest]
#[case::no_limit(json!({}), "")]
#[case::factor(json!({"maxFactor": 3}), "; maxReplicas 20 is limited to 15 by maxFactor")]
#[case::of_its_namespace(json!({"namespaces": [{"match": "shop", "maxFactor": 3}, {"match": "*", "maxFactor": 2}]}),
    "; maxReplicas 20 is limited to 15 by maxFactor")]
#[case::of_another_namespace(json!({"namespaces": [{"match": "shop-*", "maxFactor": 3}]}), "")]
fn a_bound_that_a_limit_cuts_is_in_the_message(#[case] settings: Value, #[case] cut: &str) {
    let object = ovr("black-friday", &json!({}));
    assert_eq!(message(&[&object], &["web"], &settings), format!("{ACTIVE_UNTIL}{cut}"));
}

#[test]
fn of_many_targets_the_first_by_name_is_in_the_message() {
    let object = ovr(
        "black-friday",
        &json!({"hpa": null, "selector": {"matchLabels": {"tier": "front"}}, "maxReplicas": "400%"}),
    );
    let cut = "; limits cut bounds on 2 of 2 targets; api: maxReplicas 20 is limited to 12 by replicaCeiling";
    assert_eq!(message(&[&object], &["web", "api"], &json!({"replicaCeiling": 12})), format!("{ACTIVE_UNTIL}{cut}"));
}

#[test]
fn a_superseded_override_leaves_cut_bounds_to_the_other() {
    let (low, high) = (ovr("low", &json!({})), ovr("high", &json!({"priority": 1})));
    let settings = json!({"maxFactor": 3});
    assert_eq!(message(&[&low, &high], &["web"], &settings), "AutoscalerOverride shop/high supersedes it");
    assert_eq!(
        message(&[&high, &low], &["web"], &settings),
        format!("{ACTIVE_UNTIL}; maxReplicas 20 is limited to 15 by maxFactor")
    );
}

#[test]
fn superseded() {
    let (low, high) = (ovr("low", &json!({})), ovr("high", &json!({"priority": 1})));
    let status = seen(&settled(hpa(), &[&low, &high]), &[&low, &high], None, NOW).status.unwrap();
    assert_eq!(row(&status), (Phase::Superseded, READY, Reason::Superseded));
    let by = "AutoscalerOverride shop/high supersedes it";
    assert_eq!([said(&status, "Ready"), said(&status, "Active")], [("Superseded", by); 2]);
    assert_eq!(said(&status, "Stalled"), ("Superseded", "nothing blocks it"));
    assert_eq!(said(&status, "Reached"), ("NotActive", "it is not active, so there is nothing to reach"));
}

#[test]
fn blocked_by_the_hpa() {
    let object = ovr("black-friday", &json!({}));
    let mut owned = hpa();
    owned["metadata"]["ownerReferences"] = json!([{"controller": true}]);
    assert_eq!(
        row(&seen(&owned, &[&object], None, NOW).status.unwrap()),
        (Phase::Blocked, STALLED, Reason::OwnedByController)
    );
    let mut unreadable = hpa();
    unreadable["metadata"]["annotations"] = json!({RECORD_ANNOTATION: "?"});
    let row = row(&seen(&unreadable, &[&object], None, NOW).status.unwrap());
    assert_eq!(row, (Phase::Blocked, STALLED, Reason::UnreadableRecord));
}

#[rstest]
#[case::wanted(json!({}), (Phase::Active, NOT_READY, Reason::TargetNotFound))]
#[case::not_yet(json!({"startsAt": LATER}), (Phase::Pending, READY, Reason::Pending))]
#[case::no_longer(json!({"duration": null, "expiresAt": NOW}), (Phase::Expired, READY, Reason::Ended))]
#[case::invalid(json!({"minReplicas": 0}), (Phase::Invalid, STALLED, Reason::Invalid))]
#[case::protected(json!({"namespace": "kube-system"}), (Phase::Blocked, STALLED, Reason::NamespaceProtected))]
fn without_its_target(#[case] fields: Value, #[case] expected: (Phase, [ConditionStatus; 3], Reason)) {
    let status = without_a_target(&ovr("black-friday", &fields)).status.unwrap();
    assert_eq!(row(&status), expected);
    assert_eq!((status.targets, status.applied, status.desired), (0, 0, None));
}

#[test]
fn without_its_target_it_asks_for_access_too() {
    let settings = Settings::parse(&json!({"authorizeRequester": true})).unwrap();
    let object = ovr("a", &json!({}));
    let ovr = ParsedOverride::parse(&object, at(NOW));
    let open = plan_status(None, &ovr, &TargetSummary::default(), &settings, NOT_ASKED, at(NOW));
    assert_eq!((open.question.map(|question| question.user), open.status), (Some("alice".into()), None));
    let never = plan_status(None, &ovr, &TargetSummary::never_asking(), &settings, NOT_ASKED, at(NOW));
    assert_eq!(row(&never.status.unwrap()), (Phase::Blocked, STALLED, Reason::NotAuthorized));
    let answered = plan_status(None, &ovr, &TargetSummary::default(), &settings, &|_| MayPatch::Yes, at(NOW));
    assert_eq!(answered.question, None);
    assert_eq!(row(&answered.status.unwrap()), (Phase::Active, NOT_READY, Reason::TargetNotFound));
}

#[test]
fn target_not_found_names_it() {
    let message = without_a_target(&ovr("black-friday", &json!({}))).status.unwrap().conditions[0].message.clone();
    assert_eq!(
        message,
        "there is no HorizontalPodAutoscaler shop/web; the override becomes active as soon as there is one"
    );
}

#[test]
fn an_invalid_one_has_the_sentence_of_admission() {
    let status = without_a_target(&ovr("black-friday", &json!({"minReplicas": 0}))).status.unwrap();
    let message = "spec.minReplicas: `0` is not an amount; write a whole number from 1 to 2147483647, or one relative to what the owner wants (`150%`, `desired+5`, `desired-5`) or to what runs (`current`, `current+5`, `current-50%`)";
    assert_eq!(status.conditions[0].message, message);
    assert_eq!((status.starts_at, status.ends_at, status.next_transition), (None, None, None));
}

#[test]
fn the_whole_status_of_an_active_one() {
    let object = ovr("black-friday", &json!({}));
    let plan = seen(&settled(hpa(), &[&object]), &[&object], None, NOW);
    let condition = |type_: &str, status: &str, reason: &str, message: &str| {
        json!({"type": type_, "status": status, "observedGeneration": 3, "lastTransitionTime": NOW, "reason": reason,
               "message": message})
    };
    let active = "it is active on HorizontalPodAutoscaler web until 2026-11-27T18:00:00Z";
    let unread = "the replicas of what it scales have not been read yet";
    let expected = json!({
        "observedGeneration": 3, "phase": "Active", "startsAt": NOW, "endsAt": "2026-11-27T18:00:00Z",
        "nextTransition": "2026-11-27T18:00:00Z", "targets": 1, "applied": 1,
        "desired": {"minReplicas": 2, "maxReplicas": 5}, "effective": {"minReplicas": 10, "maxReplicas": 20},
        "requestedBy": "alice",
        "conditions": [
            condition("Ready", "True", "Applied", "it is active until 2026-11-27T18:00:00Z"),
            condition("Active", "True", "Applied", active),
            condition("Stalled", "False", "Applied", "nothing blocks it"),
            condition("Reached", "Unknown", "TargetUnreadable", unread),
        ],
    });
    assert_eq!(serde_json::to_value(plan.status.unwrap()).unwrap(), expected);
    assert_eq!((plan.events, plan.next_change), (vec![], Some(at("2026-11-27T18:00:00Z"))));
    assert_eq!(plan.next_transition, None, "the plan for the target has it");
}

/// The object with the status written to it.
fn with_status(mut object: Value, status: &AutoscalerOverrideStatus) -> Value {
    object["status"] = serde_json::to_value(status).unwrap();
    object
}

#[test]
fn nothing_is_written_when_nothing_changed() {
    let object = ovr("black-friday", &json!({}));
    let hpa = settled(hpa(), &[&object]);
    let object = with_status(object.clone(), &seen(&hpa, &[&object], None, NOW).status.unwrap());
    assert_eq!(seen(&hpa, &[&object], None, LATER).status, None);
}

#[test]
fn nothing_is_written_while_the_target_is_being_written_to() {
    let object = ovr("black-friday", &json!({}));
    let plan = seen(&hpa(), &[&object], None, NOW);
    assert_eq!(
        plan,
        StatusPlan { waits: true, next_change: Some(at("2026-11-27T18:00:00Z")), ..StatusPlan::default() }
    );
}

#[test]
fn a_condition_keeps_its_time_while_it_holds() {
    let object = ovr("black-friday", &json!({}));
    let overridden = settled(hpa(), &[&object]);
    let object = with_status(object.clone(), &seen(&overridden, &[&object], None, NOW).status.unwrap());
    let status = seen(&hpa(), &[&object], Some(&denied()), LATER).status.unwrap();
    let since: Vec<_> = status.conditions.iter().map(|condition| condition.last_transition_time).collect();
    assert_eq!(row(&status), (Phase::Active, NOT_READY, Reason::WriteDenied));
    assert_eq!(since, [at(LATER), at(LATER), at(NOW), at(NOW)]);
}

#[test]
fn it_stays_active_while_a_write_fails() {
    let object = ovr("black-friday", &json!({}));
    let overridden = settled(hpa(), &[&object]);
    let status = seen(&overridden, &[&object], Some(&denied()), LATER).status.unwrap();
    assert_eq!(row(&status), (Phase::Active, ACTIVE_NOT_READY, Reason::WriteDenied));
    assert_eq!(said(&status, "Active").0, "Applied");
    let stalled = "nothing blocks it as a whole; Ready says what is not done";
    assert_eq!(said(&status, "Stalled"), ("WriteDenied", stalled));
}

#[test]
fn a_status_of_a_newer_version_is_replaced() {
    let object = ovr("black-friday", &json!({}));
    let hpa = settled(hpa(), &[&object]);
    let status = seen(&hpa, &[&object], None, NOW).status.unwrap();
    let mut newer = with_status(object, &status);
    newer["status"]["phase"] = "Paused".into();
    newer["status"]["more"] = json!({});
    newer["status"]["conditions"][2] = json!({"type": "Fresh", "status": "Odd", "reason": "Why", "message": ""});
    let replaced = seen(&hpa, &[&newer], None, LATER).status.unwrap();
    let since: Vec<_> = replaced.conditions.iter().map(|condition| condition.last_transition_time).collect();
    assert_eq!((&replaced.phase, since), (&status.phase, vec![at(NOW), at(NOW), at(LATER), at(NOW)]));
    assert_eq!(status_patch("u", newer.get("status"), &replaced)["status"]["more"], Value::Null);
    assert_eq!(seen(&hpa, &[&with_status(newer, &replaced)], None, LATER).status, None);
}

#[test]
fn a_message_is_cut_to_what_the_schema_takes() {
    let object = ovr("black-friday", &json!({}));
    let endless = Problem { reason: Reason::WriteDenied, message: "\u{e9}".repeat(40_000) };
    let status = seen(&hpa(), &[&object], Some(&endless), NOW).status.unwrap();
    assert_eq!(said(&status, "Ready").1.chars().count(), 32_768);
}

#[test]
fn a_new_generation_is_observed() {
    let mut object = ovr("black-friday", &json!({}));
    let hpa = settled(hpa(), &[&object]);
    object = with_status(object.clone(), &seen(&hpa, &[&object], None, NOW).status.unwrap());
    object["metadata"]["generation"] = 4.into();
    assert_eq!(seen(&hpa, &[&object], None, LATER).status, None, "the record is to name it first");
    let status = seen(&settled(hpa, &[&object]), &[&object], None, LATER).status.unwrap();
    assert_eq!(status.observed_generation, Some(4));
    assert!(status.conditions.iter().all(|condition| condition.observed_generation == Some(4)));
    assert!(status.conditions.iter().all(|condition| condition.last_transition_time == at(NOW)));
}

#[test]
fn a_problem_is_reported_once() {
    let object = ovr("black-friday", &json!({}));
    let plan = seen(&hpa(), &[&object], Some(&denied()), NOW);
    let status = plan.status.unwrap();
    assert_eq!(row(&status), (Phase::Active, NOT_READY, Reason::WriteDenied));
    let failing = FailingTarget {
        hpa: "web".into(),
        reason: Reason::WriteDenied.as_str().into(),
        message: "denied: at most 15".into(),
    };
    assert_eq!((status.applied, &status.failing), (0, &vec![failing]));
    let about = About::Override(hpa_override_core::Id::parse("shop/black-friday").unwrap(), "uid-black-friday".into());
    assert_eq!(plan.events, [Event { about, warning: true, reason: "WriteDenied", note: "denied: at most 15".into() }]);

    let reported = with_status(object, &status);
    assert_eq!(
        seen(&hpa(), &[&reported], Some(&denied()), LATER),
        StatusPlan { next_change: Some(at("2026-11-27T18:00:00Z")), ..StatusPlan::default() }
    );
    let other = Problem { reason: Reason::WriteDenied, message: "denied: at most 14".into() };
    let changed = seen(&hpa(), &[&reported], Some(&other), LATER);
    assert_eq!((changed.status.is_some(), changed.events), (true, vec![]));
}

#[rstest]
#[case::pending(json!({"startsAt": LATER}), (Phase::Pending, READY, Reason::Pending))]
#[case::expired(json!({"duration": null, "expiresAt": NOW}), (Phase::Expired, READY, Reason::Ended))]
#[case::invalid(json!({"minReplicas": 30}), (Phase::Invalid, STALLED, Reason::Invalid))]
fn a_problem_is_not_reported_where_nothing_is_due(
    #[case] fields: Value,
    #[case] expected: (Phase, [ConditionStatus; 3], Reason),
) {
    let (object, other) = (ovr("black-friday", &fields), ovr("other", &json!({})));
    let status = seen(&hpa(), &[&object, &other], Some(&denied()), NOW).status.unwrap();
    assert_eq!((row(&status), status.failing), (expected, vec![]));
}

#[rstest]
#[case::expired(json!({"duration": "1s"}), (Phase::Expired, NOT_READY, Reason::WriteDenied))]
#[case::newly_invalid(json!({"minReplicas": 30}), (Phase::Invalid, STALLED, Reason::Invalid))]
fn an_end_that_fails_is_a_problem(#[case] fields: Value, #[case] expected: (Phase, [ConditionStatus; 3], Reason)) {
    let overridden = settled(hpa(), &[&ovr("black-friday", &json!({}))]);
    let object = ovr("black-friday", &fields);
    let status = seen(&overridden, &[&object], Some(&denied()), LATER).status.unwrap();
    assert_eq!((row(&status), status.failing.len()), (expected, 1));
}

#[test]
fn at_most_10_failing_targets_are_listed() {
    let object = ovr("black-friday", &json!({}));
    let (problem, all) = (denied(), parsed(&[&object]));
    let named = |index: usize| {
        let mut hpa = hpa();
        hpa["metadata"]["name"] = format!("web-{index:02}").into();
        let (view, plan) = (HpaView::parse(&hpa), planned(&self::hpa(), &all, NOW).1);
        ((view, plan), Some(&problem))
    };
    let targets: Vec<_> = (0..11).map(named).collect();
    let status = status_of(&object, &all[0], &targets, NOW).status.unwrap();
    assert_eq!((status.targets, status.failing.len(), status.desired), (11, 10, None));
}

#[test]
fn the_order_of_the_targets_does_not_matter() {
    let selector = json!({"hpa": null, "selector": {"matchLabels": {"app": "web"}}});
    let all = ovr("all", &selector);
    let overrides = parsed(&[&all]);
    let named = |index: usize| {
        let mut hpa = hpa();
        hpa["metadata"]["name"] = format!("web-{index:02}").into();
        hpa["metadata"]["labels"] = json!({"app": "web"});
        settled(hpa, &[&all])
    };
    let hpas: Vec<Value> = (0..12).map(named).collect();
    let denied = denied();
    let mut targets: Vec<_> = hpas.iter().map(|hpa| (planned(hpa, &overrides, NOW), Some(&denied))).collect();
    let status = status_of(&all, &overrides[0], &targets, NOW).status.unwrap();
    let listed: Vec<&str> = status.failing.iter().map(|target| target.hpa.as_str()).collect();
    assert_eq!((listed.len(), listed[0], listed[9]), (10, "web-00", "web-09"));
    targets.reverse();
    assert_eq!(status_of(&all, &overrides[0], &targets, NOW).status, Some(status));
}
