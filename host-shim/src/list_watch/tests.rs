//! Against a mock API server, in paused time.

mod outages;

use std::sync::{Arc, Mutex};

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::*;
use crate::request::mock::{Asked, Log, MockApi, Sending, mock_api, status};

const PATH: &str = "/apis/autoscaling/v2/horizontalpodautoscalers";

/// Writes down what it is handed.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    fn add(&self, call: &str, object: &str) -> serde_json::Result<()> {
        let object: Value = serde_json::from_str(object)?;
        self.0.lock().unwrap().push(format!("{call} {}", object["metadata"]["name"].as_str().unwrap()));
        Ok(())
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Sink for Calls {
    fn begin_list(&self) {
        self.0.lock().unwrap().push("begin".into());
    }

    fn listed(&self, object: &str) -> serde_json::Result<()> {
        self.add("listed", object)
    }

    fn end_list(&self, _version: &str) {
        self.0.lock().unwrap().push("end".into());
    }

    fn applied(&self, object: &str) -> serde_json::Result<()> {
        self.add("applied", object)
    }

    fn deleted(&self, object: &str) -> serde_json::Result<()> {
        self.add("deleted", object)
    }
}

/// A watcher, and the API server that it asks.
struct World {
    api: MockApi,
    calls: Calls,
    log: Log,
    task: JoinHandle<Infallible>,
}

impl World {
    fn start() -> Self {
        let log = Log::capture();
        let (client, api) = mock_api();
        let clock = Clock::simulated("2026-11-27T06:00:00Z".parse().unwrap());
        let (requests, calls) = (Requests::new(client, clock, 1000), Calls::default());
        let resource = Resource { path: PATH.into(), plural: "horizontalpodautoscalers" };
        let task = tokio::spawn(list_and_watch(requests, resource, calls.clone(), clock));
        Self { api, calls, log, task }
    }

    /// One that has listed `web` at version 10.
    async fn watching() -> (Self, Sending) {
        let mut world = Self::start();
        let sending = world.list_and_watch().await;
        world.calls.take();
        (world, sending)
    }

    async fn list_and_watch(&mut self) -> Sending {
        self.next_list().await.answer_json(&page(&[hpa("web", 10)], 10));
        self.next_watch("10").await.answer_slowly()
    }

    async fn next_list(&mut self) -> Asked {
        let asked = self.api.next().await;
        assert_eq!(asked.target(), format!("{PATH}?&limit=500"));
        asked
    }

    async fn next_watch(&mut self, from: &str) -> Asked {
        let asked = self.api.next().await;
        assert_eq!(asked.param("watch").as_deref(), Some("true"), "{}", asked.target());
        assert_eq!(asked.param("resourceVersion").as_deref(), Some(from), "{}", asked.target());
        asked
    }

    /// How long it takes until the next request.
    async fn pause_before_next(&mut self) -> (Asked, Duration) {
        let begin = Instant::now();
        let asked = self.api.next().await;
        (asked, begin.elapsed())
    }

    /// Until everything that was sent is read.
    async fn settle(&self) {
        sleep(Duration::from_millis(1)).await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn hpa(name: &str, version: u32) -> Value {
    json!({"metadata": {"namespace": "shop", "name": name, "resourceVersion": version.to_string()}})
}

fn page(items: &[Value], version: u32) -> Value {
    json!({"kind": "HorizontalPodAutoscalerList", "metadata": {"resourceVersion": version.to_string()}, "items": items})
}

fn page_with_rest(items: &[Value], rest: &str) -> Value {
    let mut page = page(items, 10);
    page["metadata"]["continue"] = rest.into();
    page
}

fn warning(error: &str) -> String {
    format!("WARN failed to watch horizontalpodautoscalers error={error}")
}

#[tokio::test(start_paused = true)]
async fn it_lists_in_pages_and_watches_from_there() {
    let mut world = World::start();
    world.next_list().await.answer_json(&page_with_rest(&[hpa("a", 1), hpa("b", 2)], "more"));
    let second = world.api.next().await;
    assert_eq!(second.target(), format!("{PATH}?&limit=500&continue=more"));
    assert_eq!(world.calls.take(), ["begin", "listed a", "listed b"], "a page is handed over before the next is read");
    second.answer_json(&page(&[hpa("c", 3)], 10));
    let watch = world.next_watch("10").await;
    assert_eq!(world.calls.take(), ["listed c", "end"]);
    assert_eq!(watch.param("allowWatchBookmarks").as_deref(), Some("true"));
    assert_eq!(watch.param("timeoutSeconds").as_deref(), Some("50"));
    assert_eq!(watch.request.headers()[ACCEPT_ENCODING], "identity");
}

#[tokio::test(start_paused = true)]
async fn events_are_handed_over_and_the_next_watch_begins_behind_them() {
    let (mut world, sending) = World::watching().await;
    sending.event("ADDED", &hpa("new", 11));
    sending.event("MODIFIED", &hpa("web", 12));
    sending.event("DELETED", &hpa("web", 13));
    sending.send("\n");
    world.settle().await;
    assert_eq!(world.calls.take(), ["applied new", "applied web", "deleted web"]);
    sleep(Duration::from_secs(50)).await;
    drop(sending);
    let (watch, pause) = world.pause_before_next().await;
    assert_eq!((watch.param("resourceVersion").unwrap().as_str(), pause), ("13", Duration::ZERO));
    let sending = watch.answer_slowly();
    sending.bookmark("20");
    sleep(Duration::from_secs(50)).await;
    drop(sending);
    world.next_watch("20").await;
    assert!(world.calls.take().is_empty());
    assert!(world.log.take().is_empty(), "nothing of that is worth a line");
}

#[tokio::test(start_paused = true)]
async fn a_410_within_a_list_restarts_it() {
    let mut world = World::start();
    world.next_list().await.answer_json(&page_with_rest(&[hpa("a", 1)], "more"));
    world.api.next().await.refuse(410, "Expired", "The provided continue parameter is too old.");
    world.next_list().await.answer_json(&page(&[hpa("b", 2)], 12));
    world.next_watch("12").await;
    assert_eq!(world.calls.take(), ["begin", "listed a", "begin", "listed b", "end"]);
    assert_eq!(world.log.take(), [warning("The provided continue parameter is too old.")]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_is_asked_for_again() {
    let mut world = World::start();
    world.next_list().await.answer_json(&page_with_rest(&[hpa("a", 1)], "more"));
    world.api.next().await.refuse(503, "ServiceUnavailable", "apiserver is shutting down");
    let again = world.api.next().await;
    assert_eq!(again.param("continue").as_deref(), Some("more"));
    again.answer_json(&page(&[hpa("b", 2)], 10));
    world.next_watch("10").await;
    assert_eq!(world.calls.take(), ["begin", "listed a", "listed b", "end"]);
}

#[rstest]
#[case::html("<html>\n<h1>Sign in</h1>", "expected value at line 1 column 1: <html> <h1>Sign in</h1>")]
#[case::no_list("{}", "missing field `metadata` at line 1 column 2: {}")]
#[case::no_version(
    r#"{"metadata":{},"items":[]}"#,
    r#"missing field `resourceVersion` at line 1 column 14: {"metadata":{},"items":[]}"#
)]
#[case::no_items(
    r#"{"metadata":{"resourceVersion":"1"}}"#,
    r#"missing field `items` at line 1 column 36: {"metadata":{"resourceVersion":"1"}}"#
)]
#[case::cut(r#"{"metadata":{"resour"#, r#"EOF while parsing a string at line 1 column 20: {"metadata":{"resour"#)]
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_list_does_not_count_as_an_empty_one(#[case] text: &'static str, #[case] why: &str) {
    let mut world = World::start();
    world.next_list().await.answer(200, text);
    world.next_list().await.answer_json(&json!({"metadata": {"resourceVersion": "10"}, "items": null}));
    world.next_watch("10").await;
    assert_eq!(world.calls.take(), ["begin", "begin", "end"]);
    assert_eq!(world.log.take(), [warning(&format!("the answer of the API server cannot be read: {why}"))]);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_object_never_stops_the_others() {
    let mut world = World::start();
    let items = r#"[{"metadata":{"name":"a"}},
        {"metadata":{"namespace":"shop","name":"big"},"spec":{"maxReplicas":1e999}},
        {"metadata":{"namespace":"shop"}}, 7, {"metadata":{"name":"b"}}]"#;
    let list = format!(r#"{{"metadata":{{"resourceVersion":"10"}},"items":{items}}}"#);
    world.next_list().await.answer(200, list);
    let sending = world.next_watch("10").await.answer_slowly();
    assert_eq!(world.calls.take(), ["begin", "listed a", "listed b", "end"]);
    let left_out = "WARN one of horizontalpodautoscalers cannot be read and is left out";
    let log = world.log.take();
    assert!(log[0].starts_with(&format!("{left_out}: shop/big: number out of range")), "{log:?}");
    assert_eq!(log[1..], [(); 2].map(|()| format!("{left_out}: one without a name: it has no metadata.name")));
    let big = r#"{"metadata":{"namespace":"shop","name":"big","resourceVersion":"11"},"x":1e999}"#;
    sending.send(format!("{{\"type\":\"MODIFIED\",\"object\":{big}}}\n"));
    world.settle().await;
    assert!(world.log.take()[0].starts_with(&format!("{left_out}: shop/big: number out of range")));
    sending.event("MODIFIED", &hpa("c", 12));
    world.settle().await;
    assert_eq!(world.calls.take(), ["applied c"]);
}

#[rstest]
#[case::event(true)]
#[case::answer(false)]
#[tokio::test(start_paused = true)]
async fn a_version_that_is_no_longer_kept_is_listed_anew(#[case] is_event: bool) {
    let (mut world, sending) = World::watching().await;
    let message = "too old resource version: 10 (99)";
    sending.event("MODIFIED", &hpa("web", 11));
    if is_event {
        sending.event("ERROR", &status(410, "Expired", message));
    } else {
        sleep(Duration::from_secs(50)).await;
        drop(sending);
        world.next_watch("11").await.refuse(410, "Expired", message);
    }
    world.list_and_watch().await;
    assert_eq!(world.calls.take(), ["applied web", "begin", "listed web", "end"]);
    assert_eq!(world.log.take(), [warning(message)]);
}

#[tokio::test(start_paused = true)]
async fn an_error_event_is_listed_anew_where_another_watch_would_meet_it_again() {
    let (mut world, sending) = World::watching().await;
    let message = "unable to decode an event from the watch stream";
    sending.event("MODIFIED", &hpa("web", 11));
    sending.event("ERROR", &status(500, "InternalError", message));
    let sending = world.next_watch("11").await.answer_slowly();
    sending.event("ERROR", &status(500, "InternalError", message));
    world.list_and_watch().await;
}

#[rstest]
#[case::status_over_lines(
    "{\n  \"kind\": \"Status\",\n  \"code\": 500,\n  \"message\": \"etcd is down\"\n}\n",
    "etcd is down"
)]
#[case::status_in_one_line("{\"kind\":\"Status\",\"code\":500,\"message\":\"etcd is down\"}\n", "etcd is down")]
#[case::status_without_line_end("{\"kind\":\"Status\",\"code\":500,\"message\":\"etcd is down\"}", "etcd is down")]
#[case::html(
    "<html>\n<h1>502</h1>\n</html>\n",
    "the answer of the API server cannot be read: <html> <h1>502</h1> </html>"
)]
#[case::unknown_type(
    "{\"type\":\"NEW\",\"object\":{}}\n",
    "the answer of the API server cannot be read: {\"type\":\"NEW\",\"object\":{}}"
)]
#[case::half_an_event("{\"type\":\"ADDED\",\"object\":{\"meta", "the API server closed the watch within an event")]
#[tokio::test(start_paused = true)]
async fn what_is_no_event_is_said_in_the_servers_words(#[case] text: &'static str, #[case] message: &str) {
    let (mut world, sending) = World::watching().await;
    sending.event("MODIFIED", &hpa("web", 11));
    sending.send(text);
    drop(sending);
    let sending = world.next_watch("11").await.answer_slowly();
    assert_eq!(world.log.take(), [warning(message)]);
    sending.event("MODIFIED", &hpa("web", 12));
    world.settle().await;
    assert_eq!(world.calls.take(), ["applied web", "applied web"]);
    assert_eq!(world.log.take(), ["INFO watching horizontalpodautoscalers again"]);
}

#[tokio::test(start_paused = true)]
async fn a_status_over_lines_means_what_it_says_also_where_the_connection_stays_open() {
    let (mut world, sending) = World::watching().await;
    let gone = status(410, "Expired", "too old resource version: 10 (99)");
    sending.send(format!("{gone:#}\n"));
    world.list_and_watch().await;
}
