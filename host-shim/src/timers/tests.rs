use std::{sync::Arc, time::Duration};

use hpa_override_core::Id;
use rstest::rstest;
use tokio::{task::yield_now, time::advance};

use super::*;

fn key(text: &str) -> Key {
    Arc::new(Id::parse(text).unwrap())
}

fn start() -> Instant {
    "2026-11-27T06:00:00Z".parse().unwrap()
}

fn at(seconds: i64) -> Instant {
    start().saturating_add(seconds)
}

fn clock() -> Clock {
    Clock::simulated(start())
}

/// What is due next, and the seconds since the start.
async fn next(timers: &Timers, clock: Clock) -> (Vec<String>, i64) {
    let due = timeout(Duration::from_hours(48), timers.next_due(clock)).await.expect("nothing is due for two days");
    (due.iter().map(|(_, key)| key.to_string()).collect(), clock.now().instant().since(start()))
}

#[rstest]
#[case::soon(5)]
#[case::longer_than_a_sleep(100)]
#[case::a_day(86_400)]
#[case::now(0)]
#[case::past(-5)]
#[tokio::test(start_paused = true)]
async fn a_key_is_due_in_the_second_of_its_instant(#[case] seconds: i64) {
    let (timers, clock) = (Timers::default(), clock());
    timers.set(&key("shop/web"), Some(at(seconds)));
    assert_eq!(next(&timers, clock).await, (vec!["shop/web".into()], seconds.max(0)));
    assert_eq!(timers.instants().first(), None, "it is due once");
}

#[tokio::test(start_paused = true)]
async fn all_that_are_due_come_together_the_earliest_first() {
    let (timers, clock) = (Timers::default(), clock());
    for (text, seconds) in [("a/third", 5), ("b/first", 3), ("c/second", 4), ("a/later", 6)] {
        timers.set(&key(text), Some(at(seconds)));
    }
    advance(Duration::from_millis(5500)).await;
    assert_eq!(next(&timers, clock).await, (["b/first", "c/second", "a/third"].map(Into::into).into(), 5));
    assert_eq!(timers.instants().first(), Some(at(6)));
    assert_eq!(next(&timers, clock).await, (vec!["a/later".into()], 6));
}

#[tokio::test(start_paused = true)]
async fn the_last_instant_that_is_set_counts() {
    let (timers, clock) = (Timers::default(), clock());
    timers.set(&key("shop/web"), Some(at(5)));
    timers.set(&key("shop/cart"), Some(at(6)));
    timers.set(&key("shop/none"), Some(at(7)));
    timers.set(&key("shop/web"), Some(at(8)));
    timers.set(&key("shop/none"), None);
    assert_eq!(timers.instants().first(), Some(at(6)));
    assert_eq!(next(&timers, clock).await, (vec!["shop/cart".into()], 6));
    assert_eq!(next(&timers, clock).await, (vec!["shop/web".into()], 8));
}

#[rstest]
#[case::before_a_later_one(Some(at(3600)))]
#[case::alone(None)]
#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_by_an_earlier_instant(#[case] first: Option<Instant>) {
    let (timers, clock) = (Arc::new(Timers::default()), clock());
    timers.set(&key("shop/late"), first);
    let shared = timers.clone();
    let waiting = tokio::spawn(async move { next(&shared, clock).await });
    yield_now().await;
    timers.set(&key("shop/web"), Some(at(5)));
    assert_eq!(waiting.await.unwrap(), (vec!["shop/web".into()], 5));
}

/// How often somebody who waits looks, within an hour in which nothing is due.
#[rstest]
#[case::nothing_is_set(&[], 1)]
#[case::set_and_removed(&[Some(at(5)), None], 1)]
#[case::due_tomorrow(&[Some(at(86_400))], 120)]
#[tokio::test(start_paused = true)]
async fn it_looks_at_the_wall_clock_twice_a_minute_at_most(#[case] set: &[Option<Instant>], #[case] most: u32) {
    let (timers, clock) = (Timers::default(), clock());
    for instant in set {
        timers.set(&key("shop/web"), *instant);
    }
    let mut looks = 0;
    let mut waiting = pin!(timers.next_due(clock));
    let counted = std::future::poll_fn(|context| {
        looks += 1;
        waiting.as_mut().poll(context)
    });
    assert!(timeout(Duration::from_hours(1), counted).await.is_err(), "nothing is due");
    // One more, where the hour is over.
    assert!((most..=most + 1).contains(&looks), "it looked {looks} times in an hour");
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_loses_nothing() {
    let (timers, clock) = (Timers::default(), clock());
    timers.set(&key("shop/web"), Some(at(60)));
    assert!(timeout(Duration::from_secs(1), timers.next_due(clock)).await.is_err(), "nothing is due");
    assert_eq!(next(&timers, clock).await, (vec!["shop/web".into()], 60));
}

#[tokio::test(start_paused = true)]
async fn what_is_due_leaves_nothing_behind() {
    let (timers, clock) = (Timers::default(), clock());
    timers.set(&key("shop/web"), Some(at(5)));
    timers.set(&key("shop/cart"), Some(at(5)));
    timers.set(&key("shop/cart"), None);
    next(&timers, clock).await;
    let instants = timers.instants();
    assert!(instants.by_key.is_empty() && instants.in_order.is_empty(), "{instants:?}");
}
