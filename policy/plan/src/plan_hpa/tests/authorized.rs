//! Whether the requester may patch the target: asked when an override becomes active, and only then.

use super::*;

const STAMP: &str = r#"{"user":"alice","groups":["devs"]}"#;

fn authorize() -> Settings {
    Settings::parse(&json!({"authorizeRequester": true})).unwrap()
}

/// The plan for black-friday, with its requester, and the answer to its question.
fn answered(may_patch: MayPatch, stamp: Option<&str>, hpa: &Value) -> HpaPlan {
    let mut object = black_friday();
    object["metadata"]["annotations"] = json!({"hpa-override.dev/requested-by": stamp});
    let (hpa, ovr) = (HpaView::parse(hpa), ParsedOverride::parse(&object, at(NOW)));
    plan_hpa(&hpa, &[&ovr], &authorize(), &|_| may_patch, at(NOW), None)
}

fn question() -> Question {
    Question { user: "alice".into(), groups: vec!["devs".into()], namespace: "shop".into(), name: Some("web".into()) }
}

#[test]
fn a_start_asks_first_and_writes_nothing() {
    let plan = answered(MayPatch::NotAsked, Some(STAMP), &hpa(2, 5));
    assert_eq!((plan.patch.clone(), plan.questions.clone()), (None, [question()].into()));
    assert_eq!(phase(&plan, "black-friday"), (Phase::Blocked, Reason::NotAuthorized));
}

#[test]
fn a_requester_who_may_patch_starts_it() {
    let plan = answered(MayPatch::Yes, Some(STAMP), &hpa(2, 5));
    assert_eq!(plan.questions, [].into());
    assert_eq!(phase(&plan, "black-friday"), (Phase::Active, Reason::Applied));
    assert_eq!(
        events(&plan)[0],
        "shop/black-friday Applied AutoscalerOverride shop/black-friday, requested by `alice`, is active until \
         2026-11-27T18:00:00Z; bounds are 10-20"
    );
}

#[rstest]
#[case::denied(
    MayPatch::No,
    Some(STAMP),
    "spec.hpa: `alice` may not patch HorizontalPodAutoscaler shop/web, and so may not override it; ask its owner"
)]
#[case::unavailable(
    MayPatch::Unavailable,
    Some(STAMP),
    "spec.hpa: it is not known whether `alice` may patch HorizontalPodAutoscaler shop/web: the cluster could not be asked; \
     try again, and ask the platform team if that lasts"
)]
#[case::error(
    MayPatch::Error,
    Some(STAMP),
    "spec.hpa: it is not known whether `alice` may patch HorizontalPodAutoscaler shop/web: the cluster answered with an \
     error; try again"
)]
#[case::no_stamp(
    MayPatch::NotAsked,
    None,
    "spec.hpa: the override does not name its requester, who must be allowed to patch HorizontalPodAutoscaler shop/web; \
     create it anew where the guard policy is installed, which writes hpa-override.dev/requested-by"
)]
#[case::a_stamp_that_cannot_be_read(
    MayPatch::NotAsked,
    Some("alice"),
    "spec.hpa: the override does not name its requester, who must be allowed to patch HorizontalPodAutoscaler shop/web; \
     create it anew where the guard policy is installed, which writes hpa-override.dev/requested-by"
)]
fn no_other_answer_starts_it(#[case] may_patch: MayPatch, #[case] stamp: Option<&str>, #[case] sentence: &str) {
    let plan = answered(may_patch, stamp, &hpa(2, 5));
    assert_eq!((plan.patch.clone(), plan.questions.clone()), (None, [].into()));
    assert_eq!(phase(&plan, "black-friday"), (Phase::Blocked, Reason::NotAuthorized));
    assert_eq!(message(&plan, "black-friday"), sentence);
}

#[rstest]
fn an_active_override_is_not_asked_about(#[values(MayPatch::No, MayPatch::NotAsked)] may_patch: MayPatch) {
    let plan = answered(may_patch, Some(STAMP), &with_record(hpa(10, 20), &record()));
    assert_eq!((plan.patch.clone(), plan.questions.clone()), (None, [].into()));
    assert_eq!(phase(&plan, "black-friday"), (Phase::Active, Reason::Applied));
}

/// black-friday is active until 18:00 by the record; the controller restarts later.
#[rstest]
#[case::the_next_occurrence("0 8,20 * * *", "10h", "2026-11-27T20:00:00Z", true)]
#[case::one_that_touches("0 8,18 * * *", "10h", "2026-11-27T18:00:00Z", false)]
#[case::one_that_overlaps("0 8,17 * * *", "10h", "2026-11-27T18:00:00Z", false)]
fn an_occurrence_after_a_gap_is_asked_about(
    #[case] cron: &str,
    #[case] duration: &str,
    #[case] now: &str,
    #[case] asked: bool,
) {
    let mut object = ovr("black-friday", &json!({"schedule": {"cron": cron}, "duration": duration}));
    object["metadata"]["annotations"] = json!({"hpa-override.dev/requested-by": STAMP});
    let hpa = with_record(hpa(10, 20), &record());
    let plan = At { now, settings: authorize(), ..At::default() }.plan(&hpa, &[object]);
    assert_eq!(plan.questions.len(), usize::from(asked));
    let expected = if asked { (Phase::Blocked, Reason::NotAuthorized) } else { (Phase::Active, Reason::Applied) };
    assert_eq!(phase(&plan, "black-friday"), expected);
}

#[rstest]
#[case::not_yet(json!({"startsAt": "2026-11-27T06:00:01Z"}))]
#[case::suspended(json!({"suspend": true}))]
#[case::protected(json!({"namespace": "kube-system"}))]
fn what_would_not_start_is_not_asked_about(#[case] fields: Value) {
    let mut object = ovr("black-friday", &fields);
    object["metadata"]["annotations"] = json!({"hpa-override.dev/requested-by": STAMP});
    let plan = At { settings: authorize(), ..At::default() }.plan(&hpa(2, 5), &[object]);
    assert_eq!(plan.questions, [].into());
}

#[test]
fn a_selector_asks_about_all_hpas_of_the_namespace() {
    let mut object = ovr("black-friday", &json!({"hpa": null, "selector": {"matchLabels": {"tier": "front"}}}));
    object["metadata"]["annotations"] = json!({"hpa-override.dev/requested-by": STAMP});
    let mut hpa = hpa(2, 5);
    hpa["metadata"]["labels"] = json!({"tier": "front"});
    let plan = At { settings: authorize(), ..At::default() }.plan(&hpa, &[object]);
    assert_eq!(plan.questions, [Question { name: None, ..question() }].into());
}
