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

/// What the owner wants is 2–5, what stands 40–60, by one layer until 60 s that returns over 10 min.
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

fn origin(record: &Record) -> Option<(Option<i32>, Option<i32>)> {
    record.landing.as_ref().map(|landing| (landing.from.get(Bound::Min), landing.from.get(Bound::Max)))
}

#[rstest]
#[case::before_the_end(59, (40, 60))]
#[case::at_the_end(60, (40, 60))]
#[case::before_the_first_step(74, (40, 60))]
#[case::first_step(75, (40, 59))]
#[case::second_step(90, (39, 58))]
#[case::half(360, (21, 33))]
#[case::last_second(659, (3, 7))]
#[case::landed(660, (2, 5))]
#[case::long_after(100_000, (2, 5))]
fn an_end_comes_down_in_steps(#[case] seconds: i64, #[case] stands: (i32, i32)) {
    let record = advanced(&overridden(), seconds);
    assert_eq!(record.effective, pair(stands));
    assert_eq!(record.landing.is_some(), (60..660).contains(&seconds));
}

/// The law that makes admission and a controller that was down agree.
#[test]
fn one_walk_is_as_good_as_many() {
    let mut many = read(&overridden());
    for seconds in 0..700 {
        many.advance(at(seconds));
        many.as_of = at(seconds);
        let once = Record { as_of: many.as_of, ..advanced(&overridden(), seconds) };
        assert_eq!(once, many, "at {seconds} s");
    }
}

#[test]
fn only_what_stands_above_lands() {
    let mut record = overridden();
    record["desired"] = json!({"minReplicas": 2, "maxReplicas": 80});
    let record = advanced(&record, 60);
    assert_eq!((record.effective, origin(&record)), (pair((40, 80)), Some((Some(40), None))), "max rises at once");
}

#[test]
fn an_end_that_changes_nothing_starts_no_landing() {
    let mut record = overridden();
    record["layers"][0]["minReplicas"] = 2.into();
    record["layers"][0]["maxReplicas"] = 5.into();
    record["effective"] = json!({"minReplicas": 2, "maxReplicas": 5});
    assert_eq!(origin(&advanced(&record, 60)), None);
}

#[test]
fn of_many_ends_at_one_instant_the_highest_that_changes_something_lands() {
    let mut record = overridden();
    record["layers"] = json!([
        layer("top", "Raise", (json!(3), json!(null)), 60, Some("1h")),
        layer("a", "Set", (json!(40), json!(60)), 60, Some("10m")),
        layer("low", "Set", (json!(7), json!(9)), 60, Some("20m")),
    ]);
    let record = advanced(&record, 60);
    let landing = record.landing.as_ref().unwrap();
    assert_eq!((landing.by.to_string().as_str(), landing.over.to_string().as_str()), ("shop/top", "1h"));
    assert_eq!((record.effective, origin(&record)), (pair((40, 60)), Some((Some(40), Some(60)))));
}

#[test]
fn a_hand_over_to_a_lower_layer_comes_down_to_it() {
    let mut record = overridden();
    let lower = layer("b", "Set", (json!(10), json!(20)), 100_000, None);
    record["layers"].as_array_mut().unwrap().push(lower);
    assert_eq!(advanced(&record, 360).effective, pair((25, 40)));
    assert_eq!(advanced(&record, 660).effective, pair((10, 20)));
}

#[test]
fn a_new_landing_replaces_the_old_one_from_what_stands() {
    let mut record = overridden();
    let lower = layer("b", "Set", (json!(10), json!(20)), 360, Some("1m"));
    record["layers"].as_array_mut().unwrap().push(lower);
    let record = advanced(&record, 360);
    assert_eq!(record.landing.as_ref().map(|landing| landing.by.to_string()).as_deref(), Some("shop/b"));
    assert_eq!(origin(&record), Some((Some(26), Some(41))), "where the old one stood a second before");
}

#[rstest]
#[case::max(json!(null), json!(30), (21, 30))]
#[case::max_alone_caps_min_too(json!(null), json!(15), (15, 15))]
#[case::no_further_than_what_follows(json!(1), json!(3), (1, 3))]
#[case::min(json!(10), json!(30), (10, 30))]
#[case::relative(json!(null), json!("200%"), (10, 10))]
fn a_cap_cuts_through(#[case] min: Value, #[case] max: Value, #[case] stands: (i32, i32)) {
    let mut record = advanced(&overridden(), 360);
    let cap = Layer::read(layer("cap", "Cap", (min, max), 100_000, None)).unwrap();
    record.put(vec![cap], Clamps::default(), at(360));
    assert_eq!(record.effective, pair(stands));
}

#[test]
fn a_ceiling_cuts_through() {
    let mut record = advanced(&overridden(), 360);
    record.put(Vec::new(), Clamps { ceiling: Some(30), ..Clamps::default() }, at(360));
    assert_eq!(record.effective, pair((21, 30)));
}

#[test]
fn what_follows_reaching_what_stands_ends_the_landing_of_that_bound_for_good() {
    let mut record = advanced(&overridden(), 360);
    record.as_of = at(360);
    record.hear(pair((2, 33)));
    assert_eq!((record.effective, origin(&record)), (pair((21, 33)), Some((Some(40), None))));
    record.hear(pair((2, 5)));
    assert_eq!(record.effective, pair((21, 21)), "max is out of it, and only follows min");
}

#[test]
fn the_owners_word_during_a_landing_moves_what_it_comes_down_to() {
    let mut record = advanced(&overridden(), 360);
    record.as_of = at(360);
    record.hear(pair((4, 9)));
    assert_eq!(record.effective, pair((22, 35)));
    record.advance(at(660));
    assert_eq!(record.effective, pair((4, 9)));
}

#[test]
fn the_same_name_in_force_again_ends_its_own_landing() {
    let mut record = advanced(&overridden(), 360);
    let again = Layer::read(layer("a", "Set", (json!(null), json!(7)), 100_000, None)).unwrap();
    record.put(vec![again], Clamps::default(), at(360));
    assert_eq!((record.effective, origin(&record)), (pair((2, 7)), None));
}

#[test]
fn what_left_with_the_record_has_landed() {
    let mut record = advanced(&overridden(), 360);
    record.land_what_left(pair((2, 33)));
    assert_eq!(origin(&record), Some((None, Some(60))));
}

#[test]
fn a_layer_that_leaves_before_its_time_leaves_now() {
    let mut record = read(&overridden());
    record.walk(at(30), |_| Some(at(30)));
    assert_eq!((record.effective, record.landing.map(|landing| landing.at)), (pair((40, 60)), Some(at(30))));
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
