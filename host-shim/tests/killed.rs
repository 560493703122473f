//! Killed anywhere: the controller is killed before and after every single one of its writes to an HPA, and started
//! again. Whatever the point, the end is the same, and no trace is left.
//!
//! A first run counts the writes; then each of them is walked. A proxy holds the controller at the write, so that it
//! dies there and nowhere else.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::Instant;

use hpa_override_testbed::{Proxy, Stop, World, wait_for};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::*;

/// What the owner wants.
const OWNER: (i32, i32) = (2, 5);

/// What happens to the HPA in a run.
#[derive(Clone, Copy, Debug)]
enum Life {
    /// One override, until it is deleted.
    One,
    /// Three overrides, handed over from the top one to the last, until that is deleted.
    Three,
    /// One override, until its time is over.
    Timed,
    /// The same, and a killed controller comes back only when its time is over.
    Across,
}

impl Life {
    const ALL: [Self; 4] = [Self::One, Self::Three, Self::Timed, Self::Across];

    async fn live(self, shop: &Shop) {
        match self {
            Self::One => {
                shop.create("ovr", json!({"minReplicas": 10, "maxReplicas": 20, "duration": "1h"})).await;
                shop.wait_overridden(10, 20).await;
                shop.wait_phase("ovr", "Active").await;
                shop.delete("ovr").await;
            }
            Self::Three => {
                let low = json!({"minReplicas": 20, "maxReplicas": 50, "priority": 1, "duration": "1h"});
                let mid = json!({"minReplicas": 10, "maxReplicas": 40, "priority": 5, "duration": "1h"});
                let high = json!({"minReplicas": 30, "priority": 9, "duration": "1h"});
                for (name, spec, min, max) in [("low", low, 20, 50), ("mid", mid, 10, 40), ("high", high, 30, 40)] {
                    shop.create(name, spec).await;
                    shop.wait_overridden(min, max).await;
                }
                shop.delete("high").await;
                shop.wait_overridden(10, 40).await;
                shop.wait_phase("mid", "Active").await;
                shop.delete("mid").await;
                shop.wait_overridden(20, 50).await;
                shop.delete("low").await;
            }
            Self::Timed => {
                shop.create("ovr", ends_in(4)).await;
                shop.wait_overridden(10, 20).await;
                shop.wait_phase("ovr", "Expired").await;
            }
            // It may be over before it was ever applied.
            Self::Across => {
                shop.create("ovr", ends_in(3)).await;
                shop.wait_phase("ovr", "Expired").await;
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
    shop: Shop,
    before: Value,
    stop: Option<Stop>,
}

impl Run {
    async fn of(world: &'static World, proxy: &Proxy, life: Life, at: Option<Stop>) -> Self {
        let shop = Shop::open(world, &namespace(life, at)).await;
        shop.apply("argocd", OWNER.0, OWNER.1, false).await.unwrap();
        let before = shop.hpa().await;
        proxy.watch_writes(&shop.namespace, at);
        let killed = async {
            if at.is_some() {
                kill_at_the_stop(world, proxy).await;
                if matches!(life, Life::Across) {
                    wait_for_the_end(&shop).await;
                }
                world.start_controller().unwrap();
            }
        };
        tokio::join!(life.live(&shop), killed);
        let run = Self { shop, before, stop: at };
        run.check().await;
        run
    }

    /// Waits for the final state, and looks at every version of the HPA until there.
    async fn check(&self) {
        let after = self.shop.wait_traceless(OWNER.0.into(), OWNER.1.into()).await;
        assert_eq!(traces(&after), traces(&self.before), "{:?}", self.stop);
        for version in self.shop.versions(&self.before, &after).await {
            let captured = desired(&version).unwrap_or((OWNER.0.into(), OWNER.1.into()));
            assert_eq!(captured, (OWNER.0.into(), OWNER.1.into()), "{:?}: {version}", self.stop);
        }
    }

    /// Nothing has happened since.
    async fn check_still(&self) {
        let now = self.shop.hpa().await;
        assert_eq!(traces(&now), traces(&self.before), "{:?}, later", self.stop);
    }
}

fn namespace(life: Life, stop: Option<Stop>) -> String {
    let stop = match stop {
        None => "whole".to_owned(),
        Some(Stop::Before(n)) => format!("before-{n}"),
        Some(Stop::After(n)) => format!("after-{n}"),
    };
    format!("{life:?}-{stop}").to_lowercase()
}

async fn kill_at_the_stop(world: &World, proxy: &Proxy) {
    let reached = tokio::time::timeout(LIMIT, proxy.stopped()).await;
    assert!(reached.is_ok(), "the write to stop at never came; {} came\n{}", proxy.writes(), world.controller_log());
    world.kill_controller().unwrap();
    proxy.resume();
}

async fn wait_for_the_end(shop: &Shop) {
    let ends: Timestamp = shop.override_("ovr").await["spec"]["expiresAt"].as_str().unwrap().parse().unwrap();
    let passed = wait_for("the end to pass", LIMIT, async || {
        anyhow::ensure!(Timestamp::now() >= ends, "{}", Timestamp::now());
        Ok(())
    });
    passed.await.unwrap();
}

/// Walks every write of all lives.
async fn walk(policies: bool) {
    // It ends with the process, as a `static` does.
    let world: &'static World = Box::leak(Box::new(support::world(policies, json!({}))));
    let proxy = world.controller_through_proxy().unwrap();
    let mut runs = Vec::new();
    for life in Life::ALL {
        let started = Instant::now();
        let whole = Run::of(world, proxy, life, None).await;
        let writes = proxy.writes();
        assert!(writes > 0, "the proxy sees the controller's writes");
        runs.push(whole);
        for n in 1..=writes {
            for stop in [Stop::Before(n), Stop::After(n)] {
                runs.push(Run::of(world, proxy, life, Some(stop)).await);
            }
        }
        println!("policies: {policies}, {life:?}: {writes} writes, {} kills, {:?}", 2 * writes, started.elapsed());
    }
    // Controllers were started many times since.
    for run in &runs {
        run.check_still().await;
    }
}

#[tokio::test]
async fn at_any_write_with_the_policies() {
    walk(true).await;
}

#[tokio::test]
async fn at_any_write_without_the_policies() {
    walk(false).await;
}
