//! Admission by the controller's own webhook, in place of Kubewarden, with the shipped configurations: the same promises.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hpa_override_testbed::{
    Child, Identity, Port, Signal, World, api_for, apply_yaml, connector, install_configurations, parse_yaml, seed,
    server_certificate, usage::memory, wait_for, wait_until_asked,
};
use kube::{
    Client,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use support::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::{client::TlsStream, rustls::pki_types::ServerName};

/// How many malformed requests are sent.
const MALFORMED: &str = "HPA_OVERRIDE_MALFORMED_REQUESTS";

/// A world whose controller answers admission.
struct Admitting {
    world: &'static World,
    controller: Child,
    address: String,
    folder: PathBuf,
    port: Port,
}

impl Admitting {
    async fn start(settings: Value) -> Self {
        let world = for_ever(support::world(false, settings));
        world.kill_controller().unwrap();
        let folder = world.plane().folder().join("certificate");
        fs::create_dir_all(&folder).unwrap();
        let port = Port::reserve().unwrap();
        let address = format!("127.0.0.1:{}", port.number());
        let ca = write_certificate(&folder);
        let controller = start(world, &address, &folder);
        let this = Self { world, controller, address, folder, port };
        this.install(&ca).await;
        this
    }

    /// The shipped configurations, but that the webhook is not behind a Service: the API server cannot reach one here.
    async fn install(&self, ca: &str) {
        let client = self.world.plane().client(&Identity::Admin).await.unwrap();
        install_configurations(&client, self.port.number(), Some(ca)).await.unwrap();
        wait_until_asked(&client).await.unwrap();
    }
}

/// A connection as the API server has one.
struct Caller(TlsStream<TcpStream>);

impl Caller {
    async fn connect(admitting: &Admitting) -> Self {
        let ca = fs::read_to_string(admitting.folder.join("tls.crt")).unwrap();
        Self::connect_to(&admitting.address, &ca).await
    }

    async fn connect_to(address: &str, ca: &str) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        Self(connector(ca).unwrap().connect(name, socket).await.unwrap())
    }

    async fn send(&mut self, length: usize, body: &[u8]) -> std::io::Result<()> {
        let head = format!("POST /admit HTTP/1.1\r\nHost: webhook\r\nContent-Length: {length}\r\n\r\n");
        self.0.write_all(head.as_bytes()).await?;
        self.0.write_all(body).await
    }

    /// Status line and headers of the next answer, in lower case.
    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap().to_lowercase()
    }

    /// Status and body of the next answer.
    async fn answer(&mut self) -> (u16, String) {
        let head = self.head().await;
        let after =
            |key: &str| head.split_once(key).map(|(_, rest)| rest.split_whitespace().next().unwrap().to_owned());
        let mut body = vec![0; after("content-length: ").unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        (after("http/1.1 ").unwrap().parse().unwrap(), String::from_utf8(body).unwrap())
    }

    async fn ask(&mut self, body: &[u8]) -> (u16, String) {
        self.send(body.len(), body).await.unwrap();
        self.answer().await
    }
}

/// A review of an override that is as it should be.
fn review() -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u", "kind": {"group": "hpa-override.dev", "version": "v1", "kind": "AutoscalerOverride"},
            "operation": "CREATE", "userInfo": {"username": "alice"},
            "object": {"metadata": {"namespace": "shop", "name": "a"}, "spec": {"hpa": "web", "minReplicas": 3, "duration": "1h"}},
        },
    })
    .to_string()
}

#[tokio::test]
async fn what_is_no_review_is_refused_and_ends_nothing() {
    let admitting = Admitting::start(json!({})).await;
    let mut caller = Caller::connect(&admitting).await;
    assert_eq!(caller.ask(b"").await.0, 400);
    let (status, body) = caller.ask(br#"{"apiVersion":"v1","kind":"Pod","request":{"uid":"u"}}"#).await;
    assert_eq!(
        (status, body.as_str()),
        (400, "the body is no AdmissionReview of admission.k8s.io/v1, but `Pod` of `v1`\n")
    );

    // A client that sends the beginnings of as many reviews as it may have connections keeps nobody from an answer.
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut caller = Caller::connect(&admitting).await;
        caller.send(1000, b"{").await.unwrap();
        slow.push(caller);
    }
    assert_eq!(caller.ask(review().as_bytes()).await.0, 200);
    for caller in &mut slow {
        assert_eq!(caller.answer().await.0, 408);
    }
    // Nor do many small values, each of which takes a hundred times its size.
    let resident = memory(admitting.controller.id()).unwrap();
    let many = format!(r#"{{"more":[{}0],{}"#, r#"{"":0},"#.repeat(500_000), &review()[1..]);
    let mut heavy = Vec::new();
    for _ in 0..8 {
        let mut caller = Caller::connect(&admitting).await;
        let many = many.clone().into_bytes();
        heavy.push(tokio::spawn(async move { caller.ask(&many).await.0 }));
    }
    assert_eq!(caller.ask(review().as_bytes()).await.0, 200);
    for status in heavy {
        assert!([400, 408].contains(&status.await.unwrap()));
    }
    let grown = memory(admitting.controller.id()).unwrap() - resident;
    assert!(grown < 150.0, "{grown} MB more");

    let mut random = fastrand::Rng::with_seed(seed("HPA_OVERRIDE_MALFORMED_SEED").unwrap());
    let count = std::env::var(MALFORMED).map_or(500, |count| count.parse().unwrap());
    let resident = memory(admitting.controller.id()).unwrap();
    for _ in 0..count {
        let mut body = review().into_bytes();
        for _ in 0..random.usize(1..20) {
            let at = random.usize(..body.len());
            match random.usize(..4) {
                0 if body.len() > 1 => drop(body.remove(at)),
                1 => body.insert(at, random.u8(..)),
                2 => body.truncate(at.max(1)),
                _ => body[at] = random.u8(..),
            }
        }
        let (status, answer) = caller.ask(&body).await;
        assert!([200, 400].contains(&status), "{status} {answer}: {}", String::from_utf8_lossy(&body));
    }
    let large = vec![b' '; (4 << 20) + 1];
    // It may close before all is sent.
    drop(caller.send(large.len(), &large).await);
    assert_eq!(caller.answer().await.0, 413);
    let grown = memory(admitting.controller.id()).unwrap() - resident;
    assert!(grown < 32.0, "{grown} MB more");
    assert_eq!(Caller::connect(&admitting).await.ask(review().as_bytes()).await.0, 200);
}

fn start(world: &World, address: &str, folder: &Path) -> Child {
    let mut command = world.controller_command().unwrap();
    command.arg("--webhook").arg(format!("--webhook-address={address}"));
    command.arg(format!("--webhook-cert-dir={}", folder.display()));
    Child::spawn(command, &world.plane().folder().join("webhook.log")).unwrap()
}

/// A new certificate in that folder, as PEM: it is its own authority.
fn write_certificate(folder: &Path) -> String {
    let made = server_certificate(&[]).unwrap();
    fs::write(folder.join("tls.key"), &made.key).unwrap();
    fs::write(folder.join("tls.crt"), &made.cert).unwrap();
    made.cert
}

fn shipped(name: &str) -> DynamicObject {
    parse_yaml(&manifest(name)).unwrap().remove(0)
}

#[tokio::test]
async fn an_override_is_checked_stamped_kept_and_ended_as_with_the_policies() {
    let admitting = Admitting::start(json!({"protectedNamespaces": ["holy"]})).await;
    let world = admitting.world;
    let (ns, before) = with_hpa(world, "shop").await;

    // The schema cannot know the settings; the guard refuses, with the sentence of the core.
    let holy = TestNamespace::new(world, "holy").await;
    let error = holy.try_create("any", overridden(&json!({"hpa": "web", "duration": "1h"}))).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains(r#"admission webhook "guard.hpa-override.dev" denied the request"#), "{error}");
    assert!(error.contains("holy"), "{error}");

    let audit = world.plane().audit().from_now().unwrap();
    let made = ns.create("ovr", for_an_hour()).await;
    let stamp: Value =
        serde_json::from_str(made["metadata"]["annotations"]["hpa-override.dev/requested-by"].as_str().unwrap())
            .unwrap();
    assert_eq!(stamp["user"], ALICE);
    ns.wait_overridden(10, 20).await;

    // The owner applies as ever, in every way, and the override stays.
    let applied = ns.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!((bounds(&applied), desired(&applied)), ((10, 20), Some((3, 8))));
    ns.kubectl_ok(&["patch", "hpa", "web", "--type=merge", "-p", r#"{"spec":{"maxReplicas":9}}"#], "");
    let hpa = ns.hpa().await;
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((3, 9))));
    ns.apply("argocd", 2, 5, true).await.unwrap();
    ns.delete("ovr").await;
    let after = ns.wait_traceless(2, 5).await;
    assert_eq!(traces(&after)["spec"], traces(&before)["spec"]);
    // One patch begins and two end: the webhook restores who owns the bounds in the first.
    assert_eq!(ns.wait_writes(&audit, 3).await.len(), 3);
}

#[tokio::test]
async fn a_certificate_that_is_renewed_loses_no_write() {
    let mut admitting = Admitting::start(json!({})).await;
    let world = admitting.world;
    let (ns, _) = under_override(world, "rotation").await;
    for round in 0..3 {
        // Whoever renews writes both bundles before; here each certificate is its own authority.
        let old = fs::read_to_string(admitting.folder.join("tls.crt")).unwrap();
        let new = write_certificate(&admitting.folder);
        admitting.install(&format!("{old}{new}")).await;
        if round == 1 {
            admitting.controller.kill().unwrap();
            admitting.controller = start(world, &admitting.address, &admitting.folder);
        }
        wait_for("the new certificate to be shown", LIMIT, async || {
            let log = admitting.controller.log();
            let said = log.matches("another certificate").count() + log.matches("serving admission").count();
            anyhow::ensure!(said > round + 1, "{}", admitting.controller.log_tail());
            Ok(())
        })
        .await
        .unwrap();
        admitting.install(&new).await;
        for write in 0..10 {
            let max = 5 + (write % 3);
            let hpa = ns.apply("argocd", 2, max, true).await.unwrap();
            assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, i64::from(max)))));
        }
    }
}

/// Two replicas that make their own certificate. The API server asks the second.
struct Renewing {
    admin: Client,
    replicas: [Child; 2],
    addresses: [String; 2],
    _ports: [Port; 2],
}

impl Renewing {
    /// A certificate lives for so many seconds.
    async fn start(world: &World, life: u32) -> Self {
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

    async fn get(&self, name: &str) -> DynamicObject {
        let object = parse_yaml(&manifest(name)).unwrap().remove(0);
        api_for(&self.admin, &object).unwrap().get(object.metadata.name.as_deref().unwrap()).await.unwrap()
    }

    async fn patch(&self, name: &str, patch: Value) {
        let object = parse_yaml(&manifest(name)).unwrap().remove(0);
        let (api, name) = (api_for(&self.admin, &object).unwrap(), object.metadata.name.unwrap());
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        api.patch(&name, &PatchParams::default(), &Patch::<()>::Json(patch)).await.unwrap();
    }

    /// What the Secret holds.
    async fn presented(&self) -> Value {
        self.get("certificate").await.data["data"]["tls.crt"].clone()
    }

    /// Whom API servers trust, as PEM.
    async fn trusted(&self, name: &str) -> Option<String> {
        let configuration = self.get(name).await;
        let bundle = configuration.data["webhooks"][0]["clientConfig"]["caBundle"].as_str()?.to_owned();
        Some(String::from_utf8(STANDARD.decode(bundle).unwrap()).unwrap())
    }

    /// A client that trusts what API servers do.
    async fn is_accepted(&self, index: usize) {
        let ca = self.trusted("guard").await.unwrap();
        let mut caller = Caller::connect_to(&self.addresses[index], &ca).await;
        assert_eq!(caller.ask(review().as_bytes()).await.0, 200);
    }
}

async fn wait_logged(child: &Child, text: &str) {
    wait_for(text, LIMIT, async || {
        anyhow::ensure!(child.log().contains(text), "{}", child.log_tail());
        Ok(())
    })
    .await
    .unwrap();
}

fn manifest(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../deploy/kustomize/webhook/{name}.yaml"));
    fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn its_own_certificate_is_renewed_although_the_leader_stops_and_no_write_is_lost() {
    let world = for_ever(support::world(false, json!({})));
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

/// The owner writes, one write after the other, until told to stop; none is lost.
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
    let world = for_ever(support::world(true, json!({})));
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

#[tokio::test]
async fn a_requester_who_may_not_patch_the_target_is_refused() {
    let admitting = Admitting::start(json!({"authorizeRequester": true})).await;
    let (ns, _) = with_hpa(admitting.world, "rights").await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;

    // She may create overrides, and nothing else.
    let role = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: overrides-only}
rules: [{apiGroups: [hpa-override.dev], resources: [autoscaleroverrides], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: overrides-only}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: overrides-only}
subjects: [{kind: ServiceAccount, name: carol, namespace: rights}]
";
    let admin = admitting.world.plane().client(&Identity::Admin).await.unwrap();
    apply_yaml(&admin, role, "test", true).await.unwrap();
    let carol = admitting.world.plane().client(&Identity::service_account("rights", "carol")).await.unwrap();
    let error = wait_for("the role to hold", LIMIT, async || {
        let made =
            ns.with_client(carol.clone()).try_create("other", with_fields(for_an_hour(), &json!({"hpa": "web"}))).await;
        let error = made.err().context("it is created")?.to_string();
        anyhow::ensure!(error.contains("guard.hpa-override.dev"), "{error}");
        Ok(error)
    });
    let error = error.await.unwrap();
    assert!(error.contains("may not patch"), "{error}");
}

#[tokio::test]
async fn it_answers_for_a_while_after_it_was_asked_to_stop() {
    let mut admitting = Admitting::start(json!({})).await;
    let (ns, _) = under_override(admitting.world, "stopping").await;
    admitting.controller.signal(Signal::SIGTERM).unwrap();
    wait_for("it to stop", LIMIT, async || {
        anyhow::ensure!(admitting.controller.log().contains("stopping"), "{}", admitting.controller.log_tail());
        Ok(())
    })
    .await
    .unwrap();
    let hpa = ns.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((3, 8))));
    let mut caller = Caller::connect(&admitting).await;
    caller.send(review().len(), review().as_bytes()).await.unwrap();
    let head = caller.head().await;
    assert!(head.starts_with("http/1.1 200") && head.contains("connection: close\r\n"), "{head}");
    assert!(admitting.controller.wait(LIMIT).unwrap().success());
}

#[tokio::test]
async fn without_the_webhook_owners_write_and_no_override_is_made() {
    let mut admitting = Admitting::start(json!({})).await;
    let (ns, _) = under_override(admitting.world, "gone").await;
    admitting.controller.kill().unwrap();
    let hpa = ns.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!(bounds(&hpa), (3, 8), "the merge fails open");
    let error =
        ns.try_create("other", overridden(&json!({"hpa": "web", "duration": "1h"}))).await.unwrap_err().to_string();
    assert!(error.contains("guard.hpa-override.dev") && error.contains("connection refused"), "{error}");
    admitting.controller = start(admitting.world, &admitting.address, &admitting.folder);
    let hpa = ns.wait_overridden(10, 20).await;
    assert_eq!(desired(&hpa), Some((3, 8)));
    let api = ns.overrides();
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 1);
}
