use std::{collections::BTreeSet, sync::Arc};

use hpa_override_core::{Bounds, Phase};
use hpa_override_crd::{
    ConditionStatus::{self, False, True, Unknown},
    ConditionType,
};
use rstest::rstest;
use serde_json::{Value, json};

use super::{
    reading::{Comparison, ScaleReading},
    *,
};
use crate::{
    eligibility::Eligibility,
    hpa_view::HpaView,
    on_target::{Decision, OnTarget, RecordFacts},
    target_summary::TargetSummary,
};

const NOW: &str = "2026-11-27T06:00:00Z";
const LATER: &str = "2026-11-27T06:05:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn bounds(min: i32, max: i32) -> Bounds {
    Bounds::new(min, max).unwrap()
}

fn pods(ready: i64, replicas: i64) -> ScaleReading {
    ScaleReading::Replicas { replicas, ready: Some(ready) }
}

/// An HPA that asks for `asked` replicas.
fn hpa(name: &str, asked: i64, conditions: &Value) -> HpaView {
    scaling(name, ("apps/v1", "Deployment"), asked, conditions)
}

fn scaling(name: &str, (version, kind): (&str, &str), asked: i64, conditions: &Value) -> HpaView {
    HpaView::parse(&json!({"metadata": {"namespace": "shop", "name": name},
           "spec": {"scaleTargetRef": {"apiVersion": version, "kind": kind, "name": name}},
           "status": {"currentReplicas": 2, "desiredReplicas": asked, "conditions": conditions}}))
}

fn able() -> Value {
    json!([{"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "m"}])
}

fn record(effective: Bounds, as_of: &str) -> RecordFacts {
    RecordFacts { desired: effective, effective, as_of: at(as_of) }
}

/// The override is active on the HPA, whose record of 06:00 holds it.
fn active(hpa: &HpaView, effective: Bounds) -> OnTarget {
    let (phase, reason, message) = (Phase::Active, Reason::Applied, String::new());
    let found = Eligibility {
        phase,
        reason,
        message,
        window: None,
        next: None,
        question: None,
        goes_on: true,
        refused_edit: None,
    };
    let (eligibility, record) = (Some(Arc::new(found)), Some(record(effective, NOW)));
    let decision = Decision { eligibility, record, has_layer: true, is_live: true, ..Decision::default() };
    OnTarget { decision, scaling: hpa.scaling().clone() }
}

/// The summary of targets with effective bounds 40-60, of which that was read. `old` is the status after which it starts.
fn summary(targets: &[(&HpaView, Option<&ScaleReading>)], old: Option<&Value>) -> TargetSummary {
    let mut summary = TargetSummary::default();
    for (hpa, _) in targets {
        summary.set(hpa, active(hpa, bounds(40, 60)));
    }
    summary.recall(old);
    for (hpa, reading) in targets {
        if let Some(reading) = reading {
            summary.note_reading(hpa, (*reading).clone(), bounds(40, 60));
        }
    }
    summary
}

/// What is to be read.
fn to_read(summary: &TargetSummary) -> Vec<(&str, Bounds)> {
    summary.to_read().collect()
}

fn said(reached: &Reached) -> (ConditionStatus, Reason, &str) {
    (reached.status, reached.reason, &reached.message)
}

/// With effective bounds 40-60.
fn one(hpa: &HpaView, reading: &ScaleReading) -> Reached {
    reached(&summary(&[(hpa, Some(reading))], None).overview(), None, at(LATER))
}

/// A status with a condition that has been so since an instant.
fn old(status: &str, reason: &str, since: &str) -> Value {
    let reached = json!({"type": "Reached", "status": status, "reason": reason, "message": "as it was",
                         "lastTransitionTime": since});
    json!({"conditions": [{"type": "Ready"}, reached]})
}

fn known(status: &Value) -> Option<KnownCondition<'_>> {
    KnownCondition::find(Some(status), ConditionType::Reached)
}

#[rstest]
#[case::exactly_the_lower_bound(40, 40, Comparison::Within)]
#[case::exactly_the_upper_bound(60, 60, Comparison::Within)]
#[case::more_that_are_not_ready(40, 60, Comparison::Within)]
#[case::one_is_missing(39, 40, Comparison::Missing(1))]
#[case::one_too_many(60, 61, Comparison::Above(1))]
#[case::too_many_and_too_few_ready(12, 70, Comparison::Missing(28))]
#[case::none(0, 0, Comparison::Missing(40))]
fn readings_beside_40_60(#[case] ready: i64, #[case] replicas: i64, #[case] expected: Comparison) {
    assert_eq!(pods(ready, replicas).compared(bounds(40, 60)), expected);
}

#[test]
fn without_ready_ones_all_count() {
    let by_scale = |replicas| ScaleReading::Replicas { replicas, ready: None }.compared(bounds(40, 60));
    assert_eq!(
        [by_scale(39), by_scale(40), by_scale(61)],
        [Comparison::Missing(1), Comparison::Within, Comparison::Above(1)]
    );
    assert_eq!(pods(0, 0).compared(bounds(0, 5)), Comparison::Within, "the owner wants 0");
    assert_eq!(ScaleReading::NotFound.compared(bounds(1, 2)), Comparison::Unreadable);
}

#[rstest]
#[case::reached(
    40,
    pods(40, 40),
    able(),
    True,
    Reason::ReplicasReached,
    "the replicas of Deployment shop/web are within the effective bounds 40-60"
)]
#[case::pods_are_not_ready(
    40,
    pods(12, 40),
    able(),
    False,
    Reason::ReplicasMissing,
    "12 of at least 40 replicas were ready at 2026-11-27T06:05:00Z, 28 were missing; there were 40; the \
     HorizontalPodAutoscaler asks for 40; look at the pods of Deployment shop/web that are not ready"
)]
#[case::pods_are_not_made(
    40,
    pods(12, 12),
    able(),
    False,
    Reason::ReplicasMissing,
    "12 of at least 40 replicas were ready at 2026-11-27T06:05:00Z, 28 were missing; there were 12; the \
     HorizontalPodAutoscaler asks for 40; look at the events of Deployment shop/web, of what it owns, and at quotas"
)]
#[case::the_hpa_asks_for_less(5, pods(5, 5),
    json!([{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "message": "no scale"}]),
    False, Reason::ReplicasMissing,
    "5 of at least 40 replicas were ready at 2026-11-27T06:05:00Z, 35 were missing; there were 5; the \
     HorizontalPodAutoscaler asks for 5; its condition AbleToScale is False, FailedGetScale: no scale; look at the \
     HorizontalPodAutoscaler")]
#[case::the_hpa_cannot_compute(0, pods(12, 40),
    json!([{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics"}]),
    False, Reason::ReplicasMissing,
    "12 of at least 40 replicas were ready at 2026-11-27T06:05:00Z, 28 were missing; there were 40; the \
     HorizontalPodAutoscaler asks for 2; its condition ScalingActive is False, FailedGetResourceMetric: no metrics; look at \
     the HorizontalPodAutoscaler")]
#[case::our_own_bounds_explain_nothing(40, pods(12, 40),
    json!([{"type": "ScalingLimited", "status": "True", "reason": "TooFewReplicas", "message": "m"}]),
    False, Reason::ReplicasMissing,
    "12 of at least 40 replicas were ready at 2026-11-27T06:05:00Z, 28 were missing; there were 40; the \
     HorizontalPodAutoscaler asks for 40; look at the pods of Deployment shop/web that are not ready")]
#[case::a_rate_does(20, pods(20, 20),
    json!([{"type": "ScalingLimited", "status": "True", "reason": "ScaleUpLimit", "message": "too fast"}]),
    False, Reason::ReplicasMissing,
    "20 of at least 40 replicas were ready at 2026-11-27T06:05:00Z, 20 were missing; there were 20; the \
     HorizontalPodAutoscaler asks for 20; its condition ScalingLimited is True, ScaleUpLimit: too fast; look at the \
     HorizontalPodAutoscaler")]
#[case::before_the_hpa_has_looked(0, pods(2, 2), json!(null), False, Reason::ReplicasMissing,
    "2 of at least 40 replicas were ready at 2026-11-27T06:05:00Z, 38 were missing; there were 2; look at the events of \
     Deployment shop/web, of what it owns, and at quotas")]
#[case::too_many(
    60,
    pods(70, 70),
    able(),
    False,
    Reason::ReplicasAbove,
    "there were 70 replicas at 2026-11-27T06:05:00Z, 10 more than 60; the HorizontalPodAutoscaler asks for 60; look at the \
     events of Deployment shop/web and at its pods that are ending"
)]
#[case::too_many_are_asked_for(
    70,
    pods(70, 70),
    able(),
    False,
    Reason::ReplicasAbove,
    "there were 70 replicas at 2026-11-27T06:05:00Z, 10 more than 60; the HorizontalPodAutoscaler asks for 70; look at the \
     HorizontalPodAutoscaler"
)]
#[case::scaled_to_zero(0, pods(0, 0),
    json!([{"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled", "message": "m"}]),
    False, Reason::ScalingDisabled,
    "40 replicas were missing at 2026-11-27T06:05:00Z: Deployment shop/web is scaled to 0, which disables the \
     HorizontalPodAutoscaler and which no bound changes; scale it to 1 or more")]
#[case::gone(
    40,
    ScaleReading::NotFound,
    able(),
    Unknown,
    Reason::TargetUnreadable,
    "there is no Deployment shop/web; look at spec.scaleTargetRef of the HorizontalPodAutoscaler"
)]
#[case::not_allowed(40, ScaleReading::Unreadable("no right".into()), able(), Unknown, Reason::TargetUnreadable,
    "the replicas of Deployment shop/web cannot be read: no right")]
fn one_target(
    #[case] asked: i64,
    #[case] reading: ScaleReading,
    #[case] conditions: Value,
    #[case] status: ConditionStatus,
    #[case] reason: Reason,
    #[case] message: &str,
) {
    let summary = summary(&[(&hpa("web", asked, &conditions), Some(&reading))], None);
    assert_eq!(said(&reached(&summary.overview(), None, at(LATER))), (status, reason, message));
    let expected = if status == True { vec![] } else { vec![("web", bounds(40, 60))] };
    assert_eq!(to_read(&summary), expected, "what is not reached is read again");
}

#[test]
fn of_other_kinds_only_replicas_are_known() {
    let widget = scaling("web", ("example.com/v1", "Widget"), 40, &able());
    let by_scale = |replicas| ScaleReading::Replicas { replicas, ready: None };
    assert_eq!(
        one(&widget, &by_scale(40)).message,
        "the replicas of Widget shop/web are within the effective bounds 40-60 (how many of them are ready is not known)"
    );
    assert_eq!(
        one(&widget, &by_scale(30)).message,
        "there were 30 of at least 40 replicas at 2026-11-27T06:05:00Z, 10 were missing, and how many of them were ready is \
         not known; the HorizontalPodAutoscaler asks for 40; look at the events of Widget shop/web, of what it owns, and at \
         quotas"
    );
    assert_eq!(
        one(&widget, &ScaleReading::NotFound).message,
        "there is no Widget shop/web, or it cannot be scaled; look at spec.scaleTargetRef of the HorizontalPodAutoscaler"
    );
}

#[test]
fn it_is_unknown_where_it_is_not_active_or_not_read() {
    let nowhere = TargetSummary::default();
    let expected = (Unknown, Reason::NotActive, "it is not active, so there is nothing to reach");
    assert_eq!(said(&reached(&nowhere.overview(), None, at(NOW))), expected);
    let web = hpa("web", 40, &able());
    let without = |change: fn(&mut Decision)| {
        let mut summary = summary(&[(&web, Some(&pods(40, 40)))], None);
        let mut found = active(&web, bounds(40, 60));
        change(&mut found.decision);
        summary.set(&web, found);
        summary
    };
    let message = "the effective bounds are not on HorizontalPodAutoscaler web; Ready says why";
    for summary in [without(|found| found.is_live = false), without(|found| found.has_layer = false)] {
        assert_eq!(said(&reached(&summary.overview(), None, at(LATER))), (Unknown, Reason::NotActive, message));
        assert_eq!(to_read(&summary), []);
    }
    let unread = summary(&[(&web, None)], None);
    let message = "the replicas of what it scales have not been read yet";
    assert_eq!(said(&reached(&unread.overview(), None, at(NOW))), (Unknown, Reason::TargetUnreadable, message));
    assert_eq!(to_read(&unread), [("web", bounds(40, 60))]);
}

#[test]
fn it_stays_reached_until_the_bounds_change() {
    let (web, few) = (hpa("web", 40, &able()), pods(3, 40));
    let mut summary = summary(&[(&web, Some(&pods(40, 40)))], None);
    let first = reached(&summary.overview(), None, at(LATER));
    assert!(!summary.note_reading(&web, few.clone(), bounds(40, 60)), "fewer replicas are no news");
    assert_eq!((said(&reached(&summary.overview(), None, at(LATER))), to_read(&summary)), (said(&first), vec![]));
    assert!(summary.set(&web, active(&web, bounds(41, 60))));
    assert_eq!(
        (reached(&summary.overview(), None, at(LATER)).status, to_read(&summary)),
        (Unknown, vec![("web", bounds(41, 60))])
    );
    assert!(summary.note_reading(&web, few, bounds(41, 60)));
    assert_eq!((reached(&summary.overview(), None, at(LATER)).status, to_read(&summary).len()), (False, 1));
}

#[rstest]
#[case::before_the_record("True", "2026-11-27T05:59:59Z", Unknown, 1)]
#[case::in_the_same_second("True", NOW, True, 0)]
#[case::since_the_record("True", "2026-11-27T06:00:01Z", True, 0)]
#[case::it_was_false("False", "2026-11-27T06:00:01Z", False, 1)]
#[case::it_was_false_of_other_bounds("False", "2026-11-27T05:59:59Z", Unknown, 1)]
#[case::it_was_unknown("Unknown", "2026-11-27T06:00:01Z", Unknown, 1)]
#[case::a_word_of_another_version("Maybe", "2026-11-27T06:00:01Z", Unknown, 1)]
#[case::no_time("True", "?", Unknown, 1)]
fn after_a_restart(#[case] status: &str, #[case] since: &str, #[case] expected: ConditionStatus, #[case] reads: usize) {
    let (web, old) = (hpa("web", 40, &able()), old(status, "ReplicasMissing", since));
    let summary = summary(&[(&web, None)], Some(&old));
    let found = reached(&summary.overview(), known(&old).as_ref(), at(LATER));
    assert_eq!((found.status, to_read(&summary).len()), (expected, reads));
    if expected == False {
        assert_eq!((found.reason, found.message.as_str()), (Reason::ReplicasMissing, "as it was"));
    }
}

#[test]
fn the_same_reason_in_other_words_is_no_news() {
    let hpas = ["a", "b"].map(|name| hpa(name, 40, &able()));
    let with = |count: usize, readings: [Option<&ScaleReading>; 2]| {
        let targets: Vec<_> = hpas.iter().zip(readings).take(count).collect();
        reached(&summary(&targets, None).overview(), None, at(LATER))
    };
    let (full, few, gone) = (pods(40, 40), pods(3, 40), ScaleReading::NotFound);
    let unreadable = ScaleReading::Unreadable("no right".into());
    let reported = |found: &Reached, status: &str, reason: &str, message: &str| {
        let reached = json!({"type": "Reached", "status": status, "reason": reason, "message": message});
        found.is_reported_by(&known(&json!({"conditions": [reached]})).unwrap())
    };
    let missing = with(1, [Some(&few), None]);
    assert!(reported(&missing, "False", "ReplicasMissing", "another number"));
    assert!(!reported(&missing, "False", "ReplicasAbove", &missing.message));
    let one = with(1, [Some(&unreadable), None]);
    assert!(!reported(&one, "Unknown", "TargetUnreadable", "another cause"));
    let two = with(2, [Some(&full), Some(&gone)]);
    assert!(reported(&two, "Unknown", "TargetUnreadable", "another target"));
    let unread = with(2, [Some(&full), None]);
    assert!(!reported(&two, "Unknown", "TargetUnreadable", &unread.message));
    assert!(reported(&unread, "Unknown", "TargetUnreadable", &unread.message));
    let all = with(2, [Some(&full), Some(&full)]);
    assert!(!reported(&all, "True", "ReplicasReached", "of other bounds"));
}

#[test]
fn what_is_read_counts_more_than_the_old_status() {
    let (web, old) = (hpa("web", 40, &able()), old("False", "ReplicasMissing", LATER));
    let summary = summary(&[(&web, Some(&pods(70, 70)))], Some(&old));
    let found = reached(&summary.overview(), known(&old).as_ref(), at(LATER));
    assert_eq!((found.status, found.reason), (False, Reason::ReplicasAbove));
}

#[test]
fn over_several_targets_false_counts_more_than_unknown() {
    let hpas = ["a", "b", "c", "d"].map(|name| hpa(name, 40, &able()));
    let full = pods(40, 40);
    let with = |readings: [Option<&ScaleReading>; 4]| summary(&hpas.iter().zip(readings).collect::<Vec<_>>(), None);
    let said_of = |summary: &TargetSummary| reached(&summary.overview(), None, at(LATER));
    let all = said_of(&with([Some(&full); 4]));
    assert_eq!(
        said(&all),
        (True, Reason::ReplicasReached, "the replicas are within the effective bounds on all 4 targets")
    );
    let gone = ScaleReading::NotFound;
    let some = with([Some(&full), Some(&gone), Some(&pods(70, 70)), Some(&gone)]);
    let message = "not reached on 3 of 4 targets; c: there were 70 replicas at 2026-11-27T06:05:00Z, 10 more than 60; the \
                   HorizontalPodAutoscaler asks for 40; look at the events of Deployment shop/c and at its pods that are \
                   ending";
    assert_eq!(said(&said_of(&some)), (False, Reason::ReplicasAbove, message));
    let rest: BTreeSet<_> = some.to_read().map(|(name, _)| name).collect();
    assert_eq!(rest, BTreeSet::from(["b", "c", "d"]), "what is reached is not read again");
    let two = said_of(&with([Some(&full), Some(&gone), Some(&full), Some(&gone)]));
    assert_eq!((two.status, two.reason), (Unknown, Reason::TargetUnreadable));
    let begin = "not reached on 2 of 4 targets; b: there is no Deployment shop/b";
    assert!(two.message.starts_with(begin), "{}", two.message);
    let unread = said_of(&with([Some(&full), Some(&gone), Some(&pods(70, 70)), None]));
    let message = "the replicas of what it scales have not been read yet";
    assert_eq!(said(&unread), (Unknown, Reason::TargetUnreadable, message), "one answer, once all are read");
}

#[test]
fn a_reading_for_other_bounds_does_not_count() {
    let (web, full) = (hpa("web", 40, &able()), pods(40, 40));
    let with = |read_for| {
        let mut summary = summary(&[(&web, None)], None);
        summary.note_reading(&web, full.clone(), read_for);
        reached(&summary.overview(), None, at(LATER)).status
    };
    assert_eq!([with(bounds(10, 60)), with(bounds(40, 60))], [Unknown, True]);
}
