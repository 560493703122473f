//! Two replicas: one leads, and the other takes over whatever becomes of it. Nothing is lost, and nothing is done twice.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::Duration;

use hpa_override_testbed::{CONTROLLER_USER, Identity, Replica, Signal, World, apply_yaml, parse_yaml, wait_for};
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
};
use serde_json::{Value, json};
use support::*;
use tokio::time::Instant;

/// Without the policies, so that everything is the controller's work.
fn world_without_controller() -> &'static World {
    let world = for_ever(support::world(false, json!({})));
    world.kill_controller().unwrap();
    world
}

/// Waits until a replica leads.
async fn wait_leading(replica: &Replica) {
    wait_for("a replica to lead", LIMIT, async || {
        let leads = replica.admin.metrics()?.sum("hpa_override_leader", &[]);
        anyhow::ensure!(leads > 0.0, "{}", replica.child.log_tail());
        Ok(())
    })
    .await
    .unwrap();
}

fn ends_in(seconds: i64) -> Value {
    let ends = Timestamp::from_second(now() + seconds).unwrap();
    json!({"minReplicas": 10, "maxReplicas": 20, "expiresAt": ends.to_string()})
}

/// What becomes of the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Killed,
    Terminated,
    Stopped,
    /// Nothing that it asks is answered.
    CutOff,
}

impl Fault {
    const ALL: [Self; 4] = [Self::Terminated, Self::Killed, Self::Stopped, Self::CutOff];

    fn happen(self, replica: &mut Replica) {
        match self {
            Self::Killed => replica.child.kill().unwrap(),
            Self::Terminated => {
                replica.child.signal(Signal::SIGTERM).unwrap();
                assert!(replica.child.wait(LIMIT).unwrap().success());
            }
            Self::Stopped => replica.child.signal(Signal::SIGSTOP).unwrap(),
            Self::CutOff => replica.proxy.cut_off(),
        }
    }

    /// What is left of the replica runs again, and leads no more.
    async fn pass(self, replica: &Replica) {
        match self {
            Self::Killed | Self::Terminated => return,
            Self::Stopped => replica.child.signal(Signal::SIGCONT).unwrap(),
            Self::CutOff => replica.proxy.resume(),
        }
        let resigned = wait_for("it to lead no more", LIMIT, async || {
            anyhow::ensure!(replica.child.log().contains("leading no more"), "{}", replica.child.log_tail());
            Ok(())
        });
        resigned.await.unwrap();
    }
}

#[tokio::test]
async fn the_other_replica_goes_on_whatever_becomes_of_the_leader() {
    let world = world_without_controller();
    for fault in Fault::ALL {
        let name = format!("{fault:?}").to_lowercase();
        let (ns, before) = with_hpa(world, &name).await;
        let mut leader = world.start_replica(&format!("{name}-1"), 0).unwrap();
        wait_leading(&leader).await;
        let mut follower = world.start_replica(&format!("{name}-2"), 0).unwrap();
        let audit = world.plane().audit().from_now().unwrap();
        ns.create("ovr", ends_in(4)).await;
        ns.wait_overridden(10, 20).await;
        ns.wait_phase("ovr", "Active").await;
        let since = Instant::now();
        fault.happen(&mut leader);
        wait_leading(&follower).await;
        let took = since.elapsed();
        println!("{fault:?}: another replica leads after {took:.1?}");
        assert!(took < if fault == Fault::Terminated { Duration::from_secs(10) } else { Duration::from_secs(25) });
        let after = ns.wait_traceless(2, 5).await;
        ns.wait_phase("ovr", "Expired").await;
        fault.pass(&leader).await;
        assert_eq!(traces(&ns.hpa().await), traces(&before), "{fault:?}");
        assert_eq!(ns.bounds_between(&before, &after).await, [(10, 20), (2, 5)], "{fault:?}");
        assert_eq!(ns.wait_writes(&audit, 4).await.len(), 4, "{fault:?}: two to begin, two to end");
        follower.child.signal(Signal::SIGTERM).unwrap();
        assert!(follower.child.wait(LIMIT).unwrap().success());
    }
}

#[tokio::test]
async fn a_replica_whose_clock_is_ahead_takes_nobodys_lease() {
    let world = world_without_controller();
    let leader = world.start_replica("true", 0).unwrap();
    wait_leading(&leader).await;
    let mut ahead = world.start_replica("ahead", 30).unwrap();
    wait_for("the other to wait for the Lease", LIMIT, async || {
        ahead.child.ensure_running()?;
        anyhow::ensure!(ahead.child.log().contains("another replica leads"), "{}", ahead.child.log_tail());
        Ok(())
    })
    .await
    .unwrap();
    // Two renewals later it still waits.
    let (ns, _) = with_hpa(world, "ahead").await;
    ns.create("ovr", ends_in(5)).await;
    ns.wait_overridden(10, 20).await;
    ns.wait_traceless(2, 5).await;
    assert!(!ahead.child.log().contains("leading by"), "{}", ahead.child.log_tail());
}

/// By its clock, an override ends half a minute early; then one takes over whose clock is right.
#[tokio::test]
#[ignore = "takes a minute; run it alone"]
async fn after_a_leader_whose_clock_was_ahead_the_override_lasts_until_its_end() {
    let world = world_without_controller();
    let mut ahead = world.start_replica("ahead-leads", 30).unwrap();
    wait_leading(&ahead).await;
    let follower = world.start_replica("right", 0).unwrap();
    let (ns, before) = with_hpa(world, "ahead-leads").await;
    let ends = now() + 45;
    ns.create("ovr", with_fields(ends_in(0), &json!({"expiresAt": at(ends)}))).await;
    ns.wait_overridden(10, 20).await;
    ns.wait_traceless(2, 5).await;
    let early = ends - now();
    assert!((25..=30).contains(&early), "{early} s early, by its clock");
    Fault::Terminated.happen(&mut ahead);
    wait_leading(&follower).await;
    ns.wait_overridden(10, 20).await;
    assert!(now() < ends, "it is not over");
    let after = ns.wait_traceless(2, 5).await;
    assert!(now() >= ends);
    assert_eq!(traces(&after), traces(&before));
    assert_eq!(ns.bounds_between(&before, &after).await, [(10, 20), (2, 5), (10, 20), (2, 5)]);
}

/// The shipped Role for the Lease, without one verb.
fn role_without(verb: &str) -> DynamicObject {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/rbac/rbac.yaml")).unwrap();
    let is_role = |object: &DynamicObject| object.types.as_ref().is_some_and(|types| types.kind == "Role");
    let mut role = parse_yaml(&text).unwrap().into_iter().find(is_role).unwrap();
    for rule in role.data["rules"].as_array_mut().unwrap() {
        rule["verbs"].as_array_mut().unwrap().retain(|there| there != verb);
    }
    role.data["rules"].as_array_mut().unwrap().retain(|rule| rule["verbs"] != json!([]));
    role
}

/// Applies the Role, and waits until the API server acts by it.
async fn set_role(client: &Client, role: &DynamicObject, verb: &str, is_allowed: bool) {
    apply_yaml(client, &serde_json::to_string(role).unwrap(), "installer", true).await.unwrap();
    let review: SubjectAccessReview = serde_json::from_value(json!({"spec": {
        "user": CONTROLLER_USER,
        "resourceAttributes": {
            "group": "coordination.k8s.io", "resource": "leases", "verb": verb, "namespace": "hpa-override",
            "name": "hpa-override",
        },
    }}))
    .unwrap();
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    wait_for("the rules to hold", LIMIT, async || {
        let status = reviews.create(&PostParams::default(), &review).await?.status.unwrap_or_default();
        anyhow::ensure!(status.allowed == is_allowed, "{status:?}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_a_right_on_the_lease_nobody_leads_and_the_log_says_which() {
    let world = world_without_controller();
    let client = world.plane().client(&Identity::Admin).await.unwrap();
    // First `create`: there is no Lease yet.
    for verb in ["create", "get", "update"] {
        set_role(&client, &role_without(verb), verb, false).await;
        let mut replica = world.start_replica(&format!("without-{verb}"), 0).unwrap();
        wait_for("the missing right to be named", LIMIT, async || {
            replica.child.ensure_running()?;
            let (log, names_it) = (replica.child.log(), format!("cannot {verb} resource \"leases\""));
            let line =
                log.lines().find(|line| line.contains("failed to read or write the Lease hpa-override/hpa-override"));
            let is_said = line.is_some_and(|line| line.contains(&names_it) && line.contains("apply `deploy/rbac`"));
            anyhow::ensure!(is_said, "{}", replica.child.log_tail());
            Ok(())
        })
        .await
        .unwrap();
        assert!(!replica.child.log().contains("leading by"), "{}", replica.child.log_tail());
        set_role(&client, &role_without("none"), verb, true).await;
        wait_leading(&replica).await;
        replica.child.signal(Signal::SIGTERM).unwrap();
        assert!(replica.child.wait(LIMIT).unwrap().success());
    }
}

/// How many hand-overs, of each of two worlds.
const HAND_OVERS: &str = "HPA_OVERRIDE_HAND_OVERS";

/// What is measured of one hand-over.
struct HandOver {
    fault: Fault,
    gap: Duration,
    /// Writes to the HPA beyond those of one controller.
    more_writes: usize,
}

/// Without the merge policy and with it, hand-over after hand-over while overrides end.
#[tokio::test]
#[ignore = "takes 25 s for each hand-over; run it alone"]
async fn hand_over_after_hand_over_loses_nothing() {
    let count = std::env::var(HAND_OVERS).map_or(12, |count| count.parse().unwrap());
    for policies in [false, true] {
        let world = for_ever(support::world(policies, json!({})));
        world.kill_controller().unwrap();
        let mut replicas = [0, 1].map(|number| world.start_replica(&format!("replica-{number}"), 0).unwrap());
        let mut made = Vec::new();
        for round in 0..count {
            let fault = Fault::ALL[round % 4];
            made.push(hand_over(world, &mut replicas, fault, round, policies).await);
        }
        println!("{count} hand-overs, {} the merge policy:", if policies { "with" } else { "without" });
        for fault in Fault::ALL {
            let mut gaps: Vec<_> = made.iter().filter(|it| it.fault == fault).map(|it| it.gap).collect();
            gaps.sort();
            let (median, worst) = (gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
            println!("  {fault:?}: {} times, median {median:.1?}, worst {worst:.1?}", gaps.len());
        }
        let more: usize = made.iter().map(|it| it.more_writes).sum();
        println!("  writes to HPAs beyond those of one controller: {more}");
        assert_eq!(more, 0);
    }
}

/// Something becomes of the leader while an override is about to end. Afterwards there are two replicas again.
async fn hand_over(
    world: &'static World,
    replicas: &mut [Replica; 2],
    fault: Fault,
    round: usize,
    policies: bool,
) -> HandOver {
    let leads = |replica: &Replica| replica.admin.metrics().is_ok_and(|it| it.sum("hpa_override_leader", &[]) > 0.0);
    let leading = wait_for("a leader", LIMIT, async || {
        replicas.iter().position(leads).ok_or_else(|| anyhow::anyhow!("nobody leads"))
    });
    let leading = leading.await.unwrap();
    let (ns, before) = with_hpa(world, &format!("round-{round}")).await;
    let audit = world.plane().audit().from_now().unwrap();
    ns.create("ovr", ends_in(4)).await;
    ns.wait_overridden(10, 20).await;
    let since = Instant::now();
    fault.happen(&mut replicas[leading]);
    wait_leading(&replicas[1 - leading]).await;
    let gap = since.elapsed();
    ns.wait_traceless(2, 5).await;
    ns.wait_phase("ovr", "Expired").await;
    fault.pass(&replicas[leading]).await;
    replicas[leading] = world.start_replica(&format!("replica-{round}-next"), 0).unwrap();
    assert_eq!(traces(&ns.hpa().await), traces(&before), "{fault:?}");
    // One patch begins with the merge policy, two without; two end.
    let expected = if policies { 3 } else { 4 };
    let writes = ns.wait_writes(&audit, expected).await.len();
    HandOver { fault, gap, more_writes: writes - expected }
}
