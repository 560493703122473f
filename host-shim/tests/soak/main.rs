//! A soak: for minutes everything between the controller and the API server goes wrong at random, while overrides of every
//! kind come and go on 200 HPAs whose owners write them, too.
//!
//! ```text
//!   overrides, owners ──► API server ◄── proxy: refuses, loses, delays, cuts, answers with old lists ◄── controller
//!                             │
//!                             └──► every version of every HPA is checked; what is due, against a plan of our own
//! ```

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod check;
mod load;
#[path = "../support/mod.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use hpa_override_testbed::{Identity, seed, usage::memory, wait_for};
use serde_json::json;
use support::*;
use tokio::time::{Instant, sleep};

use self::{
    check::{Owners, Plans, watch_hpas},
    load::{Load, NAMESPACES},
};

/// How long faults come, in each of two worlds, in seconds.
const SECONDS: &str = "HPA_OVERRIDE_SOAK_SECONDS";
/// What everything random comes from.
const SEED: &str = "HPA_OVERRIDE_SOAK_SEED";

/// Afterwards: what has failed again and again, or is contested, is tried again after minutes.
const SETTLES_WITHIN: Duration = Duration::from_mins(6);
/// A stalled watch is noticed after a minute, and the next attempt may fail, too.
const LATEST_BEGIN: Duration = Duration::from_mins(3);
/// An end does not depend on a watch, but on a read and a write that may fail several times in a row.
const LATEST_END: Duration = Duration::from_mins(2);
/// How often the settings are changed.
const RELOAD_EVERY: Duration = Duration::from_secs(20);
/// Requests of the controller in a second: some failures are tried again at once, none without end.
const REQUESTS_PER_SECOND: f64 = 50.0;

#[tokio::test]
#[ignore = "takes ten minutes; run it alone"]
async fn whatever_goes_wrong_on_the_way_every_hpa_is_as_planned() {
    let seconds = std::env::var(SECONDS).map_or(300, |seconds| seconds.parse().unwrap());
    let seed = seed(SEED).unwrap();
    for policies in [false, true] {
        println!("{seconds} s {} the policies", if policies { "with" } else { "without" });
        soak(policies, Duration::from_secs(seconds), seed).await;
    }
}

async fn soak(policies: bool, time: Duration, seed: u64) {
    let world = for_ever(support::world(policies, json!({})));
    let client = world.plane().client(&Identity::user(ALICE)).await.unwrap();
    let mut namespaces = Vec::new();
    for number in 0..NAMESPACES {
        namespaces.push(TestNamespace::new(world, &format!("team-{number}")).await);
    }
    let owners = Arc::new(Owners::default());
    let mut load = Load::new(namespaces, owners.clone(), fastrand::Rng::with_seed(seed));
    load.create_hpas().await;
    let proxy = world.controller_through_proxy().unwrap();
    let watching = tokio::spawn(watch_hpas(client.clone(), owners.clone()));
    let mut plans = Plans::new(&client);

    proxy.begin_faults(seed);
    let (begin, mut resident) = (Instant::now(), Vec::new());
    // Not at once: settings that are not valid end a controller that starts.
    let mut reload_at = begin + RELOAD_EVERY;
    while begin.elapsed() < time {
        load.step().await;
        if reload_at <= Instant::now() {
            reload_at = Instant::now() + RELOAD_EVERY;
            plans.settings = load.change_settings(world, &plans.settings);
        }
        plans.look().await;
        assert!(!watching.is_finished(), "{:?}", watching.await);
        let process = world.controller_id().unwrap();
        resident.push(memory(process).with_context(|| world.controller_log()).unwrap());
        sleep(Duration::from_millis(300)).await;
    }
    let faults = proxy.end_faults();
    let requests: u32 = faults.values().sum();
    println!("  {} overrides, {} writes of owners; {requests} requests: {faults:?}", load.overrides, load.writes);
    let settled = wait_for("every HPA to be as planned", SETTLES_WITHIN, async || {
        let behind = plans.look().await;
        anyhow::ensure!(behind.is_empty(), "{behind:?}\n{}", world.controller_log());
        Ok(())
    });
    settled.await.unwrap();
    println!("  late by at most: begin or change {:.1?}, end {:.1?}", plans.latest_begin, plans.latest_end);
    load.delete_overrides().await;
    let owned =
        wait_for("every HPA to be its owner's", SETTLES_WITHIN, async || check::as_owned(&plans.hpas().await, &owners));
    owned.await.unwrap_or_else(|error| panic!("{error:#}\n{}", world.controller_log()));
    assert!(!watching.is_finished(), "{:?}", watching.await);
    println!("  {} versions of HPAs checked", owners.checked());

    // In the first quarter there are few overrides yet.
    let quarters: Vec<_> = resident.chunks(resident.len().div_ceil(4)).map(highest).collect();
    println!("  resident memory, highest in each quarter: {quarters:.1?} MB");
    assert!(quarters[3] < 1.2 * quarters[1] + 2.0, "it grows");
    assert!(plans.latest_begin < LATEST_BEGIN && plans.latest_end < LATEST_END);
    let per_second = f64::from(requests) / time.as_secs_f64();
    println!("  {per_second:.1} requests per second");
    assert!(per_second < REQUESTS_PER_SECOND);
    world.stop_controller().unwrap();
}

fn highest(megabytes: &[f64]) -> f64 {
    megabytes.iter().copied().fold(0.0, f64::max)
}
