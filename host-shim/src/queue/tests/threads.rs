//! On several threads at once: nothing is lost, and never do two run one key.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::*;

const ADDERS: u64 = 3;
const ADDS: u64 = 4000;
const KEYS: usize = 20;

/// What was asked for one key, and what of it has been seen by a run that began later.
#[derive(Default)]
struct Work {
    asked: AtomicU64,
    seen: AtomicU64,
    runs: AtomicBool,
}

fn all_keys() -> Vec<Key> {
    (0..KEYS).map(|number| key(&format!("namespace-{}/web-{number}", number % 3))).collect()
}

async fn add_often(queue: Queue, work: Arc<Vec<Work>>, adder: u64) {
    let keys = all_keys();
    for number in 0..ADDS {
        let at = usize::try_from(number * 7 + adder).unwrap() % KEYS;
        work[at].asked.fetch_add(1, SeqCst);
        match number % 3 {
            0 => queue.add_after(&keys[at], Begin, Duration::from_millis(number % 5)),
            1 => queue.add(&keys[at], End),
            _ => queue.add(&keys[at], Status),
        }
        if number % 16 == 0 {
            yield_now().await;
        }
    }
}

async fn run_all(queue: Queue, work: Arc<Vec<Work>>) {
    let keys = all_keys();
    while let Some(running) = queue.next().await {
        let work = &work[keys.iter().position(|key| key == running.key()).unwrap()];
        assert!(!work.runs.swap(true, SeqCst), "two run {}", running.key());
        let asked = work.asked.load(SeqCst);
        yield_now().await;
        work.seen.store(asked, SeqCst);
        work.runs.store(false, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_lose_nothing() {
    let (queue, work) = (Queue::default(), Arc::new((0..KEYS).map(|_| Work::default()).collect::<Vec<_>>()));
    let workers: Vec<_> = (0..6).map(|_| tokio::spawn(run_all(queue.clone(), work.clone()))).collect();
    let adders = (0..ADDERS).map(|adder| tokio::spawn(add_often(queue.clone(), work.clone(), adder)));
    for adder in adders.collect::<Vec<_>>() {
        adder.await.unwrap();
    }
    let is_done = || work.iter().all(|work| work.seen.load(SeqCst) == work.asked.load(SeqCst));
    let done = async {
        while !is_done() || !queue.holds_nothing() {
            yield_now().await;
        }
    };
    timeout(seconds(60), done).await.expect("all that was added is run");
    queue.close();
    for worker in workers {
        worker.await.unwrap();
    }
}
