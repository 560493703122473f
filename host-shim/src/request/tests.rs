//! Against a mock API server, in paused time.

use std::pin::pin;

use tokio::{
    task::JoinHandle,
    time::{Instant, advance},
};

use super::{
    mock::{Log, MockApi, mock_api},
    *,
};
use crate::{metrics::Snapshot, queue::Priority};

const SHORTLY: Duration = Duration::from_millis(10);

fn clock() -> Clock {
    Clock::simulated("2026-11-27T06:00:00Z".parse().unwrap())
}

fn requests(most_per_second: u32) -> (Requests, MockApi) {
    let (client, api) = mock_api();
    (Requests::new(client, clock(), most_per_second), api)
}

fn get(path: &str) -> Request<Vec<u8>> {
    Request::get(path).body(Vec::new()).unwrap()
}

fn patch(path: &str) -> Request<Vec<u8>> {
    Request::patch(path).body(b"{}".to_vec()).unwrap()
}

fn read(requests: &Requests, path: &'static str) -> JoinHandle<Result<String, Failure>> {
    let requests = requests.clone();
    tokio::spawn(async move { requests.read_json(get(path)).await.map(|answer| answer.to_string()) })
}

fn write(requests: &Requests, priority: Priority, path: &'static str) -> JoinHandle<Result<String, Failure>> {
    let requests = requests.clone();
    tokio::spawn(async move { requests.write(Write::Hpa(priority), patch(path)).await })
}

/// As many writes as may be in flight.
async fn fill(requests: &Requests, api: &mut MockApi) -> Vec<mock::Asked> {
    let mut in_flight = Vec::new();
    for _ in 0..gate::WRITES_AT_ONCE {
        write(requests, Priority::Status, "/filling");
        in_flight.push(api.next().await);
    }
    in_flight
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_returned_as_it_is() {
    let (requests, mut api) = requests(1000);
    let answer = read(&requests, "/a");
    api.next().await.answer(200, "{\"a\":1}");
    assert_eq!(answer.await.unwrap().unwrap(), "{\"a\":1}");
    let (asked, answer) =
        tokio::join!(api.next(), async { tokio::time::timeout(SHORTLY, requests.read_json(get("/b"))).await.is_err() });
    assert_eq!((asked.target().as_str(), answer), ("/b", true), "it is given up");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_json_is_quoted() {
    let (requests, mut api) = requests(1000);
    let asked = tokio::spawn(async move { requests.write_json(Write::Hpa(Priority::Begin), patch("/a")).await });
    api.next().await.answer(200, "<html>\n sign in");
    let failure = asked.await.unwrap().unwrap_err();
    assert_eq!(failure.to_string(), "the answer of the API server cannot be read: <html> sign in");
    assert_eq!(failure.class(), Class::Other);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_has_a_class_and_the_servers_words() {
    let (requests, mut api) = requests(1000);
    let answer = write(&requests, Priority::Begin, "/a");
    api.next().await.refuse(409, "Conflict", "the object has been modified");
    let failure = answer.await.unwrap().unwrap_err();
    assert_eq!((failure.class(), failure.to_string().as_str()), (Class::Conflict, "the object has been modified"));
}

#[tokio::test(start_paused = true)]
async fn writes_wait_by_priority_then_in_order() {
    let (requests, mut api) = requests(1000);
    let mut in_flight = fill(&requests, &mut api).await;
    let waiting = [
        (Priority::Event, "/event"),
        (Priority::Status, "/status"),
        (Priority::Begin, "/begin"),
        (Priority::End, "/end-1"),
        (Priority::End, "/end-2"),
    ];
    for (priority, path) in waiting {
        write(&requests, priority, path);
        advance(SHORTLY).await;
    }
    let mut order = Vec::new();
    for _ in 0..5 {
        in_flight.pop().unwrap().answer(200, "{}");
        order.push(api.next().await.target());
    }
    assert_eq!(order, ["/end-1", "/end-2", "/begin", "/status", "/event"]);
}

#[tokio::test(start_paused = true)]
async fn at_most_32_writes_are_in_flight_and_reads_pass_them() {
    let (requests, mut api) = requests(1000);
    let in_flight = fill(&requests, &mut api).await;
    write(&requests, Priority::End, "/end");
    assert!(api.next_within(Duration::from_secs(1)).await.is_none(), "32 of them wait for their answers");
    read(&requests, "/read");
    assert_eq!(api.next().await.target(), "/read");
    drop(in_flight);
    assert_eq!(api.next().await.target(), "/end");
}

#[tokio::test(start_paused = true)]
async fn a_read_for_which_nothing_waits_comes_after_every_write() {
    let (requests, mut api) = requests(1000);
    let mut in_flight = fill(&requests, &mut api).await;
    for path in ["/event-1", "/event-2"] {
        write(&requests, Priority::Event, path);
        advance(SHORTLY).await;
    }
    tokio::spawn(async move { requests.read_behind(get("/behind")).await });
    assert!(api.next_within(Duration::from_secs(1)).await.is_none(), "writes wait");
    let mut order = Vec::new();
    for _ in 0..3 {
        in_flight.pop().unwrap().answer(200, "{}");
        let asked = api.next().await;
        order.push(asked.target());
        in_flight.insert(0, asked);
    }
    assert_eq!(order, ["/event-1", "/event-2", "/behind"]);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_lead_writes_nothing_but_reads() {
    let (requests, mut api) = requests(1000);
    let (requests, log) = (requests.led_by(Leadership::candidate()), Log::capture());
    let failure = write(&requests, Priority::End, "/end").await.unwrap().unwrap_err();
    assert!(matches!(failure, Failure::NotLeading), "{failure}");
    assert!(log.take().is_empty(), "it was not on its way");
    read(&requests, "/read");
    assert_eq!(api.next().await.target(), "/read");
}

#[tokio::test(start_paused = true)]
async fn a_write_on_its_way_is_given_up_when_the_lead_is_lost() {
    let (requests, mut api) = requests(1000);
    let leadership = Leadership::candidate();
    leadership.set(Some(clock().now().steady() + Duration::from_secs(3)));
    let begin = Instant::now();
    let answer = write(&requests.led_by(leadership), Priority::End, "/end");
    let _never_answered = api.next().await;
    assert!(matches!(answer.await.unwrap().unwrap_err(), Failure::NotLeading));
    assert_eq!(begin.elapsed().as_secs(), 3);
    let numbers = requests.metrics().text(&Snapshot::default()).unwrap();
    assert!(numbers.contains("hpa_override_stale_writes_total 1\n"), "{numbers}");
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_turn_comes_too_late_is_not_sent() {
    let (requests, mut api) = requests(1000);
    let mut in_flight = fill(&requests, &mut api).await;
    let until = |seconds| {
        let (requests, not_after) = (requests.clone(), clock().now().steady() + Duration::from_secs(seconds));
        tokio::spawn(async move { requests.write_until(Write::Hpa(Priority::End), not_after, patch("/end")).await })
    };
    let (early, late) = (until(2), until(5));
    assert!(api.next_within(Duration::from_secs(3)).await.is_none(), "they wait for their turn");
    in_flight.pop().unwrap().answer(200, "{}");
    assert!(matches!(early.await.unwrap().unwrap_err(), Failure::TooLate));
    api.next().await.answer(200, "{}");
    assert_eq!(late.await.unwrap().unwrap(), "{}");
}

#[tokio::test(start_paused = true)]
async fn a_client_apart_does_not_wait_for_writes() {
    let (requests, mut api) = requests(1000);
    let _in_flight = fill(&requests, &mut api).await;
    let (client, mut other_api) = mock_api();
    write(&requests.apart(client, 1000), Priority::Status, "/lease");
    assert_eq!(other_api.next().await.target(), "/lease");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_given_up_leaves_its_place() {
    let (requests, mut api) = requests(1000);
    let mut in_flight = fill(&requests, &mut api).await;
    let given_up = write(&requests, Priority::End, "/given-up");
    advance(SHORTLY).await;
    write(&requests, Priority::Event, "/event");
    advance(SHORTLY).await;
    given_up.abort();
    in_flight.pop().unwrap().answer(200, "{}");
    assert_eq!(api.next().await.target(), "/event");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_given_up_in_flight_makes_room() {
    let (requests, mut api) = requests(1000);
    let mut in_flight = Vec::new();
    let mut writes = Vec::new();
    for _ in 0..gate::WRITES_AT_ONCE {
        writes.push(write(&requests, Priority::Status, "/filling"));
        in_flight.push(api.next().await);
    }
    write(&requests, Priority::Event, "/event");
    advance(SHORTLY).await;
    writes.pop().unwrap().abort();
    assert_eq!(api.next().await.target(), "/event");
}

#[tokio::test(start_paused = true)]
async fn at_most_so_many_are_sent_each_second() {
    let (requests, mut api) = requests(100);
    let begin = Instant::now();
    for _ in 0..211 {
        read(&requests, "/a");
    }
    for _ in 0..11 {
        api.next().await.answer(200, "{}");
    }
    assert_eq!(begin.elapsed(), Duration::ZERO, "what a tenth of a second allows is sent at once");
    for _ in 0..200 {
        api.next().await.answer(200, "{}");
    }
    let took = begin.elapsed();
    assert!((1990..=2010).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_all_requests_as_long_as_it_says() {
    let (requests, mut api) = requests(1000);
    let throttled = write(&requests, Priority::Status, "/throttled");
    api.next().await.throttle(7);
    let failure = throttled.await.unwrap().unwrap_err();
    assert_eq!(failure.class(), Class::Throttled);
    assert_eq!(failure.to_string(), "the API server answered 429 Too Many Requests");
    let begin = Instant::now();
    write(&requests, Priority::Begin, "/begin");
    advance(SHORTLY).await;
    write(&requests, Priority::End, "/end");
    read(&requests, "/read");
    for expected in ["/read", "/end", "/begin"] {
        assert_eq!(api.next().await.target(), expected);
        assert!(begin.elapsed() >= Duration::from_secs(7) && begin.elapsed() < Duration::from_secs(8));
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_has_a_limit() {
    let (requests, mut api) = requests(1000);
    let late = |failure: Failure| (failure.class(), failure.to_string());
    let within = |seconds| (Class::Timeout, format!("no answer from the API server within {seconds} s"));

    let answer = write(&requests, Priority::End, "/a");
    let _hanging = api.next().await.hang();
    assert_eq!(late(answer.await.unwrap().unwrap_err()), within(10));

    let answer = read(&requests, "/a");
    let never_ends = api.next().await.answer_slowly();
    never_ends.send("{");
    assert_eq!(late(answer.await.unwrap().unwrap_err()), within(10));

    let other = requests.clone();
    let answer = tokio::spawn(async move { other.read_page(get("/a")).await });
    let _hanging = api.next().await.hang();
    assert_eq!(late(answer.await.unwrap().unwrap_err()), within(30));

    let answer = tokio::spawn(async move { requests.stream(get("/a")).await });
    let _hanging = api.next().await.hang();
    assert_eq!(late(answer.await.unwrap().unwrap_err()), within(10));
}

#[tokio::test(start_paused = true)]
async fn a_401_is_said_once_a_minute_and_ends_the_process_after_five() {
    let log = Log::capture();
    let (requests, mut api) = requests(1000);
    let begin = Instant::now();
    let mut ended = pin!(requests.unauthorized());
    let mut lines = Vec::new();
    let message = loop {
        let answer = read(&requests, "/a");
        api.next().await.refuse(401, "Unauthorized", "Unauthorized");
        assert_eq!(answer.await.unwrap().unwrap_err().class(), Class::Unauthorized);
        lines.extend(log.take());
        if let Ok(ended) = timeout(Duration::from_secs(5), &mut ended).await {
            break ended.to_string();
        }
    };
    assert_eq!(begin.elapsed(), Duration::from_mins(5));
    let expected = "the API server has not accepted the credentials for five minutes; it says: Unauthorized";
    assert_eq!(message, expected);
    let still = "WARN the API server still does not accept the credentials error=Unauthorized answers=12";
    let first = "WARN the API server does not accept the credentials error=Unauthorized";
    assert_eq!(lines, [first, still, still, still, still, still]);
}

#[tokio::test(start_paused = true)]
async fn any_other_answer_resets_the_five_minutes_but_no_answer_does_not() {
    let (requests, mut api) = requests(1000);
    let (client, mut other_api) = mock_api();
    let apart = requests.apart(client, 1000);
    let mut ended = pin!(requests.unauthorized());

    read(&requests, "/a");
    api.next().await.refuse(401, "Unauthorized", "Unauthorized");
    advance(Duration::from_secs(299)).await;
    read(&apart, "/a");
    other_api.next().await.refuse(404, "NotFound", "not found");
    advance(Duration::from_secs(1)).await;
    read(&requests, "/a");
    api.next().await.refuse(401, "Unauthorized", "Unauthorized");
    assert!(timeout(SHORTLY, &mut ended).await.is_err(), "a 404 shows that the credentials are accepted");

    advance(Duration::from_secs(150)).await;
    read(&requests, "/a");
    api.next().await.fail("connection refused");
    advance(Duration::from_secs(150)).await;
    read(&apart, "/a");
    other_api.next().await.refuse(401, "Unauthorized", "Unauthorized");
    assert!(timeout(SHORTLY, &mut ended).await.is_ok(), "all clients have the same credentials");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_read_by_lines() {
    let (requests, mut api) = requests(1000);
    let stream = tokio::spawn(async move { requests.stream(get("/a")).await });
    let sending = api.next().await.answer_slowly();
    let mut lines = stream.await.unwrap().unwrap();
    sending.send("one\ntw");
    assert_eq!(lines.next().await.unwrap(), Some(Line::Whole("one".into())));
    assert!(timeout(SHORTLY, lines.next()).await.is_err(), "half a line");
    sending.send("o\n\nthr");
    assert_eq!(lines.next().await.unwrap(), Some(Line::Whole("two".into())));
    assert_eq!(lines.next().await.unwrap(), Some(Line::Whole(Bytes::new())));
    drop(sending);
    assert_eq!(lines.next().await.unwrap(), Some(Line::Cut("thr".into())));
    assert_eq!(lines.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_line_without_end_is_given_up() {
    let (requests, mut api) = requests(1000);
    let stream = tokio::spawn(async move { requests.stream(get("/a")).await });
    let sending = api.next().await.answer_slowly();
    let mut lines = stream.await.unwrap().unwrap();
    for _ in 0..17 {
        sending.send(vec![b'x'; 1024 * 1024]);
    }
    let failure = lines.next().await.unwrap_err();
    assert_eq!(failure.to_string(), "the answer of the API server cannot be read: a line of more than 16 MiB");
}

#[tokio::test]
async fn kube_logs_no_failure_by_itself() {
    let log = Log::capture();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = connect(Config::new(url.parse().unwrap())).unwrap();
    let requests = Requests::new(client, Clock::System { offset: 0 }, 1000);
    let failure = requests.read_json(get("/a")).await.unwrap_err();
    assert!(failure.to_string().contains("Connection refused"), "{failure}");
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn kube_retries_nothing_by_itself() {
    let config = with_limits(Config::new("http://127.0.0.1:1".parse().unwrap()));
    assert!(!config.default_retry);
    assert_eq!(config.connect_timeout, Some(Duration::from_secs(5)));
    assert_eq!(config.write_timeout, Some(Duration::from_secs(10)));
    connect(Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
}
