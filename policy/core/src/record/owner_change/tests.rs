use rstest::rstest;
use serde_json::json;

use super::*;

fn record() -> Record {
    Record::parse(
        &json!({"v": 1, "asOf": "2026-11-27T06:00:00Z",
            "desired": {"minReplicas": 2, "maxReplicas": 5}, "effective": {"minReplicas": 10, "maxReplicas": 20},
            "ours": {"minReplicas": [10, 7], "maxReplicas": [20, 30]}})
        .to_string(),
    )
    .unwrap()
}

#[rstest]
#[case::effective_is_an_echo((10, 20), (2, 5))]
#[case::an_older_number_is_an_echo((7, 30), (2, 5))]
#[case::both_changed((3, 8), (3, 8))]
#[case::one_changed_one_echo((10, 25), (2, 25))]
#[case::the_owners_own_number((2, 20), (2, 5))]
#[case::a_changed_min_raises_max((9, 20), (9, 9))]
#[case::a_changed_max_lowers_min((1, 1), (1, 1))]
#[case::zero_is_a_change((0, 20), (0, 5))]
fn desired(#[case] incoming: (i32, i32), #[case] expected: (i32, i32)) {
    let incoming = Bounds::new(incoming.0, incoming.1).unwrap();
    assert_eq!(
        desired_after_write(&record(), incoming, Declared::NOTHING),
        Bounds::new(expected.0, expected.1).unwrap()
    );
}

fn applied(spec: &Value) -> Value {
    json!({"metadata": {"annotations": {LAST_APPLIED: json!({"spec": spec}).to_string()}}})
}

/// The object with the bounds that are sent.
fn sent(mut object: Value) -> Value {
    object["spec"] = json!({"minReplicas": 10, "maxReplicas": 20});
    object
}

#[rstest]
#[case::both(json!({"minReplicas": 10, "maxReplicas": 20}), (10, 20))]
#[case::only_the_named_bound(json!({"maxReplicas": 20}), (2, 20))]
#[case::named_with_another_value(json!({"minReplicas": 3, "maxReplicas": 8}), (2, 5))]
fn a_changed_declaration_is_an_owner_change(#[case] spec: Value, #[case] desired: (i32, i32)) {
    let incoming = Bounds::new(10, 20).unwrap();
    let declared = Declared::from_write(Some(&json!({})), &sent(applied(&spec)));
    assert_eq!(desired_after_write(&record(), incoming, declared), Bounds::new(desired.0, desired.1).unwrap());
}

#[test]
fn an_unchanged_or_unreadable_declaration_is_none() {
    let same = applied(&json!({"minReplicas": 10, "maxReplicas": 20}));
    assert_eq!(Declared::from_write(Some(&sent(same.clone())), &sent(same)), Declared::NOTHING);
    let broken = json!({"metadata": {"annotations": {LAST_APPLIED: "{"}}});
    assert_eq!(Declared::from_write(None, &sent(broken)), Declared::NOTHING);
}

#[test]
fn a_declaration_that_carries_our_record_declares_nothing() {
    let carrying = json!({"metadata": {"annotations": {RECORD_ANNOTATION: "{}"}},
                          "spec": {"minReplicas": 10, "maxReplicas": 20}});
    let new = json!({"metadata": {"annotations": {LAST_APPLIED: carrying.to_string()}}});
    assert_eq!(Declared::from_write(None, &sent(new)), Declared::NOTHING);
}

#[rstest]
#[case::create((10, 20), None, (2, 5))]
#[case::an_echo_becomes_the_old_bound((10, 20), Some((3, 8)), (3, 8))]
#[case::unless_that_is_an_echo_too((10, 20), Some((7, 8)), (2, 8))]
#[case::any_other_number_stays((4, 20), Some((3, 8)), (4, 8))]
#[case::the_number_sent_wins_over_a_lower_max((9, 20), None, (9, 9))]
#[case::the_number_sent_wins_over_a_higher_min((10, 12), Some((13, 40)), (12, 12))]
fn a_copy_is_rebased(#[case] sent: (i32, i32), #[case] old: Option<(i32, i32)>, #[case] expected: (i32, i32)) {
    let pair = |(min, max)| Bounds::new(min, max).unwrap();
    assert_eq!(rebased_copy(&record(), pair(sent), old.map(pair)), pair(expected));
}
