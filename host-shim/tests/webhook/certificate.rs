//! The certificate that the controller makes and renews by itself.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hpa_override_testbed::{
    Child, Identity, Port, Signal, World, api_for, apply_yaml, connector, install_configurations, wait_for,
    wait_until_asked,
};
use kube::{
    Client,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::{
    manifest,
    requests::{Caller, review},
    shipped,
    support::*,
    wait_logged,
};

/// Two replicas that make their own certificate. The API server asks the second.
pub struct Renewing {
    pub admin: Client,
    pub replicas: [Child; 2],
    pub addresses: [String; 2],
    _ports: [Port; 2],
}

impl Renewing {
    /// A certificate lives for so many seconds.
    pub async fn start(world: &World, life: u32) -> Self {
        let admin = world.plane().client(&Identity::Admin).await.unwrap();
        apply_yaml(&admin, &manifest("certificate"), "installer", true).await.unwrap();
        let ports = [(); 2].map(|()| Port::reserve().unwrap());
        let addresses = ports.each_ref().map(|port| format!("127.0.0.1:{}", port.number()));
        install_configurations(&admin, ports[1].number(), None).await.unwrap();
        let start = |index: usize| {
            let mut command = world.controller_command().unwrap();
            command.env("HPA_OVERRIDE_LEADER_ELECT", "true").env("HPA_OVERRIDE_ADMIN_ADDRESS", "none");
            command.arg("--webhook").arg(format!("--webhook-address={}", addresses[index]));
            command.arg("--webhook-host=127.0.0.1").arg(format!("--webhook-certificate-life={life}"));
            Child::spawn(command, &world.plane().folder().join(format!("renewing-{index}.log"))).unwrap()
        };
        let first = start(0);
        wait_logged(&first, "made a certificate for the webhook").await;
        let second = start(1);
        wait_logged(&second, "presents a certificate").await;
        wait_until_asked(&admin).await.unwrap();
        Self { admin, replicas: [first, second], addresses, _ports: ports }
    }

    pub async fn get(&self, name: &str) -> DynamicObject {
        let object = shipped(name);
        api_for(&self.admin, &object).unwrap().get(object.metadata.name.as_deref().unwrap()).await.unwrap()
    }

    pub async fn patch(&self, name: &str, patch: Value) {
        let object = shipped(name);
        let (api, name) = (api_for(&self.admin, &object).unwrap(), object.metadata.name.unwrap());
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        api.patch(&name, &PatchParams::default(), &Patch::<()>::Json(patch)).await.unwrap();
    }

    /// What the Secret holds.
    pub async fn presented(&self) -> Value {
        self.get("certificate").await.data["data"]["tls.crt"].clone()
    }

    /// Whom API servers trust, as PEM.
    pub async fn trusted(&self, name: &str) -> Option<String> {
        let configuration = self.get(name).await;
        let bundle = configuration.data["webhooks"][0]["clientConfig"]["caBundle"].as_str()?.to_owned();
        Some(String::from_utf8(STANDARD.decode(bundle).unwrap()).unwrap())
    }

    /// A client that trusts what API servers do.
    pub async fn is_accepted(&self, index: usize) {
        let ca = self.trusted("guard").await.unwrap();
        let mut caller = Caller::connect_to(&self.addresses[index], &ca).await;
        assert_eq!(caller.ask(review().as_bytes()).await.0, 200);
    }
}

#[tokio::test]
async fn its_own_certificate_is_renewed_although_the_leader_stops_and_no_write_is_lost() {
    let world = for_ever(world(false, json!({})));
    world.kill_controller().unwrap();
    let this = Renewing::start(world, 48).await;
    let (ns, _) = under_override(world, "own").await;
    let first = this.presented().await;
    let (mut writes, mut stopped) = (0, false);
    while this.presented().await == first {
        writes += 1;
        let max = 5 + (writes % 3);
        let hpa = ns.apply("argocd", 2, max, true).await.unwrap();
        assert_eq!(
            (bounds(&hpa), desired(&hpa)),
            ((10, 20), Some((2, i64::from(max)))),
            "{}",
            this.replicas[1].log_tail()
        );
        this.is_accepted(1).await;
        if !stopped && this.replicas[0].log().contains("made the next certificate") {
            this.replicas[0].signal(Signal::SIGTERM).unwrap();
            stopped = true;
        }
    }
    println!("{writes} writes during a renewal");
    assert!(stopped, "the leader was to stop in the middle");
    let log = this.replicas[1].log();
    assert!(log.contains("takes the place of the last") && !log.contains("made the next certificate"), "{log}");
    wait_logged(&this.replicas[1], "presents another certificate").await;
    this.is_accepted(1).await;
    assert_eq!(this.trusted("merge").await.unwrap().matches("BEGIN").count(), 2, "the old one is still valid");

    // Somebody makes a configuration anew, without knowing whom to trust; and somebody empties the Secret.
    this.patch("guard", json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}])).await;
    wait_for("the bundle to be written again", LIMIT, async || {
        this.trusted("guard").await.context("there is none").map(drop)
    })
    .await
    .unwrap();
    this.patch("certificate", json!([{"op": "remove", "path": "/data"}])).await;
    wait_logged(&this.replicas[1], "stored the certificate of the webhook again").await;
    wait_for("the certificate to be accepted", LIMIT, async || {
        let ca = this.trusted("guard").await.context("there is none")?;
        let socket = TcpStream::connect(&this.addresses[1]).await?;
        connector(&ca)?.connect(ServerName::try_from("127.0.0.1")?, socket).await?;
        Ok(())
    })
    .await
    .unwrap();
}
