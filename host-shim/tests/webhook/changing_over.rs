//! From the policies to the webhook and back, under the owner's writes.

use hpa_override_testbed::{Identity, World, api_for};
use kube::{
    Client,
    api::{DeleteParams, DynamicObject, Patch, PostParams},
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};

use crate::{certificate::Renewing, shipped, support::*};

/// The owner writes, one write after the other, until the test stops it; none is lost.
struct Owner {
    stop: watch::Sender<bool>,
    writes: JoinHandle<i32>,
}

impl Owner {
    async fn start(world: &'static World, namespace: &str) -> Self {
        let (ns, (stop, stopped)) = (TestNamespace::new(world, namespace).await, watch::channel(false));
        let writes = tokio::spawn(async move {
            let mut writes = 0;
            while !*stopped.borrow() {
                writes += 1;
                let max = 5 + (writes % 3);
                let hpa = ns.apply("argocd", 2, max, true).await.unwrap();
                assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, i64::from(max)))), "write {writes}");
            }
            writes
        });
        Self { stop, writes }
    }

    async fn stop(self) -> i32 {
        self.stop.send_replace(true);
        self.writes.await.unwrap()
    }
}

/// The policies first, then both, then the webhook alone, and back. While both are there, a release has no effect, and the
/// status says so.
#[tokio::test]
async fn from_the_policies_to_the_webhook_and_back_no_write_is_lost() {
    let world = for_ever(world(true, json!({})));
    let (ns, _) = under_override(world, "moving").await;
    let admin = world.plane().client(&Identity::Admin).await.unwrap();
    let owner = Owner::start(world, "moving").await;
    world.kill_controller().unwrap();
    let this = Renewing::start(world, 3600).await;
    let (other, _) = with_hpa(world, "moving-other").await;
    let says_so = async |expected: bool| {
        // It looks when it has written an HPA.
        other.create("ovr", for_an_hour()).await;
        other.wait_overridden(10, 20).await;
        other.delete("ovr").await;
        other.wait_traceless(2, 5).await;
        let is = |status: &Value| {
            let message = status["conditions"][0]["message"].as_str().unwrap_or_default();
            message.contains("the annotation hpa-override.dev/release has no effect") == expected
        };
        ns.wait_status("ovr", if expected { "it to say so" } else { "it to say so no more" }, is).await;
    };
    says_so(true).await;
    let release = Patch::Merge(json!({"metadata": {"annotations": {"hpa-override.dev/release": "true"}}}));
    assert_eq!(bounds(&ns.patch("releaser", &release).await), (10, 20), "what one releases the other takes back");

    let policies = take(&admin, ["clusterwide-hpa-override-guard", "clusterwide-hpa-override-merge"]).await;
    says_so(false).await;
    for mut policy in policies {
        let api = api_for(&admin, &policy).unwrap();
        policy.metadata.resource_version = None;
        policy.metadata.uid = None;
        api.create(&PostParams::default(), &policy).await.unwrap();
    }
    says_so(true).await;
    drop(take(&admin, ["hpa-override-guard", "hpa-override-merge"]).await);
    says_so(false).await;
    println!("{} writes while admission changed over", owner.stop().await);
    assert_eq!(bounds(&ns.patch("releaser", &release).await).0, 2, "{}", this.replicas[0].log_tail());
}

/// Deletes configurations, and says what they were.
async fn take(admin: &Client, names: [&str; 2]) -> Vec<DynamicObject> {
    let api = api_for(admin, &shipped("guard")).unwrap();
    let mut taken = Vec::new();
    for name in names {
        taken.push(api.get(name).await.unwrap());
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }
    taken
}
