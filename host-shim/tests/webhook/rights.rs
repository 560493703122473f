//! Every right that the controller's own certificate needs: without one, the probe and the log name it, and the controller goes on
//! by itself once it has the right.

use hpa_override_testbed::{
    Admission, CONTROLLER_USER, Identity, Options, World, WorldOptions, api_for, apply_yaml, parse_yaml, wait_for,
    wait_until_asked,
};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{manifest, shipped, support::LIMIT};

/// A verb of the role of that kind, on that group and resource, and how the probe names the right.
type Right = (&'static str, &'static str, &'static str, &'static str, &'static str);

const GROUP: &str = "admissionregistration.k8s.io";
const CONFIGURATIONS: &str = "mutatingwebhookconfigurations";
const RIGHTS: [Right; 4] = [
    ("Role", "", "secrets", "get", "get secrets `hpa-override-webhook` in namespace hpa-override"),
    ("Role", "", "secrets", "patch", "patch secrets `hpa-override-webhook` in namespace hpa-override"),
    (
        "ClusterRole",
        GROUP,
        CONFIGURATIONS,
        "get",
        "get mutatingwebhookconfigurations.admissionregistration.k8s.io `hpa-override-guard`",
    ),
    (
        "ClusterRole",
        GROUP,
        CONFIGURATIONS,
        "patch",
        "patch mutatingwebhookconfigurations.admissionregistration.k8s.io `hpa-override-guard`",
    ),
];

#[tokio::test]
async fn without_a_right_of_the_certificate_the_controller_says_which_and_is_ready_only_with_a_certificate() {
    let (plane, controller) = (Options::default(), env!("CARGO_BIN_EXE_host-shim").into());
    let options = WorldOptions { plane, controller, admission: Admission::Webhook, settings: json!({}) };
    let world = tokio::task::spawn_blocking(|| World::start(options).unwrap()).await.unwrap();
    let client = world.plane().client(&Identity::Admin).await.unwrap();
    for right in RIGHTS {
        let (_, _, resource, verb, named) = right;
        world.kill_controller().unwrap();
        begin_anew(&client, right).await;
        world.start_controller().unwrap();
        let expected = if resource == "secrets" { 503 } else { 200 };
        let refused = format!("cannot {verb} resource \\\"{resource}\\\"");
        wait_for(named, LIMIT, async || {
            let (status, text) = world.admin().get("/readyz?verbose")?;
            let log = world.controller_log();
            anyhow::ensure!(
                status == expected && text.contains(named) && log.contains(&refused),
                "{status} {text}\n{log}"
            );
            Ok(())
        })
        .await
        .unwrap();
        apply_yaml(&client, &without(None), "installer", true).await.unwrap();
        wait_until_asked(&client).await.unwrap();
        wait_for("it to be ready", LIMIT, async || {
            let (status, text) = world.admin().get("/readyz?verbose")?;
            anyhow::ensure!(status == 200, "{text}");
            Ok(())
        })
        .await
        .unwrap();
    }
}

/// The shipped manifest, but for one right.
fn without(missing: Option<Right>) -> String {
    let mut objects = parse_yaml(&manifest("certificate")).unwrap();
    for object in &mut objects {
        let kind = object.types.as_ref().unwrap().kind.clone();
        let verbs = object.data.pointer_mut("/rules/0/verbs").and_then(Value::as_array_mut);
        if let Some((verbs, right)) = verbs.zip(missing.filter(|right| right.0 == kind)) {
            verbs.retain(|verb| verb != right.3);
        }
    }
    let texts: Vec<_> = objects.iter().map(|object| serde_json::to_string(object).unwrap()).collect();
    texts.join("\n---\n")
}

/// There is neither a certificate nor anybody who trusts one, and the right is missing.
async fn begin_anew(client: &Client, right: Right) {
    let secret = parse_yaml(&manifest("certificate")).unwrap().remove(0);
    api_for(client, &secret).unwrap().delete("hpa-override-webhook", &DeleteParams::default()).await.unwrap();
    apply_yaml(client, &without(Some(right)), "installer", true).await.unwrap();
    for name in ["guard", "merge"] {
        let patch = json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]);
        let patch = Patch::<()>::Json(serde_json::from_value(patch).unwrap());
        let api = api_for(client, &shipped(name)).unwrap();
        api.patch(&format!("hpa-override-{name}"), &PatchParams::default(), &patch).await.unwrap();
    }
    wait_refused(client, right).await;
}

/// The API server applies changed rules a moment later.
async fn wait_refused(client: &Client, (_, group, resource, verb, _): Right) {
    let name = if resource == CONFIGURATIONS { "hpa-override-guard" } else { "hpa-override-webhook" };
    let review: SubjectAccessReview = serde_json::from_value(json!({"spec": {
        "user": CONTROLLER_USER,
        "resourceAttributes": {
            "group": group, "resource": resource, "verb": verb, "name": name, "namespace": "hpa-override",
        },
    }}))
    .unwrap();
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    wait_for("the rules to hold", LIMIT, async || {
        let status = reviews.create(&PostParams::default(), &review).await?.status.unwrap_or_default();
        anyhow::ensure!(!status.allowed, "{status:?}");
        Ok(())
    })
    .await
    .unwrap();
}
