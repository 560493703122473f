use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const T0: &str = "2026-11-27T10:00:00Z";

fn at(seconds: i64) -> Instant {
    T0.parse::<Instant>().unwrap().saturating_add(seconds)
}

fn pair((min, max): (i32, i32)) -> Bounds {
    Bounds::new(min, max).unwrap()
}

fn read(record: &Value) -> Record {
    Record::parse(&record.to_string()).unwrap()
}

fn layer(name: &str, mode: &str, bounds: (Value, Value), until: i64, over: Option<&str>) -> Value {
    let (min, max) = bounds;
    json!({"by": format!("shop/{name}"), "uid": name, "mode": mode, "minReplicas": min, "maxReplicas": max,
           "until": at(until).to_string(), "returnOver": over})
}

/// Desired 2-5, effective 40-60, by one layer until 60 s that returns over 10 min.
fn overridden() -> Value {
    json!({"v": 1, "asOf": T0, "desired": {"minReplicas": 2, "maxReplicas": 5},
           "effective": {"minReplicas": 40, "maxReplicas": 60},
           "layers": [layer("a", "Set", (json!(40), json!(60)), 60, Some("10m"))]})
}

fn advanced(record: &Value, seconds: i64) -> Record {
    let mut record = read(record);
    record.advance(at(seconds));
    record
}

fn from(record: &Record) -> Option<(Option<i32>, Option<i32>)> {
    record.gradual_return.as_ref().map(|returning| (returning.from.get(Bound::Min), returning.from.get(Bound::Max)))
}

#[rstest]
#[case::before_the_end(59, (40, 60))]
#[case::at_the_end(60, (40, 60))]
#[case::before_the_first_step(74, (40, 60))]
#[case::first_step(75, (40, 59))]
#[case::second_step(90, (39, 58))]
#[case::half(360, (21, 33))]
#[case::last_second(659, (3, 7))]
#[case::returned(660, (2, 5))]
#[case::long_after(100_000, (2, 5))]
fn after_an_end_the_bounds_return_in_steps(#[case] seconds: i64, #[case] effective: (i32, i32)) {
    let record = advanced(&overridden(), seconds);
    assert_eq!(record.effective, pair(effective));
    assert_eq!(record.gradual_return.is_some(), (60..660).contains(&seconds));
}

/// So that admission and a controller that was down agree.
#[test]
fn advancing_in_steps_gives_the_same_as_at_once() {
    let mut many = read(&overridden());
    for seconds in 0..700 {
        many.advance(at(seconds));
        many.as_of = at(seconds);
        let once = Record { as_of: many.as_of, ..advanced(&overridden(), seconds) };
        assert_eq!(once, many, "at {seconds} s");
    }
}

#[test]
fn only_a_bound_above_what_follows_returns_gradually() {
    let mut record = overridden();
    record["desired"] = json!({"minReplicas": 2, "maxReplicas": 80});
    let record = advanced(&record, 60);
    assert_eq!((record.effective, from(&record)), (pair((40, 80)), Some((Some(40), None))), "max rises at once");
}

#[test]
fn an_end_that_changes_nothing_starts_no_gradual_return() {
    let mut record = overridden();
    record["layers"][0]["minReplicas"] = 2.into();
    record["layers"][0]["maxReplicas"] = 5.into();
    record["effective"] = json!({"minReplicas": 2, "maxReplicas": 5});
    assert_eq!(from(&advanced(&record, 60)), None);
}

#[test]
fn of_many_ends_at_one_instant_the_highest_that_changes_something_counts() {
    let mut record = overridden();
    record["layers"] = json!([
        layer("top", "Raise", (json!(3), json!(null)), 60, Some("1h")),
        layer("a", "Set", (json!(40), json!(60)), 60, Some("10m")),
        layer("low", "Set", (json!(7), json!(9)), 60, Some("20m")),
    ]);
    let record = advanced(&record, 60);
    let returning = record.gradual_return.as_ref().unwrap();
    assert_eq!((returning.by.to_string().as_str(), returning.over.to_string().as_str()), ("shop/top", "1h"));
    assert_eq!((record.effective, from(&record)), (pair((40, 60)), Some((Some(40), Some(60)))));
}

#[test]
fn the_bounds_return_to_a_lower_layer() {
    let mut record = overridden();
    let lower = layer("b", "Set", (json!(10), json!(20)), 100_000, None);
    record["layers"].as_array_mut().unwrap().push(lower);
    assert_eq!(advanced(&record, 360).effective, pair((25, 40)));
    assert_eq!(advanced(&record, 660).effective, pair((10, 20)));
}

#[test]
fn a_new_gradual_return_replaces_the_old_one_from_the_effective_bounds() {
    let mut record = overridden();
    let lower = layer("b", "Set", (json!(10), json!(20)), 360, Some("1m"));
    record["layers"].as_array_mut().unwrap().push(lower);
    let record = advanced(&record, 360);
    assert_eq!(record.gradual_return.as_ref().map(|returning| returning.by.to_string()).as_deref(), Some("shop/b"));
    assert_eq!(from(&record), Some((Some(26), Some(41))), "the values of a second before");
}

/// A Cap that lowers below what the owner wants: at its end nothing is above what follows, and the older gradual return,
/// which it hid, does not come back.
#[test]
fn an_empty_gradual_return_replaces_the_old_one_too() {
    let mut record = advanced(&overridden(), 120);
    record.as_of = at(120);
    let cap = Layer::parse(layer("cap", "Cap", (json!(1), json!(3)), 240, Some("5m"))).unwrap();
    record.set_layers(vec![cap], Clamps::default(), at(120));
    record.as_of = at(120);
    record.advance(at(240));
    assert_eq!((record.effective, from(&record)), (pair((2, 5)), None));
}

#[rstest]
#[case::max(json!(null), json!(30), (21, 30))]
#[case::max_alone_caps_min_too(json!(null), json!(15), (15, 15))]
#[case::no_further_than_what_follows(json!(1), json!(3), (1, 3))]
#[case::min(json!(10), json!(30), (10, 30))]
#[case::relative(json!(null), json!("200%"), (10, 10))]
fn a_cap_cuts_through(#[case] min: Value, #[case] max: Value, #[case] effective: (i32, i32)) {
    let mut record = advanced(&overridden(), 360);
    let cap = Layer::parse(layer("cap", "Cap", (min, max), 100_000, None)).unwrap();
    record.set_layers(vec![cap], Clamps::default(), at(360));
    assert_eq!(record.effective, pair(effective));
}

#[test]
fn a_ceiling_cuts_through() {
    let mut record = advanced(&overridden(), 360);
    record.set_layers(Vec::new(), Clamps { ceiling: Some(30), ..Clamps::default() }, at(360));
    assert_eq!(record.effective, pair((21, 30)));
}

#[test]
fn a_factor_cuts_through() {
    let mut record = advanced(&overridden(), 360);
    record.set_layers(Vec::new(), Clamps { factor: Some(5), ..Clamps::default() }, at(360));
    assert_eq!(record.effective, pair((21, 25)));
    record.apply_owner_change(pair((2, 4)), at(360));
    assert_eq!(record.effective, pair((20, 20)), "the factor is of the max that the owner wants now");
}

#[test]
fn a_change_that_reaches_the_effective_value_finishes_that_bound() {
    let mut record = advanced(&overridden(), 360);
    record.as_of = at(360);
    record.apply_owner_change(pair((2, 33)), at(360));
    assert_eq!((record.effective, from(&record)), (pair((21, 33)), Some((Some(40), None))));
    record.apply_owner_change(pair((2, 5)), at(360));
    assert_eq!(record.effective, pair((21, 21)), "max has finished, and only follows min");
}

#[test]
fn an_owner_change_during_a_gradual_return_moves_its_goal() {
    let mut record = advanced(&overridden(), 360);
    record.as_of = at(360);
    record.apply_owner_change(pair((4, 9)), at(360));
    assert_eq!(record.effective, pair((22, 35)));
    record.advance(at(660));
    assert_eq!(record.effective, pair((4, 9)));
}

#[test]
fn an_override_that_is_active_again_ends_its_own_gradual_return() {
    let mut record = advanced(&overridden(), 360);
    let again = Layer::parse(layer("a", "Set", (json!(null), json!(7)), 100_000, None)).unwrap();
    record.set_layers(vec![again], Clamps::default(), at(360));
    assert_eq!((record.effective, from(&record)), (pair((2, 7)), None));
}

#[test]
fn a_bound_that_was_replaced_has_finished() {
    let mut record = advanced(&overridden(), 360);
    record.finish_replaced(&record.clone(), pair((2, 33)));
    assert_eq!(from(&record), Some((None, Some(60))));
}

#[test]
fn a_layer_may_end_before_its_until() {
    let mut record = read(&overridden());
    record.advance_by(at(30), |_| Some(at(30)));
    assert_eq!((record.effective, record.gradual_return.map(|returning| returning.at)), (pair((40, 60)), Some(at(30))));
}

#[rstest]
#[case::the_end(0, Some(60))]
#[case::first_step(60, Some(75))]
#[case::next_step(75, Some(90))]
#[case::the_last_second(650, Some(660))]
#[case::nothing_more(660, None)]
fn transitions(#[case] seconds: i64, #[case] next: Option<i64>) {
    let mut record = advanced(&overridden(), seconds);
    record.as_of = at(seconds);
    assert_eq!(record.next_transition(), next.map(at));
}

#[test]
fn a_step_that_moves_nothing_is_no_transition() {
    let mut record = overridden();
    record["desired"] = json!({"minReplicas": 39, "maxReplicas": 59});
    let mut record = advanced(&record, 60);
    record.as_of = at(60);
    assert_eq!(record.next_transition(), Some(at(660)));
}

/// The end is computed with what the owner wanted then (ARCHITECTURE.md, "The order of a decision").
#[test]
fn an_owner_change_does_not_reach_into_the_time_before_it() {
    let mut record = advanced(&overridden(), 360);
    let before = record.clone();
    record.apply_owner_change(pair((1, 1)), at(360));
    assert_eq!((record.gradual_return, record.layers), (before.gradual_return, before.layers));
}
