//! Candidates on an API server in memory, in paused time.

use std::sync::Arc;

use serde_json::json;
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::*;
use crate::{
    fake_api::{Answer, FakeApi},
    leadership::Leadership,
};

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/hpa-override/leases/hpa-override";

struct Replica {
    clock: Clock,
    leadership: Leadership,
    resign: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Replica {
    fn start(client: &kube::Client, wall: &str) -> Self {
        let clock = Clock::simulated(wall.parse().unwrap());
        let (leadership, resign) = (Leadership::candidate(), Arc::new(Notify::new()));
        let lease = LeaseName { namespace: "hpa-override".into(), name: "hpa-override".into() };
        let requests = Requests::new(client.clone(), clock, 2000);
        let candidate = Candidate::new(requests, lease, clock, leadership.clone());
        let task = tokio::spawn(candidate.run_until(resign.clone()));
        Self { clock, leadership, resign, task }
    }

    fn leads(&self) -> bool {
        self.leadership.is_held(self.clock.now().steady())
    }
}

const NOON: &str = "2026-11-27T12:00:00Z";

/// Two replicas; the first leads.
async fn two() -> (Arc<FakeApi>, Replica, Replica) {
    let (api, client) = FakeApi::start();
    let first = Replica::start(&client, NOON);
    first.leadership.gained(first.clock).await;
    let second = Replica::start(&client, NOON);
    sleep(Duration::from_secs(3)).await;
    (api, first, second)
}

#[tokio::test(start_paused = true)]
async fn the_first_creates_the_lease_and_leads() {
    let (api, client) = FakeApi::start();
    let replica = Replica::start(&client, NOON);
    replica.leadership.gained(replica.clock).await;
    let spec = api.get(PATH).unwrap()["spec"].clone();
    assert!(spec["holderIdentity"].as_str().unwrap().contains('_'), "{spec}");
    assert_eq!(spec["leaseDurationSeconds"], json!(15));
    assert_eq!(spec["acquireTime"], json!("2026-11-27T12:00:00.000000Z"));
    assert_eq!((&spec["renewTime"], &spec["leaseTransitions"]), (&spec["acquireTime"], &json!(0)));
    sleep(Duration::from_secs(5)).await;
    let renewed = api.get(PATH).unwrap()["spec"].clone();
    assert_eq!(renewed["renewTime"], json!("2026-11-27T12:00:04.000000Z"));
    assert_eq!(renewed["acquireTime"], spec["acquireTime"]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_one_request_every_two_seconds() {
    let (api, first, second) = two().await;
    assert!(first.leads() && !second.leads());
    second.task.abort();
    api.requests();
    sleep(Duration::from_secs(20)).await;
    let requests = api.requests();
    assert_eq!((requests.len(), &requests[0]), (10, &format!("PUT {PATH}")), "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn the_other_leads_when_the_leader_is_gone_and_the_lease_is_over() {
    let (api, first, second) = two().await;
    let killed = Instant::now();
    first.task.abort();
    second.leadership.gained(second.clock).await;
    let after = killed.elapsed();
    assert!(after > Duration::from_secs(12) && after < Duration::from_secs(18), "{after:?}");
    assert!(!first.leads());
    assert_eq!(api.get(PATH).unwrap()["spec"]["leaseTransitions"], json!(1));
}

#[tokio::test(start_paused = true)]
async fn the_other_leads_at_once_when_the_leader_resigns() {
    let (api, first, second) = two().await;
    let resigned = Instant::now();
    first.resign.notify_one();
    first.task.await.unwrap();
    let spec = api.get(PATH).unwrap()["spec"].clone();
    assert_eq!((&spec["holderIdentity"], &spec["leaseDurationSeconds"]), (&json!(""), &json!(1)));
    second.leadership.gained(second.clock).await;
    assert!(resigned.elapsed() <= Duration::from_secs(2), "{:?}", resigned.elapsed());
    assert_eq!(api.get(PATH).unwrap()["spec"]["leaseTransitions"], json!(1));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_leads_no_more_before_another_does() {
    for answer in [Answer::Never, Answer::Refuse(503, "ServiceUnavailable", "stopping".into())] {
        let (api, first, second) = two().await;
        let renewed = Instant::now();
        api.rule(move |_| answer.clone());
        first.leadership.lost(first.clock).await;
        let after = renewed.elapsed();
        assert!(after > Duration::from_secs(6) && after <= Duration::from_secs(10), "{after:?}");
        assert!(!first.leads() && !second.leads());
        api.rule(|_| Answer::Real);
        sleep(Duration::from_secs(20)).await;
        assert!(first.leads() != second.leads());
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_given_up_in_time_for_another() {
    let (api, first, _second) = two().await;
    api.rule(|_| Answer::Never);
    sleep(Duration::from_secs(5)).await;
    api.rule(|_| Answer::Real);
    for _ in 0..20 {
        sleep(Duration::from_secs(1)).await;
        assert!(first.leads());
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_takes_nobodys_lease() {
    for wall in ["2026-11-27T12:00:30Z", "2026-11-27T11:00:00Z", "2036-01-01T00:00:00Z"] {
        let (api, client) = FakeApi::start();
        let first = Replica::start(&client, NOON);
        first.leadership.gained(first.clock).await;
        let second = Replica::start(&client, wall);
        for _ in 0..60 {
            sleep(Duration::from_secs(1)).await;
            assert!(first.leads() && !second.leads(), "{wall}");
        }
        assert_eq!(api.get(PATH).unwrap()["spec"]["leaseTransitions"], json!(0));
    }
}

#[tokio::test(start_paused = true)]
async fn who_loses_the_lease_to_another_leads_no_more() {
    let (api, first, _second) = two().await;
    let mut lease = api.get(PATH).unwrap();
    lease["spec"]["holderIdentity"] = "release-all".into();
    api.put(PATH, lease);
    sleep(Duration::from_secs(2)).await;
    assert!(!first.leads());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_deleted_is_made_anew_and_one_leads() {
    let (api, first, second) = two().await;
    api.remove(PATH);
    // Who did not make it sees that with its next attempt, as client-go's candidates do.
    sleep(Duration::from_secs(4)).await;
    assert!(first.leads() != second.leads());
}

#[tokio::test(start_paused = true)]
async fn what_others_have_put_into_the_lease_stays() {
    let (api, client) = FakeApi::start();
    api.put(PATH, json!({"metadata": {"labels": {"team": "a"}}, "spec": {"strategy": "OldestEmulationVersion"}}));
    let replica = Replica::start(&client, NOON);
    replica.leadership.gained(replica.clock).await;
    let lease = api.get(PATH).unwrap();
    assert_eq!(
        (&lease["metadata"]["labels"]["team"], &lease["spec"]["strategy"]),
        (&json!("a"), &json!("OldestEmulationVersion"))
    );
}
