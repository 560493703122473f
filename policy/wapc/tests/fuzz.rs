//! Whatever is asked, the module answers, as the code does natively, and keeps the promises: `cargo xtask fuzz` for many.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::panic, reason = "tests")]

mod arbitrary;
mod changes;
mod common;
mod promises;

use std::{
    env,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock, Mutex},
    time::{Instant as Stopwatch, SystemTime, UNIX_EPOCH},
};

use arbitrary::{Arbitrary, Asked};
use common::{MODULE, requests};
use hpa_override_conformance::shrunk;
use hpa_override_core::Instant;
use hpa_override_policy::{may_patch, validate, validate_settings};
use hpa_override_testbed::{HostAnswer, HostCalls};
use promises::{check, check_again};
use serde_json::Value;

/// So many with every run of the tests.
const COUNT: u32 = 4_000;

#[test]
fn whatever_is_asked_is_answered_and_the_promises_kept() {
    let count = env::var("COUNT").map_or(COUNT, |count| count.parse().unwrap());
    let mut arbitrary = Arbitrary::new(requests().into_values());
    let (seed, mut tally) = (arbitrary.seed, Tally::default());
    LazyLock::force(&MODULE);
    let start = Stopwatch::now();
    for nth in 1..=count {
        let asked = arbitrary.asked();
        let Ok(answer) = catch_unwind(AssertUnwindSafe(|| checked(&asked))) else {
            panic!("request {nth}, --seed {seed}: {}", reduced(&asked));
        };
        tally.count(&answer);
    }
    println!("{count} requests in {:.1} s, seed {seed}: {tally:?}", start.elapsed().as_secs_f32());
}

/// Fails where a promise is broken.
fn checked(asked: &Asked) -> Value {
    let Asked { payload, cluster } = asked;
    let before = now();
    let (host, module) = (Host::new(*cluster), MODULE.clone());
    let answer = module.with_host_calls(Arc::clone(&host) as _).call_raw("validate", payload).unwrap();
    let instants = before.as_unix()..=now().as_unix();
    let now = instants.map(Instant::from_unix).find(|now| natively(asked, *now) == (answer.clone(), host.asked()));
    let now = now.unwrap_or_else(|| panic!("not the native answer: {}", String::from_utf8_lossy(&answer)));
    check(payload, &answer);
    check_again(payload, &answer, now);
    check_settings(payload);
    serde_json::from_slice(&answer).unwrap()
}

fn check_settings(payload: &[u8]) {
    let payload: Value = serde_json::from_slice(payload).unwrap_or_default();
    if payload["settings"] != serde_json::json!({}) {
        let settings = payload["settings"].to_string();
        let answer = MODULE.call_raw("validate_settings", settings.as_bytes()).unwrap();
        assert_eq!(answer, validate_settings(settings.as_bytes()), "settings {settings}");
    }
}

/// The answer, and the questions that were put to the host.
fn natively(asked: &Asked, now: Instant) -> (Vec<u8>, Vec<Vec<u8>>) {
    let host = Host::new(asked.cluster);
    let ask = |question: &_| may_patch(question, |request| host.call("kubewarden", "kubernetes", "can_i", request));
    (validate(&asked.payload, now, ask), host.asked())
}

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Instant::from_unix(since.as_secs().try_into().unwrap())
}

/// A payload as small as it can be made that still fails.
fn reduced(asked: &Asked) -> String {
    panic::set_hook(Box::new(|_| {}));
    let fails = |payload: &Value| {
        let asked = Asked { payload: payload.to_string().into_bytes(), cluster: asked.cluster };
        catch_unwind(AssertUnwindSafe(|| checked(&asked))).is_err()
    };
    let text = String::from_utf8_lossy(&asked.payload);
    let smallest =
        serde_json::from_str(&text).map_or_else(|_| text.into(), |payload| shrunk(payload, fails).to_string());
    drop(panic::take_hook());
    format!("{smallest} in a cluster that answers {:?}", asked.cluster)
}

/// Answers every question alike, and remembers it.
struct Host {
    answer: Result<&'static str, &'static str>,
    asked: Mutex<Vec<Vec<u8>>>,
}

impl Host {
    fn new(answer: Result<&'static str, &'static str>) -> Arc<Self> {
        Arc::new(Self { answer, asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<Vec<u8>> {
        self.asked.lock().unwrap().clone()
    }
}

impl HostCalls for Host {
    fn call(&self, binding: &str, namespace: &str, operation: &str, payload: &[u8]) -> HostAnswer {
        assert_eq!((binding, namespace, operation), ("kubewarden", "kubernetes", "can_i"));
        self.asked.lock().unwrap().push(payload.into());
        self.answer.map(Into::into).map_err(Into::into)
    }
}

/// How many answers were of which sort.
#[derive(Debug, Default)]
struct Tally {
    accepted: u32,
    mutated: u32,
    rejected: u32,
    unreadable: u32,
}

impl Tally {
    fn count(&mut self, answer: &Value) {
        let sort = match (&answer["accepted"], &answer["code"], &answer["mutated_object"]) {
            (Value::Bool(true), _, Value::Null) => &mut self.accepted,
            (Value::Bool(true), _, _) => &mut self.mutated,
            (_, code, _) if *code == 400 => &mut self.unreadable,
            _ => &mut self.rejected,
        };
        *sort += 1;
    }
}
