mod random_histories;
mod threads;

use futures::FutureExt;
use hpa_override_core::Id;
use rstest::rstest;
use tokio::{
    task::{JoinHandle, yield_now},
    time::{advance, timeout},
};

use super::{Priority::*, *};

fn key(text: &str) -> Key {
    Arc::new(Id::parse(text).unwrap())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Queue {
    /// What can be run now.
    fn take(&self) -> Option<Running> {
        self.next().now_or_never().flatten()
    }

    /// Runs all that can be run now, one after the other.
    fn run_all(&self) -> Vec<String> {
        std::iter::from_fn(|| self.take()).map(|running| running.key().to_string()).collect()
    }

    fn holds_nothing(&self) -> bool {
        self.entries().holds_nothing()
    }
}

#[tokio::test]
async fn a_key_is_in_the_queue_once() {
    let queue = Queue::default();
    queue.add(&key("shop/web"), Begin);
    queue.add(&key("shop/cart"), Begin);
    queue.add(&key("shop/web"), Begin);
    assert_eq!(queue.len(), 2);
    assert_eq!(queue.run_all(), ["shop/web", "shop/cart"]);
    assert!(queue.holds_nothing(), "{queue:?}");
}

#[tokio::test]
async fn what_is_added_during_a_run_is_run_once_more_after_it() {
    let queue = Queue::default();
    queue.add(&key("shop/web"), Begin);
    let running = queue.take().unwrap();
    queue.add(&key("shop/web"), Begin);
    queue.add(&key("shop/web"), Begin);
    assert!(queue.take().is_none(), "never two of one key");
    assert_eq!(queue.len(), 0, "it runs");
    drop(running);
    assert_eq!(queue.run_all(), ["shop/web"]);
    assert!(queue.holds_nothing(), "{queue:?}");
}

#[tokio::test]
async fn ends_go_before_beginnings_and_those_before_statuses() {
    let queue = Queue::default();
    for (text, priority) in [("a/status", Status), ("a/begin", Begin), ("b/end", End), ("a/end", End)] {
        queue.add(&key(text), priority);
    }
    let first = queue.take().unwrap();
    assert_eq!((first.key(), first.priority()), (&key("a/end"), End));
    assert_eq!(queue.run_all(), ["b/end", "a/begin", "a/status"]);
}

#[rstest]
#[case::higher(Begin, End, End)]
#[case::lower(End, Status, End)]
#[tokio::test]
async fn a_key_has_the_highest_priority_asked_for(
    #[case] before: Priority,
    #[case] asked: Priority,
    #[case] expected: Priority,
    #[values(false, true)] while_it_runs: bool,
) {
    let queue = Queue::default();
    queue.add(&key("shop/cart"), Begin);
    queue.add(&key("shop/web"), End);
    let running = while_it_runs.then(|| queue.take().unwrap());
    queue.add(&key("shop/web"), before);
    queue.add(&key("shop/web"), asked);
    drop(running);
    let first = queue.take().unwrap();
    assert_eq!((first.key(), first.priority()), (&key("shop/web"), expected));
    assert_eq!(queue.run_all(), ["shop/cart"], "it has left its former place");
}

#[tokio::test]
async fn five_thousand_of_a_namespace_delay_another_by_one() {
    let queue = Queue::default();
    for number in 0..5000 {
        queue.add(&key(&format!("big/{number}")), Begin);
    }
    assert_eq!(queue.take().unwrap().key(), &key("big/0"));
    queue.add(&key("a-small/web"), Begin);
    queue.add(&key("small/web"), Begin);
    let next: Vec<_> = queue.run_all().into_iter().take(4).collect();
    assert_eq!(next, ["small/web", "a-small/web", "big/1", "big/2"]);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_key_comes_when_its_time_comes() {
    let (queue, start) = (Queue::default(), Instant::now());
    queue.add_after(&key("shop/web"), Begin, seconds(5));
    assert!(queue.take().is_none());
    assert_eq!(queue.len(), 1);
    let running = queue.next().await.unwrap();
    assert_eq!((running.key(), start.elapsed()), (&key("shop/web"), seconds(5)));
}

#[rstest]
#[case::earlier_add(None, Some(5), 0)]
#[case::later_add(Some(5), None, 0)]
#[case::shorter_delay(Some(5), Some(2), 2)]
#[case::longer_delay(Some(2), Some(5), 2)]
#[tokio::test(start_paused = true)]
async fn the_earliest_run_asked_for_is_all(
    #[case] first: Option<u64>,
    #[case] second: Option<u64>,
    #[case] expected: u64,
    #[values(false, true)] while_it_runs: bool,
) {
    let (queue, start) = (Queue::default(), Instant::now());
    queue.add(&key("shop/web"), Begin);
    let first_run = queue.take();
    let mut running = first_run.filter(|_| while_it_runs);
    for delay in [first, second] {
        match delay {
            Some(delay) => queue.add_after(&key("shop/web"), Begin, seconds(delay)),
            None => queue.add(&key("shop/web"), Begin),
        }
    }
    drop(running.take());
    drop(queue.next().await.unwrap());
    assert_eq!(start.elapsed(), seconds(expected));
    assert!(queue.holds_nothing(), "{queue:?}");
}

#[tokio::test]
async fn a_run_that_panics_is_over() {
    let queue = Queue::default();
    queue.add(&key("shop/web"), Begin);
    let running = queue.take().unwrap();
    queue.add(&key("shop/web"), Begin);
    let panicked = tokio::spawn(async move {
        let _running = running;
        panic!("as a test");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(queue.run_all(), ["shop/web"]);
}

/// Somebody who waits in a task; the task ends with what they got, and gives it back at once.
fn waiting(queue: &Queue) -> JoinHandle<Option<String>> {
    let queue = queue.clone();
    tokio::spawn(async move { queue.next().await.map(|running| running.key().to_string()) })
}

/// What they got, within an hour.
async fn got(waiting: JoinHandle<Option<String>>) -> Option<String> {
    timeout(seconds(3600), waiting).await.expect("somebody waits for ever").unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_of_those_who_wait_is_woken() {
    let queue = Queue::default();
    let waiting = [waiting(&queue), waiting(&queue), waiting(&queue)];
    yield_now().await;
    let keys = ["a/web", "b/web", "c/web"];
    for text in keys {
        queue.add(&key(text), Begin);
    }
    let mut woken = Vec::new();
    for one in waiting {
        woken.push(got(one).await.unwrap());
    }
    woken.sort();
    assert_eq!(woken, keys);
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_takes_nothing_along() {
    let queue = Queue::default();
    let (first, second) = (waiting(&queue), waiting(&queue));
    yield_now().await;
    queue.add(&key("shop/web"), Begin);
    first.abort();
    assert_eq!(got(second).await.unwrap(), "shop/web");
}

/// Whoever sleeps has to wake for a delay that is set meanwhile, also where another who knew of it stops waiting.
#[tokio::test(start_paused = true)]
async fn all_who_wait_know_the_earliest_delay() {
    let (queue, start) = (Queue::default(), Instant::now());
    queue.add_after(&key("shop/late"), Begin, seconds(60));
    let (first, second) = (waiting(&queue), waiting(&queue));
    yield_now().await;
    queue.add_after(&key("shop/early"), Begin, seconds(5));
    yield_now().await;
    first.abort();
    assert_eq!(got(second).await.unwrap(), "shop/early");
    assert_eq!(start.elapsed(), seconds(5));
}

#[tokio::test(start_paused = true)]
async fn nobody_wakes_while_nothing_is_due() {
    let queue = Queue::default();
    let mut polls = 0;
    let mut next = pin!(queue.next());
    let counted = std::future::poll_fn(|context| {
        polls += 1;
        next.as_mut().poll(context)
    });
    assert!(timeout(seconds(3600), counted).await.is_err(), "there is nothing to run");
    assert!(polls <= 2, "it was looked at {polls} times in an hour");
}

#[tokio::test(start_paused = true)]
async fn a_closed_queue_ends_those_who_wait() {
    let queue = Queue::default();
    queue.add(&key("shop/web"), Begin);
    let running = queue.take().unwrap();
    let waiting = waiting(&queue);
    yield_now().await;
    queue.add(&key("shop/web"), Begin);
    queue.close();
    assert_eq!(got(waiting).await, None);
    drop(running);
    assert!(queue.next().await.is_none(), "what is left is not run");
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_at_most_a_day() {
    let queue = Queue::default();
    queue.add_after(&key("shop/web"), Begin, Duration::MAX);
    advance(seconds(86_400)).await;
    assert_eq!(queue.run_all(), ["shop/web"]);
}
