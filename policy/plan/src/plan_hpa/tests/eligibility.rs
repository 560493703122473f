//! Which overrides are active on an HPA, and why not.

use super::*;

#[rstest]
#[case::priority(json!({"priority": 1}), NOW, "night")]
#[case::newer(json!({}), "2026-11-27T05:59:59Z", "black-friday")]
#[case::name(json!({}), NOW, "black-friday")]
fn precedence(#[case] fields: Value, #[case] created: &str, #[case] top: &str) {
    let mut night = ovr("night", &fields);
    night["metadata"]["creationTimestamp"] = created.into();
    let there = plan(&hpa(2, 5), &[night.clone(), black_friday()]);
    assert_eq!(written(&there).layers[0].by.name, top);
    assert_eq!(plan(&hpa(2, 5), &[black_friday(), night]), there);
}

#[test]
fn a_superseded_override_names_the_winner() {
    let plan = plan(&hpa(2, 5), &[black_friday(), ovr("night", &json!({"minReplicas": 3, "maxReplicas": 4}))]);
    assert_eq!(phase(&plan, "night"), (Phase::Superseded, Reason::Superseded));
    assert_eq!(message(&plan, "night"), "AutoscalerOverride shop/black-friday supersedes it");
    assert_eq!(phase(&plan, "black-friday"), (Phase::Active, Reason::Applied));
}

fn owned(mut hpa: Value) -> Value {
    hpa["metadata"]["ownerReferences"] = json!([{"kind": "ScaledObject", "name": "web", "controller": true}]);
    hpa
}

#[test]
fn an_owned_hpa_is_blocked_at_the_start_and_not_cut_off_later() {
    let start = plan(&owned(hpa(2, 5)), &[black_friday()]);
    assert_eq!(
        (start.patch.clone(), phase(&start, "black-friday")),
        (None, (Phase::Blocked, Reason::OwnedByController))
    );
    assert_eq!(
        message(&start, "black-friday"),
        "the HorizontalPodAutoscaler has a controller (as KEDA's have), which would revert the bounds at once; \
         change the bounds where that controller takes them from"
    );
    let active = plan(&owned(with_record(hpa(10, 20), &record())), &[black_friday()]);
    assert_eq!((active.patch.clone(), phase(&active, "black-friday")), (None, (Phase::Active, Reason::Applied)));
}

#[test]
fn the_33rd_override_is_one_too_many() {
    let number = |number: i32| ovr(&format!("o{number:02}"), &json!({"priority": -number}));
    let overrides: Vec<Value> = (1..=33).map(number).collect();
    let there = plan(&hpa(2, 5), &overrides);
    assert_eq!(written(&there).layers.len(), 32);
    assert_eq!(phase(&there, "o33"), (Phase::Blocked, Reason::TooManyOverrides));
    assert_eq!(
        message(&there, "o33"),
        "32 overrides of higher precedence are active on the HorizontalPodAutoscaler, which is the most; \
         end one of them or raise this one's priority"
    );
    assert_eq!(phase(&plan(&hpa(2, 5), &overrides[1..]), "o33"), (Phase::Superseded, Reason::Superseded));
}

#[rstest]
#[case::the_default_is_shorter_now(json!({"duration": null}), "1h", true)]
#[case::the_default_is_longer_now(json!({"duration": null}), "48h", true)]
#[case::its_own_end_wins(json!({"duration": "1h"}), "48h", false)]
fn an_end_by_default_is_fixed_by_the_record(#[case] fields: Value, #[case] default: &str, #[case] fixed: bool) {
    let settings = Settings::parse(&json!({"defaultDuration": default})).unwrap();
    let hpa = with_record(hpa(10, 20), &record());
    let plan = At { settings, ..At::default() }.plan(&hpa, &[ovr("black-friday", &fields)]);
    let end = if fixed { "2026-11-27T18:00:00Z" } else { "2026-11-27T07:00:00Z" };
    assert_eq!((plan.patch.is_none(), plan.next_transition), (fixed, Some(at(end))));
}

fn strict() -> Settings {
    Settings::parse(&json!({"maxDuration": "2h", "maxPriority": 0, "requireReason": true})).unwrap()
}

#[test]
fn limits_are_checked_only_at_the_start() {
    let overrides = [ovr("black-friday", &json!({"priority": 1}))];
    let start = At { settings: strict(), ..At::default() }.plan(&hpa(2, 5), &overrides);
    assert_eq!((start.patch.clone(), phase(&start, "black-friday")), (None, (Phase::Blocked, Reason::LimitExceeded)));
    assert_eq!(
        message(&start, "black-friday"),
        "spec.duration: from 2026-11-27T06:00:00Z to 2026-11-27T18:00:00Z is longer than the 2h allowed; end it earlier; \
         spec.priority: priority 1 is above the 0 allowed; lower it; \
         spec.reason: a reason is required; say why in reason, for example with the number of a ticket"
    );
    let active = with_record(hpa(10, 20), &record());
    let active = At { settings: strict(), ..At::default() }.plan(&active, &overrides);
    assert_eq!(phase(&active, "black-friday"), (Phase::Active, Reason::Applied));
}

#[rstest]
#[case::a_minute_more("2h1m", Phase::Active)]
#[case::a_minute_and_a_second_more("2h1m1s", Phase::Blocked)]
fn the_controller_checks_lengths_with_a_minute_to_spare(#[case] duration: &str, #[case] expected: Phase) {
    let settings = Settings::parse(&json!({"maxDuration": "2h"})).unwrap();
    let plan =
        At { settings, ..At::default() }.plan(&hpa(2, 5), &[ovr("black-friday", &json!({"duration": duration}))]);
    assert_eq!(phase(&plan, "black-friday").0, expected);
}

#[rstest]
#[case::protected(json!({}), json!({"protectedNamespaces": ["shop"]}), Reason::NamespaceProtected)]
#[case::another_namespace(json!({"namespace": "shop"}), json!({}), Reason::CrossNamespaceDenied)]
fn namespace_rules_end_an_active_override(#[case] fields: Value, #[case] settings: Value, #[case] reason: Reason) {
    let mut black_friday = ovr("black-friday", &fields);
    let mut record = record();
    if reason == Reason::CrossNamespaceDenied {
        black_friday["metadata"]["namespace"] = "bank".into();
        record["layers"][0]["by"] = "bank/black-friday".into();
    }
    let settings = Settings::parse(&settings).unwrap();
    let plan = At { settings, ..At::default() }.plan(&with_record(hpa(10, 20), &record), &[black_friday]);
    assert_eq!(plan.patch.as_ref().unwrap()["spec"], pair(2, 5));
    let found = plan.eligibility.values().next().unwrap();
    assert_eq!((found.phase, found.reason, plan.confirm), (Phase::Blocked, reason, false));
}

#[rstest]
#[case::invalid_and_over(json!({"minReplicas": 30, "duration": null, "expiresAt": "2026-11-26T00:00:00Z"}), (Phase::Invalid, Reason::Invalid))]
#[case::over(json!({"duration": null, "expiresAt": "2026-11-26T00:00:00Z"}), (Phase::Expired, Reason::Ended))]
#[case::too_high_and_not_yet(json!({"startsAt": "2026-12-01T00:00:00Z", "duration": "1h", "priority": 2000}), (Phase::Pending, Reason::Pending))]
#[case::too_high_and_over(json!({"duration": "1s", "startsAt": "2026-11-27T05:59:59Z", "priority": 2000}), (Phase::Expired, Reason::Ended))]
fn blocked_is_only_what_would_be_active(#[case] fields: Value, #[case] expected: (Phase, Reason)) {
    let plan = plan(&hpa(2, 5), &[ovr("black-friday", &fields)]);
    assert_eq!((plan.patch.clone(), phase(&plan, "black-friday")), (None, expected));
}

#[test]
fn an_override_of_another_hpa_has_the_phase_of_its_window() {
    let other = ovr("other", &json!({"hpa": "api"}));
    let plan = plan(&hpa(2, 5), &[other]);
    assert_eq!((plan.patch.clone(), plan.next_transition), (None, None));
    assert_eq!(phase(&plan, "other"), (Phase::Active, Reason::Applied));
}

#[test]
fn a_start_is_a_transition() {
    let overrides = [ovr("black-friday", &json!({"startsAt": "2026-11-27T06:00:01Z"}))];
    let before = plan(&hpa(2, 5), &overrides);
    assert_eq!((before.patch.clone(), before.next_transition), (None, Some(at("2026-11-27T06:00:01Z"))));
    assert_eq!(phase(&before, "black-friday"), (Phase::Pending, Reason::Pending));
    assert_eq!(message(&before, "black-friday"), "it starts at 2026-11-27T06:00:01Z");
    assert!(plan_at("2026-11-27T06:00:01Z", &hpa(2, 5), &overrides).patch.is_some());
}
