//! Connections and answers that fail, again and again: how often it is tried, and what is said.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_cut_is_resumed() {
    let (mut world, sending) = World::watching().await;
    sending.event("MODIFIED", &hpa("web", 11));
    sending.send("{\"type\":\"ADDED\"");
    sending.cut("connection reset by peer");
    let (watch, pause) = world.pause_before_next().await;
    assert_eq!(watch.param("resourceVersion").as_deref(), Some("11"));
    assert!(pause >= Duration::from_millis(500) && pause <= Duration::from_secs(1), "{pause:?}");
    assert_eq!(world.log.take(), [warning("connection reset by peer")]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_not_ended_is_given_up_after_55_s() {
    let (mut world, sending) = World::watching().await;
    let begin = Instant::now();
    sending.closed().await;
    assert_eq!(begin.elapsed(), Duration::from_secs(55));
    let sending = world.next_watch("10").await.answer_slowly();
    assert_eq!(world.log.take(), [warning("the API server did not end the watch within 55 s")]);
    let begin = Instant::now();
    for version in 11..16 {
        sleep(Duration::from_secs(10)).await;
        sending.bookmark(&version.to_string());
    }
    sending.closed().await;
    assert_eq!(begin.elapsed(), Duration::from_secs(55), "also one that brings something");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_closed_at_once_is_tried_more_and_more_slowly() {
    let (mut world, sending) = World::watching().await;
    drop(sending);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let (watch, pause) = world.pause_before_next().await;
        pauses.push(pause);
        watch.answer(200, "");
    }
    assert_grows(&pauses);
    assert_eq!(world.log.take(), [warning("the API server closed the watch at once")]);
}

#[tokio::test(start_paused = true)]
async fn lists_between_failing_watches_do_not_reset_the_pauses() {
    let (mut world, sending) = World::watching().await;
    let message = "too old resource version: 10 (99)";
    sending.event("ERROR", &status(410, "Expired", message));
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let (list, pause) = world.pause_before_next().await;
        pauses.push(pause);
        list.answer_json(&page(&[], 10));
        world.next_watch("10").await.refuse(410, "Expired", message);
    }
    assert_grows(&pauses);
}

#[tokio::test(start_paused = true)]
async fn a_first_list_that_fails_is_tried_more_and_more_slowly() {
    let mut world = World::start();
    let begin = Instant::now();
    let mut pauses = Vec::new();
    while begin.elapsed() < Duration::from_mins(2) {
        let (list, pause) = world.pause_before_next().await;
        list.fail("connection refused");
        pauses.push(pause);
    }
    assert_grows(pauses.split_at(1).1);
    world.settle().await;
    let lines = world.log.take();
    assert_eq!(lines[0], warning("connection refused"));
    assert!(lines.len() <= 5, "{lines:?}");
    let times = |line: &String| line.rsplit_once("failures=").and_then(|(_, times)| times.parse::<usize>().ok());
    let said: usize = lines.iter().map(|line| times(line).unwrap_or(1)).sum();
    assert!(said <= pauses.len() && said + 12 > pauses.len(), "{said} of {}", pauses.len());
    let calls = world.calls.take();
    assert!(calls.iter().all(|call| call == "begin"), "{calls:?}");

    let sending = world.list_and_watch().await;
    assert!(world.log.take().is_empty(), "a list alone is not yet a watch");
    sending.bookmark("10");
    world.settle().await;
    assert_eq!(world.log.take(), ["INFO watching horizontalpodautoscalers again"]);
}

/// From 0.5 s on, twice as long each time, with as much again of jitter, at most 5 s.
#[track_caller]
fn assert_grows(pauses: &[Duration]) {
    let shortest = [500, 1000, 2000].into_iter().chain(std::iter::repeat(2500)).map(Duration::from_millis);
    for (pause, shortest) in pauses.iter().zip(shortest) {
        // Sleeps are rounded up to whole milliseconds.
        let longest = shortest * 2 + Duration::from_millis(2);
        assert!((shortest..=longest).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_failure_is_said_at_once() {
    let mut world = World::start();
    for _ in 0..3 {
        world.next_list().await.fail("connection refused");
        world.next_list().await.refuse(503, "ServiceUnavailable", "apiserver is starting");
    }
    world.next_list().await;
    assert_eq!(world.log.take(), [warning("connection refused"), warning("apiserver is starting")]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_said_with_what_to_do() {
    let mut world = World::start();
    let message = "horizontalpodautoscalers.autoscaling is forbidden: User \"c\" cannot list resource \
                   \"horizontalpodautoscalers\" in API group \"autoscaling\" at the cluster scope";
    world.next_list().await.refuse(403, "Forbidden", message);
    world.next_list().await;
    let advice = format!("{message}; apply `deploy/rbac`, which gives the controller its rights");
    assert_eq!(world.log.take(), [warning(&advice)]);
}

#[tokio::test(start_paused = true)]
async fn a_401_is_not_said_twice() {
    let mut world = World::start();
    for _ in 0..3 {
        world.next_list().await.refuse(401, "Unauthorized", "Unauthorized");
    }
    world.next_list().await;
    assert_eq!(world.log.take(), ["WARN the API server does not accept the credentials error=Unauthorized"]);
}

#[rstest]
#[case::ends_in_time(true)]
#[case::hangs(false)]
#[tokio::test(start_paused = true)]
async fn without_news_for_five_minutes_everything_is_listed_anew(#[case] ends: bool) {
    let (mut world, sending) = World::watching().await;
    let begin = Instant::now();
    let mut watches = vec![sending];
    let list = loop {
        sleep(Duration::from_secs(if ends { 50 } else { 55 })).await;
        if ends {
            watches.clear();
        }
        let asked = world.api.next().await;
        if asked.param("watch").is_none() {
            break asked;
        }
        watches.push(asked.answer_slowly());
    };
    assert!(begin.elapsed() >= Duration::from_mins(5), "{:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(370), "{:?}", begin.elapsed());
    list.answer_json(&page(&[hpa("old", 3)], 4));
    world.next_watch("4").await;
    assert_eq!(world.calls.take(), ["begin", "listed old", "end"], "a restored etcd begins anew from an older state");
}

#[tokio::test(start_paused = true)]
async fn a_bookmark_is_news() {
    let (mut world, mut sending) = World::watching().await;
    for version in 11..31 {
        sleep(Duration::from_secs(49)).await;
        sending.bookmark(&version.to_string());
        sleep(Duration::from_secs(1)).await;
        drop(sending);
        sending = world.next_watch(&version.to_string()).await.answer_slowly();
    }
    assert!(world.calls.take().is_empty());
    assert!(world.log.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn that_the_api_server_asks_to_wait_is_a_warning_once_it_lasts() {
    let mut world = World::start();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(35) {
        let (list, _) = world.pause_before_next().await;
        list.refuse(429, "TooManyRequests", "storage is (re)initializing");
    }
    world.settle().await;
    let log = world.log.take();
    assert_eq!(log[0], "INFO waiting to watch horizontalpodautoscalers error=storage is (re)initializing");
    let expected = format!("{} failures=", warning("storage is (re)initializing"));
    assert!(log[1].starts_with(&expected) && log.len() == 2, "{log:?}");
}
