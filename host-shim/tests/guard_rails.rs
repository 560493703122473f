//! Every setting that limits overrides, at admission and at the start: the same sentence from the guard, through the real
//! module, and from a controller whose API server has no guard.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use futures::future::join_all;
use hpa_override_testbed::World;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use support::*;

fn settings() -> Value {
    json!({
        "replicaCeiling": 50, "defaultDuration": "1h", "maxDuration": "2h", "maxPriority": 10, "requireReason": true,
        "directions": "UpOnly", "protectedNamespaces": ["fort"], "unguardedNamespaces": ["lawless"],
        "crossNamespace": "Deny",
    })
}

fn guarded() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| world(true, settings()))
}

fn unguarded() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| world(false, settings()))
}

/// A setting, where an override breaks it, by what, and what everybody says then.
struct Rail {
    setting: &'static str,
    namespace: &'static str,
    breach: Value,
    reason: &'static str,
    sentence: &'static str,
}

fn rail(setting: &'static str, breach: Value, reason: &'static str, sentence: &'static str) -> Rail {
    Rail { setting, namespace: "shop", breach, reason, sentence }
}

fn rails() -> Vec<Rail> {
    let limit = |setting, breach, sentence| rail(setting, breach, "LimitExceeded", sentence);
    vec![
        limit(
            "ceiling",
            json!({"maxReplicas": 51}),
            "spec.maxReplicas: maxReplicas 51 is above the 50 allowed; lower it",
        ),
        limit("duration", json!({"duration": "2h1m1s"}), "2h allowed; end it earlier"),
        limit(
            "return",
            json!({"duration": "2h", "returnOver": "61s"}),
            "and 1m1s to return is longer than the 2h allowed; end it earlier",
        ),
        limit("priority", json!({"priority": 11}), "spec.priority: priority 11 is above the 10 allowed; lower it"),
        limit(
            "reason",
            json!({"reason": null}),
            "spec.reason: a reason is required; say why in reason, for example with the number of a ticket",
        ),
        limit(
            "directions",
            json!({"minReplicas": "desired-1"}),
            "spec.minReplicas: minReplicas `desired-1` is below what the owner wants, and overrides may only go up",
        ),
        rail(
            "cross",
            json!({"namespace": "elsewhere"}),
            "CrossNamespaceDenied",
            "spec.namespace: namespace `elsewhere` is not this override's own; create the override there",
        ),
        Rail {
            namespace: "fort",
            ..rail(
                "protected",
                json!({}),
                "NamespaceProtected",
                "spec.namespace: namespace `fort` is protected: its HorizontalPodAutoscalers cannot be overridden",
            )
        },
        Rail {
            namespace: "lawless",
            ..rail(
                "unguarded",
                json!({}),
                "UnguardedNamespace",
                "spec.namespace: namespace `lawless` is excluded from admission, so overrides in it do not act",
            )
        },
    ]
}

/// Within every limit, but for what is put (null: taken away).
fn spec(over: &Value) -> Value {
    let mut spec = overridden(&json!({"hpa": "web", "duration": "1h", "reason": "CHG-1"}));
    for (key, value) in over.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    spec
}

async fn namespaces(world: &'static World) -> Vec<Shop> {
    let shops = join_all(["shop", "fort", "lawless", "elsewhere"].map(|name| Shop::open(world, name))).await;
    for shop in &shops {
        shop.apply("argocd", 2, 5, false).await.unwrap();
    }
    shops
}

fn of<'a>(shops: &'a [Shop], namespace: &str) -> &'a Shop {
    shops.iter().find(|shop| shop.namespace == namespace).unwrap()
}

#[tokio::test]
async fn the_guard_refuses_each_breach_alone() {
    let shops = namespaces(guarded()).await;
    for Rail { setting, namespace, breach, sentence, .. } in rails() {
        let refused = of(&shops, namespace).try_create(setting, spec(&breach)).await.unwrap_err();
        let kube::Error::Api(status) = refused else { panic!("{refused}") };
        let (_, message) = status.message.split_once("denied the request: ").unwrap();
        assert!(message.ends_with(sentence) && !message.contains("errors"), "{setting}: {message}");
        println!("| {setting} | {message} |");
    }
    let shop = of(&shops, "shop");
    shop.try_create("within", spec(&json!({"maxReplicas": 50, "duration": "2h", "priority": 10}))).await.unwrap();
    shop.wait_overridden(10, 50).await;
}

#[tokio::test]
async fn the_controller_says_the_same_when_it_starts() {
    let shops = namespaces(unguarded()).await;
    for Rail { setting, namespace, breach, reason, sentence } in rails() {
        let shop = of(&shops, namespace);
        shop.try_create(setting, spec(&breach)).await.unwrap();
        let ready = shop.wait_phase(setting, "Blocked").await["conditions"][0].clone();
        assert_eq!(ready["reason"], reason, "{setting}");
        assert!(ready["message"].as_str().unwrap().ends_with(sentence), "{setting}: {ready}");
    }
    for shop in &shops {
        assert_eq!((bounds(&shop.hpa().await), record(&shop.hpa().await)), ((2, 5), None));
    }
    let shop = of(&shops, "shop");
    shop.create("within", spec(&json!({"maxReplicas": 50, "duration": "2h", "priority": 10}))).await;
    shop.wait_overridden(10, 50).await;
}

#[tokio::test]
async fn ceiling_and_directions_bound_the_result_too() {
    let shop = Shop::open(guarded(), "clamped").await;
    shop.apply("argocd", 8, 20, false).await.unwrap();
    // 5 is below what the owner wants, 300 % of 20 above the ceiling: neither number is known at admission.
    shop.create("ovr", spec(&json!({"minReplicas": 5, "maxReplicas": "300%"}))).await;
    let hpa = shop.wait_overridden(8, 50).await;
    assert_eq!(record(&hpa).unwrap()["limits"], json!({"ceiling": 50, "upOnly": true}));
    // The owner may want more than the ceiling: that stands.
    shop.apply("argocd", 8, 60, true).await.unwrap();
    assert_eq!(bounds(&shop.hpa().await), (8, 60));
}

#[tokio::test]
async fn an_end_by_default_is_warned_about_and_kept() {
    let shop = Shop::open(guarded(), "default-end").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let manifest = serde_json::to_string(&shop.new_override("ovr", &spec(&json!({"duration": null})))).unwrap();
    let (created, output) = shop.kubectl(&["create", "-f", "-"], &manifest);
    assert!(created && output.contains("Warning: spec: no end is given, so it ends at "), "{output}");
    let hpa = shop.wait_overridden(10, 20).await;
    let created: jiff::Timestamp =
        shop.override_("ovr").await["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
    let end = created + jiff::SignedDuration::from_hours(1);
    assert_eq!(record(&hpa).unwrap()["layers"][0]["until"], end.to_string());
}

#[tokio::test]
async fn stricter_settings_cut_nothing_off_but_for_the_namespace_rules() {
    let world = for_ever(world(false, json!({})));
    let shop = Shop::open(world, "stricter").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    let spec = overridden(&json!({"duration": "12h", "priority": 500}));
    shop.create("acting", spec.clone()).await;
    shop.wait_overridden(10, 20).await;
    let strict = json!({"maxDuration": "1h", "maxPriority": 1, "requireReason": true, "authorizeRequester": true});
    world.change_controller_settings(&strict).unwrap();
    shop.create("late", spec).await;
    shop.wait_phase("late", "Blocked").await;
    shop.wait_phase("acting", "Active").await;
    shop.wait_overridden(10, 20).await;
    world.change_controller_settings(&json!({"protectedNamespaces": ["stricter"]})).unwrap();
    shop.wait_traceless(2, 5).await;
    assert_eq!(shop.wait_phase("acting", "Blocked").await["conditions"][0]["reason"], "NamespaceProtected");
}

/// The story of an override in the audit log alone: who asked, what was refused, what the owner's write came to.
#[tokio::test]
async fn the_audit_log_tells_the_story() {
    let shop = Shop::open(guarded(), "story").await;
    shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.try_create("ovr", spec(&json!({"priority": 11, "reason": null}))).await.unwrap_err();
    shop.create("ovr", spec(&json!({}))).await;
    let until = shop.wait_phase("ovr", "Active").await["endsAt"].clone();
    shop.apply("argocd", 3, 8, true).await.unwrap();
    let label = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    shop.overrides().patch("ovr", &PatchParams::default(), &label).await.unwrap();
    let told = hpa_override_testbed::wait_for("the audit log", LIMIT, async || {
        let told = annotations(&shop);
        anyhow::ensure!(told.len() == 4, "{told:?}");
        Ok(told)
    });
    let merged =
        json!({"decision": "merged", "desired": "3–8", "effective": "10–20", "overrides": "story/ovr", "until": until});
    let expected = [
        json!({"decision": "rejected", "codes": "priorityTooHigh reasonRequired"}),
        json!({"decision": "accepted"}),
        merged,
        json!({"decision": "notJudged"}),
    ];
    assert_eq!(told.await.unwrap(), expected);
}

/// What the policies told about alice's writes in this namespace, in order.
fn annotations(shop: &Shop) -> Vec<Value> {
    let writes = shop.world.plane().audit().writes_by(ALICE).unwrap();
    let here = writes.iter().filter(|event| event.namespace == shop.namespace);
    let of_ours = |event: &hpa_override_testbed::AuditEvent| {
        let ours = event.annotations.iter().filter_map(|(key, value)| {
            let (webhook, key) = key.split_once('/')?;
            webhook.starts_with("clusterwide-hpa-override-").then(|| (key.to_owned(), Value::from(value.as_str())))
        });
        Value::Object(ours.collect())
    };
    here.map(of_ours).filter(|told| *told != json!({})).collect()
}
