//! The controller is killed before its first write to an HPA and after every one, and started again. The result is always
//! the same, and no trace is left.
//!
//! A first run counts the writes; then there is a run for each of them. A proxy withholds the response, so that the
//! controller is killed exactly there. A kill before a later write is one after the write ahead of it: the memory of the
//! controller is lost, and the HPA is the same.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use hpa_override_testbed::{Proxy, Stop, World};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::*;
use tokio::time::Instant;

/// The owner's bounds.
const OWNER: (i32, i32) = (2, 5);

/// What happens to the HPA in a run.
#[derive(Clone, Copy, Debug)]
enum Course {
    /// One override, until it is deleted.
    One,
    /// Three overrides, deleted from the highest to the lowest.
    Three,
    /// One override, until it expires.
    Timed,
    /// The same, and a killed controller is started again only after the end.
    Across,
}

impl Course {
    const ALL: [Self; 4] = [Self::One, Self::Three, Self::Timed, Self::Across];

    async fn run(self, ns: &TestNamespace) {
        match self {
            Self::One => {
                ns.create("ovr", for_an_hour()).await;
                ns.wait_overridden(10, 20).await;
                ns.wait_phase("ovr", "Active").await;
                ns.delete("ovr").await;
            }
            Self::Three => {
                let low = json!({"minReplicas": 20, "maxReplicas": 50, "priority": 1, "duration": "1h"});
                let mid = json!({"minReplicas": 10, "maxReplicas": 40, "priority": 5, "duration": "1h"});
                let high = json!({"minReplicas": 30, "priority": 9, "duration": "1h"});
                for (name, spec, min, max) in [("low", low, 20, 50), ("mid", mid, 10, 40), ("high", high, 30, 40)] {
                    ns.create(name, spec).await;
                    ns.wait_overridden(min, max).await;
                }
                ns.delete("high").await;
                ns.wait_overridden(10, 40).await;
                ns.wait_phase("mid", "Active").await;
                ns.delete("mid").await;
                ns.wait_overridden(20, 50).await;
                ns.delete("low").await;
            }
            Self::Timed => {
                ns.create("ovr", ends_in(4)).await;
                ns.wait_overridden(10, 20).await;
                ns.wait_phase("ovr", "Expired").await;
            }
            // It may expire before it was ever applied.
            Self::Across => {
                ns.create("ovr", ends_in(3)).await;
                ns.wait_phase("ovr", "Expired").await;
            }
        }
    }
}

/// An override that ends in that many seconds or up to one less.
fn ends_in(seconds: i64) -> Value {
    let ends = Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap();
    json!({"minReplicas": 10, "maxReplicas": 20, "expiresAt": ends.to_string()})
}

/// One run in a namespace of its own, with a kill at `stop`.
struct Run {
    ns: TestNamespace,
    before: Value,
    stop: Option<Stop>,
}

impl Run {
    async fn new(world: &'static World, proxy: &Proxy, course: Course, at: Option<Stop>) -> Self {
        let ns = TestNamespace::new(world, &namespace(course, at)).await;
        ns.apply("argocd", OWNER.0, OWNER.1, false).await.unwrap();
        let before = ns.hpa().await;
        proxy.watch_writes(&ns.name, at);
        let killed = async {
            if at.is_some() {
                kill_at_the_stop(world, proxy).await;
                if matches!(course, Course::Across) {
                    until(end_of(&ns).await).await;
                }
                world.start_controller().unwrap();
            }
        };
        tokio::join!(course.run(&ns), killed);
        let run = Self { ns, before, stop: at };
        run.check().await;
        run
    }

    /// Waits for the final state, and checks every version of the HPA until then.
    async fn check(&self) {
        let after = self.ns.wait_traceless(OWNER.0.into(), OWNER.1.into()).await;
        assert_eq!(traces(&after), traces(&self.before), "{:?}", self.stop);
        for version in self.ns.versions(&self.before, &after).await {
            let captured = desired(&version).unwrap_or((OWNER.0.into(), OWNER.1.into()));
            assert_eq!(captured, (OWNER.0.into(), OWNER.1.into()), "{:?}: {version}", self.stop);
        }
    }

    /// The final state has not changed since.
    async fn check_still(&self) {
        let now = self.ns.hpa().await;
        assert_eq!(traces(&now), traces(&self.before), "{:?}, later", self.stop);
    }
}

fn namespace(course: Course, stop: Option<Stop>) -> String {
    let stop = match stop {
        None => "whole".to_owned(),
        Some(Stop::Before(n)) => format!("before-{n}"),
        Some(Stop::After(n)) => format!("after-{n}"),
    };
    format!("{course:?}-{stop}").to_lowercase()
}

async fn kill_at_the_stop(world: &World, proxy: &Proxy) {
    let reached = tokio::time::timeout(LIMIT, proxy.stopped()).await;
    assert!(reached.is_ok(), "{} writes, and not the one to stop at\n{}", proxy.writes(), world.controller_log());
    world.kill_controller().unwrap();
    proxy.resume();
}

async fn end_of(ns: &TestNamespace) -> Timestamp {
    ns.override_("ovr").await["spec"]["expiresAt"].as_str().unwrap().parse().unwrap()
}

/// Kills the controller at every write of all courses.
async fn kill_at_every_write(policies: bool) {
    let world = for_ever(support::world(policies, json!({})));
    let proxy = world.controller_through_proxy().unwrap();
    let mut runs = Vec::new();
    for course in Course::ALL {
        let started = Instant::now();
        let whole = Run::new(world, proxy, course, None).await;
        let writes = proxy.writes();
        assert!(writes > 0, "the proxy sees the controller's writes");
        runs.push(whole);
        // An end takes two writes; kills at those are the same as in `Timed`.
        let last = if matches!(course, Course::Across) { writes - 2 } else { writes };
        for stop in [Stop::Before(1)].into_iter().chain((1..=last).map(Stop::After)) {
            runs.push(Run::new(world, proxy, course, Some(stop)).await);
        }
        println!("policies: {policies}, {course:?}: {} kills, {:?}", last + 1, started.elapsed());
    }
    // The controller has been started many times since.
    for run in &runs {
        run.check_still().await;
    }
}

#[tokio::test]
async fn at_any_write_with_the_policies() {
    kill_at_every_write(true).await;
}

#[tokio::test]
async fn at_any_write_without_the_policies() {
    kill_at_every_write(false).await;
}
