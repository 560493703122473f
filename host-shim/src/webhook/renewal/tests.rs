use tokio::time::advance;

use super::*;
use crate::fake_api::FakeApi;

const SECRET: &str = "/api/v1/namespaces/ops/secrets/hpa-override-webhook";
const HOST: &str = "hpa-override-webhook.ops.svc";
/// In seconds; the steps are then 100 s apart, and looks 16.
const LIFE: u32 = 1200;

fn path(name: &str) -> String {
    format!("{CONFIGURATIONS_PATH}/{name}")
}

fn configuration(namespace: &str) -> Value {
    let service = json!({"name": "hpa-override-webhook", "namespace": namespace, "path": "/admit"});
    json!({"metadata": {}, "webhooks": [{"name": "any", "clientConfig": {"service": service}}]})
}

/// One replica, and what it meets.
struct Replica {
    api: std::sync::Arc<FakeApi>,
    certificate: Certificate,
    clock: Clock,
}

impl Replica {
    /// It leads, unless it is one of several.
    fn start(leads: bool) -> Self {
        let (api, client) = FakeApi::start();
        let clock = Clock::simulated("2026-11-30T08:00:00Z".parse().unwrap());
        api.put(SECRET, json!({"type": TYPE}));
        for name in CONFIGURATIONS {
            api.put(&path(name), configuration("ops"));
        }
        let leadership = if leads { Leadership::alone() } else { Leadership::candidate() };
        let certificate = Certificate::none();
        let renewal = Renewal {
            requests: Requests::new(client, clock, 2000).led_by(leadership.clone()),
            leadership,
            clock,
            certificate: certificate.clone(),
            secret: Id { namespace: "ops".into(), name: "hpa-override-webhook".into() },
            host: HOST.into(),
            times: Times::new(Some(LIFE)),
        };
        tokio::spawn(renewal.run());
        Self { api, certificate, clock }
    }

    /// The time passes as it does for whoever sleeps.
    async fn pass(seconds: u32) {
        for _ in 0..seconds {
            advance(Duration::from_secs(1)).await;
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn stored(&self) -> Stored {
        Stored::read(&self.api.get(SECRET).unwrap())
    }

    fn trusted(&self, name: &str) -> Option<String> {
        let configuration = self.api.get(&path(name)).unwrap();
        let bundle = configuration.pointer("/webhooks/0/clientConfig/caBundle")?.as_str()?.to_owned();
        Some(String::from_utf8(STANDARD.decode(bundle).unwrap()).unwrap())
    }

    /// In how many seconds what is presented expires.
    fn left(&self) -> i64 {
        self.certificate.expires().unwrap().since(self.clock.now().instant())
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_made_configured_and_renewed_in_time() {
    let replica = Replica::start(true);
    Replica::pass(3).await;
    assert!(replica.left() > 1190);
    for name in CONFIGURATIONS {
        assert_eq!(replica.trusted(name).unwrap(), replica.stored().bundle());
    }
    Replica::pass(400).await;
    replica.api.requests();
    Replica::pass(60).await;
    assert_eq!(replica.api.requests().len(), 3, "it reads once a minute while nothing is to be done");

    // A third of its life is left at 800 s.
    Replica::pass(400).await;
    let prepared = replica.stored();
    assert!(!prepared.is_renewed() && replica.left() < 400);
    assert_eq!(replica.trusted("hpa-override-merge").unwrap(), prepared.bundle(), "the next one is trusted, too");
    Replica::pass(120).await;
    assert!(replica.stored().is_renewed() && replica.left() > 900, "it is presented once that has lasted");
}

#[tokio::test(start_paused = true)]
async fn another_replica_presents_it_and_writes_nothing() {
    let replica = Replica::start(false);
    Replica::pass(5).await;
    assert_eq!(replica.certificate.expires(), None);
    let leader = Replica::start(true);
    Replica::pass(3).await;
    replica.api.put(SECRET, leader.api.get(SECRET).unwrap());
    Replica::pass(2).await;
    assert!(replica.left() > 1180);
    assert!(replica.api.requests().iter().all(|request| request.starts_with("GET ")));
    assert_eq!(replica.trusted("hpa-override-guard"), None);
}

#[tokio::test(start_paused = true)]
async fn one_configuration_that_is_missing_or_anothers_keeps_the_other_from_nothing() {
    for guard in [None, Some(configuration("elsewhere"))] {
        let replica = Replica::start(true);
        match guard.clone() {
            None => replica.api.remove(&path("hpa-override-guard")),
            Some(guard) => drop(replica.api.put(&path("hpa-override-guard"), guard)),
        }
        Replica::pass(3).await;
        assert_eq!(replica.trusted("hpa-override-merge").unwrap(), replica.stored().bundle());
        if guard.is_some() {
            assert_eq!(replica.trusted("hpa-override-guard"), None, "it is left alone");
            continue;
        }
        Replica::pass(1000).await;
        assert!(replica.stored().is_renewed() && replica.left() > 900, "it keeps nothing back");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_takes_away_is_there_again() {
    let replica = Replica::start(true);
    Replica::pass(3).await;
    let before = replica.stored();
    replica.api.put(SECRET, json!({"type": TYPE}));
    replica.api.put(&path("hpa-override-merge"), configuration("ops"));
    Replica::pass(120).await;
    assert!(replica.stored() == before, "the same, so that replicas that have not noticed are accepted");
    assert_eq!(replica.trusted("hpa-override-merge").unwrap(), before.bundle());
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_another_type_is_left_alone() {
    let replica = Replica::start(true);
    let others = replica.api.put(SECRET, json!({"type": "kubernetes.io/tls", "data": {"tls.crt": "eA=="}}));
    Replica::pass(60).await;
    assert_eq!(replica.api.get(SECRET).unwrap(), others);
    assert_eq!(replica.certificate.expires(), None);
}
