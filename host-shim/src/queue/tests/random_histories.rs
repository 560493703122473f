//! The queue against a model that looks at everything each time.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use proptest::{collection::vec, prelude::*, sample::select};
use tokio::{
    runtime::{Builder, Runtime},
    time::sleep,
};

use super::*;
use crate::random_histories::config;

const KEYS: [&str; 7] = ["a/1", "a/2", "a/3", "b/1", "b/2", "c/1", "d/1"];

fn any_key() -> impl Strategy<Value = Key> {
    select(&KEYS).prop_map(key)
}

fn any_priority() -> impl Strategy<Value = Priority> {
    select(&[End, Begin, Begin, Status, Status])
}

fn paused() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// In steps, all by one hand.
mod steps {
    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Add(Key, Priority),
        /// Seconds.
        AddAfter(Key, Priority, u64),
        Next,
        /// One of those that run.
        Drop(usize),
        /// Seconds.
        Pass(u64),
    }

    /// A run that is wanted: from when on, how urgently, and since when it waits; nothing where its time was to come yet.
    #[derive(Clone, Copy)]
    struct Wish {
        at: u64,
        priority: Priority,
        waits_since: Option<u64>,
    }

    #[derive(Default)]
    struct Model {
        now: u64,
        wishes: BTreeMap<Key, Wish>,
        running: BTreeMap<Key, Option<Wish>>,
        /// Counts whatever begins to wait.
        order: u64,
        /// How often a namespace was taken from since another waits, at one priority.
        passed: BTreeMap<(Priority, String), BTreeMap<String, usize>>,
    }

    impl Model {
        fn wish(&mut self, key: &Key, at: u64, priority: Priority) {
            let wish = Wish { at, priority, waits_since: None };
            match self.running.get_mut(key) {
                Some(again) => *again = Some(again.map_or(wish, |again| merged(again, wish))),
                None => self.wish_idle(key, wish),
            }
        }

        fn wish_idle(&mut self, key: &Key, wish: Wish) {
            let before = self.wishes.get(key).copied();
            let mut wish = before.map_or(wish, |before| merged(before, wish));
            let keeps_its_place = before.is_some_and(|before| before.priority == wish.priority);
            if wish.at == 0 && !(keeps_its_place && wish.waits_since.is_some()) {
                self.order += 1;
                wish.waits_since = Some(self.order);
            }
            self.wishes.insert(key.clone(), wish);
        }

        fn drop(&mut self, key: &Key) {
            if let Some(again) = self.running.remove(key).unwrap() {
                self.wish_idle(key, again);
            }
        }

        /// Those whose time has come wait from now on.
        fn release(&mut self) {
            let due = self.wishes.iter().filter(|(_, wish)| (1..=self.now).contains(&wish.at));
            let mut due: Vec<(u64, Key)> = due.map(|(key, wish)| (wish.at, key.clone())).collect();
            due.sort();
            for (_, key) in due {
                self.order += 1;
                let wish = self.wishes.get_mut(&key).unwrap();
                (wish.at, wish.waits_since) = (0, Some(self.order));
            }
        }

        fn waiting(&self, priority: Priority) -> impl Iterator<Item = (&Key, u64)> {
            let waits = self.wishes.iter().filter(move |(_, wish)| wish.priority == priority);
            waits.filter_map(|(key, wish)| Some((key, wish.waits_since?)))
        }

        /// Whether it was right to take this.
        fn take(&mut self, taken: Option<(&Key, Priority)>) {
            let expected = [End, Begin, Status].into_iter().find(|priority| self.waiting(*priority).next().is_some());
            assert_eq!(taken.map(|(_, priority)| priority), expected, "the highest priority that waits");
            let Some((key, priority)) = taken else { return };
            let first = self.waiting(priority).filter(|(other, _)| other.namespace == key.namespace);
            assert_eq!(
                first.min_by_key(|(_, since)| *since).map(|(key, _)| key),
                Some(key),
                "the first of its namespace"
            );
            self.wishes.remove(key);
            assert!(self.running.insert(key.clone(), None).is_none(), "two run {key}");
            self.count_turn(&key.namespace, priority);
        }

        fn count_turn(&mut self, taken: &str, priority: Priority) {
            self.passed.remove(&(priority, taken.to_owned()));
            let waiting: BTreeSet<String> = self.waiting(priority).map(|(key, _)| key.namespace.clone()).collect();
            for namespace in waiting.into_iter().filter(|namespace| namespace != taken) {
                let passed = self.passed.entry((priority, namespace.clone())).or_default();
                let count = passed.entry(taken.to_owned()).or_default();
                *count += 1;
                assert!(*count <= 1, "{taken} had two turns while {namespace} waited");
            }
        }

        /// Who no longer waits, waits anew the next time.
        fn forget_turns(&mut self) {
            let waiting = [End, Begin, Status].map(|priority| {
                self.waiting(priority).map(|(key, _)| (priority, key.namespace.clone())).collect::<Vec<_>>()
            });
            let waiting = waiting.concat();
            self.passed.retain(|turn, _| waiting.contains(turn));
        }
    }

    fn merged(one: Wish, other: Wish) -> Wish {
        let waits_since = one.waits_since.or(other.waits_since);
        Wish { at: one.at.min(other.at), priority: one.priority.min(other.priority), waits_since }
    }

    struct Compared {
        queue: Queue,
        running: Vec<Running>,
        model: Model,
    }

    impl Compared {
        async fn step(&mut self, step: &Step) {
            match step {
                Step::Add(key, priority) => {
                    self.queue.add(key, *priority);
                    self.model.wish(key, 0, *priority);
                }
                Step::AddAfter(key, priority, delay) => {
                    self.queue.add_after(key, *priority, seconds(*delay));
                    self.model.wish(key, self.model.now + delay, *priority);
                }
                Step::Next => self.next(),
                Step::Drop(which) => self.drop(*which),
                Step::Pass(passed) => {
                    advance(seconds(*passed)).await;
                    self.model.now += passed;
                }
            }
            self.model.forget_turns();
            assert_eq!(self.queue.len(), self.model.wishes.len());
        }

        fn next(&mut self) {
            let taken = self.queue.take();
            self.model.release();
            self.model.take(taken.as_ref().map(|running| (running.key(), running.priority())));
            self.running.extend(taken);
        }

        fn drop(&mut self, which: usize) {
            if !self.running.is_empty() {
                let running = self.running.swap_remove(which % self.running.len());
                let key = running.key().clone();
                std::mem::drop(running);
                self.model.drop(&key);
            }
        }
    }

    async fn compare(history: &[Step]) {
        let model = Model { now: 1, ..Model::default() };
        let mut compared = Compared { queue: Queue::default(), running: Vec::new(), model };
        for step in history {
            compared.step(step).await;
        }
        // Whatever is wanted still comes: each key at most once now and once after its run.
        for step in vec![Step::Drop(0); KEYS.len()].iter().chain(&[Step::Pass(100)]) {
            compared.step(step).await;
        }
        for _ in 0..KEYS.len() {
            compared.step(&Step::Next).await;
            compared.step(&Step::Drop(0)).await;
        }
        assert!(compared.queue.holds_nothing(), "{:?}", compared.queue);
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (any_key(), any_priority()).prop_map(|(key, priority)| Step::Add(key, priority)),
            3 => (any_key(), any_priority(), 1..6_u64).prop_map(|(key, priority, delay)| Step::AddAfter(key, priority, delay)),
            6 => Just(Step::Next),
            3 => (0..8_usize).prop_map(Step::Drop),
            2 => (1..4_u64).prop_map(Step::Pass),
        ]
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn every_turn_is_one_that_a_model_allows(history in vec(any_step(), 1..60)) {
            paused().block_on(compare(&history));
        }
    }
}

/// With more workers than keys, so that each run begins at the very millisecond at which it may: none is lost, and nobody
/// oversleeps.
mod workers {
    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Add(Key, Priority),
        /// Seconds and a tenth.
        AddAfter(Key, Priority, u64),
        /// Seconds.
        Pass(u64),
    }

    type Runs = Rc<RefCell<Vec<(Key, Duration)>>>;

    /// So long a key is run. Never whole seconds, so that no run ends in the moment of a step.
    fn length(key: &Key) -> Duration {
        let at = KEYS.iter().position(|text| *text == key.to_string()).unwrap();
        Duration::from_millis(1000 * (at as u64 % 4) + 1)
    }

    /// Waits with patience, or gives up and waits again.
    async fn work(queue: Queue, patience: Duration, start: Instant, runs: Runs) {
        loop {
            let Ok(next) = timeout(patience, queue.next()).await else { continue };
            let Some(running) = next else { return };
            runs.borrow_mut().push((running.key().clone(), start.elapsed()));
            sleep(length(running.key())).await;
        }
    }

    /// When a key is run, if somebody always waits for it.
    #[derive(Default)]
    struct Model {
        wanted: Option<Duration>,
        busy_until: Duration,
        runs: Vec<Duration>,
    }

    impl Model {
        fn ask(&mut self, key: &Key, now: Duration, at: Duration) {
            self.run(key, now);
            self.wanted = Some(self.wanted.map_or(at, |wanted| wanted.min(at)));
        }

        /// All runs that begin before `now`.
        fn run(&mut self, key: &Key, now: Duration) {
            if let Some(begin) = self.wanted.map(|at| at.max(self.busy_until))
                && begin < now
            {
                self.wanted = None;
                self.busy_until = begin + length(key);
                self.runs.push(begin);
            }
        }
    }

    async fn compare(history: &[Step]) {
        let (queue, start, runs) = (Queue::default(), Instant::now(), Runs::default());
        let mut models: BTreeMap<Key, Model> = KEYS.iter().map(|text| (key(text), Model::default())).collect();
        for number in 0..=KEYS.len() {
            let patience = Duration::from_millis(if number % 2 == 0 { 86_400_000 } else { 1703 });
            tokio::task::spawn_local(work(queue.clone(), patience, start, runs.clone()));
        }
        let end = [Step::Pass(100)];
        for step in history.iter().chain(&end) {
            let now = start.elapsed();
            match step {
                Step::Add(key, priority) => {
                    queue.add(key, *priority);
                    models.get_mut(key).unwrap().ask(key, now, now);
                }
                Step::AddAfter(key, priority, delay) => {
                    let delay = seconds(*delay) + Duration::from_millis(100);
                    queue.add_after(key, *priority, delay);
                    models.get_mut(key).unwrap().ask(key, now, now + delay);
                }
                Step::Pass(passed) => sleep(seconds(*passed)).await,
            }
        }
        for (key, model) in &mut models {
            model.run(key, start.elapsed());
            let runs: Vec<_> = runs.borrow().iter().filter(|run| run.0 == *key).map(|run| run.1).collect();
            assert_eq!(runs, model.runs, "{key}");
        }
        queue.close();
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (any_key(), any_priority()).prop_map(|(key, priority)| Step::Add(key, priority)),
            4 => (any_key(), any_priority(), 0..6_u64).prop_map(|(key, priority, delay)| Step::AddAfter(key, priority, delay)),
            3 => (1..4_u64).prop_map(Step::Pass),
        ]
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn no_worker_oversleeps(history in vec(any_step(), 1..40)) {
            let local = tokio::task::LocalSet::new();
            local.block_on(&paused(), compare(&history));
        }
    }
}
