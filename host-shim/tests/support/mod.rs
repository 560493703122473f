//! Fixtures of the tests on a control plane: worlds, a namespace for each test, and the writes of owners.

#![allow(dead_code, reason = "each test binary uses a part of it")]

mod conditions;
pub mod owner;

use std::{io::Write, path::Path, process::Stdio, sync::OnceLock, time::Duration};

use futures::StreamExt as _;
use hpa_override_testbed::{
    Admission, AuditEvent, AuditLog, CONTROLLER_USER, Clock, Identity, Options, World, WorldOptions, api_for,
    apply_yaml, parse_yaml, wait_for,
};
use jiff::Timestamp;
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use self::conditions::Conditions;

/// Generous for a busy machine; what the tests wait for usually takes milliseconds.
pub const LIMIT: Duration = Duration::from_mins(1);
/// An ordinary user who may create overrides and write HPAs everywhere.
pub const ALICE: &str = "alice";

/// A namespace, and an HPA of 2-5 in it.
pub const SHOP: &str = "apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 5
";

/// `webhook`: where a test wants the policies, the controller's own webhook is in their place.
const ADMISSION: &str = "HPA_OVERRIDE_ADMISSION";

/// A world with the policies or without. The real HPA controller is not part of it: its status writes would change the
/// resourceVersion.
pub fn world(policies: bool, settings: Value) -> World {
    world_on(Options::default(), policies, settings)
}

/// A world with other options for the control plane.
pub fn world_on(plane: Options, policies: bool, settings: Value) -> World {
    World::start(options(plane, policies, settings)).unwrap()
}

/// A world with the policies, whose admission reads `clock`.
pub fn world_with_clock(clock: &Clock) -> World {
    World::start_with_clock(options(Options::default(), true, json!({})), clock).unwrap()
}

/// Sets the clocks of admission and controller `ahead` seconds from the real time; the controller is restarted.
pub fn set_clocks(world: &World, clock: &Clock, ahead: i64) {
    world.kill_controller().unwrap();
    clock.run(ahead);
    world.set_controller_clock(ahead);
    world.start_controller().unwrap();
}

/// A world for one test. Like a `static`, it ends with the process.
pub fn for_ever(world: World) -> &'static World {
    Box::leak(Box::new(world))
}

/// A world that is changed as a whole, by one test at a time.
pub struct LockedWorld {
    world: OnceLock<World>,
    lock: Mutex<()>,
}

impl LockedWorld {
    pub const fn new() -> Self {
        Self { world: OnceLock::new(), lock: Mutex::const_new(()) }
    }

    /// The world, with a running controller, for as long as the guard lives.
    pub async fn lock(&'static self, start: impl FnOnce() -> World) -> (&'static World, MutexGuard<'static, ()>) {
        let guard = self.lock.lock().await;
        let world = self.world.get_or_init(start);
        // A failed test may have left it killed.
        world.start_controller().unwrap();
        (world, guard)
    }
}

/// The real time, in seconds after 1970.
pub fn now() -> i64 {
    Timestamp::now().as_second()
}

/// A second after 1970, as specs and statuses write it.
pub fn at(second: i64) -> String {
    instant(second).to_string()
}

/// A second after 1970.
pub fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Waits for an instant.
pub async fn until(instant: Timestamp) {
    let passed = wait_for("the clock to pass", 2 * LIMIT, async || {
        anyhow::ensure!(Timestamp::now() >= instant, "{}", Timestamp::now());
        Ok(())
    });
    passed.await.unwrap();
}

fn options(plane: Options, policies: bool, settings: Value) -> WorldOptions {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/policy.wasm");
    let admission = match std::env::var_os(ADMISSION) {
        _ if !policies => Admission::None,
        Some(webhook) if webhook == "webhook" => Admission::Webhook,
        Some(other) => panic!("{ADMISSION} is `webhook`, or is not set, and not {}", other.display()),
        None => {
            assert!(module.exists(), "there is no dist/policy.wasm; run `cargo xtask dist`");
            Admission::Policies(module)
        }
    };
    WorldOptions {
        plane: plane.user(ALICE, &["devs", "system:masters"]),
        controller: env!("CARGO_BIN_EXE_host-shim").into(),
        admission,
        settings,
    }
}

/// A namespace of a world, for one test.
pub struct TestNamespace {
    pub world: &'static World,
    pub client: Client,
    pub name: String,
    conditions: Conditions,
}

impl TestNamespace {
    pub async fn new(world: &'static World, name: &str) -> Self {
        let client = world.plane().client(&Identity::user(ALICE)).await.unwrap();
        let yaml = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
        apply_yaml(&client, &yaml, "test", true).await.unwrap();
        Self { world, client, name: name.into(), conditions: Conditions(world) }
    }

    /// The same namespace with the client of another user.
    pub fn with_client(&self, client: Client) -> Self {
        Self { world: self.world, client, name: self.name.clone(), conditions: Conditions(self.world) }
    }

    /// The owner's manifest of the HPA `web`.
    pub fn manifest(&self, min: i32, max: i32) -> String {
        format!(
            "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: web, namespace: {}, labels: {{app: web}}}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}
  minReplicas: {min}
  maxReplicas: {max}
  metrics: [{{type: Resource, resource: {{name: cpu, target: {{type: Utilization, averageUtilization: 80}}}}}}]
",
            self.name
        )
    }

    /// Server-side apply of that manifest.
    pub async fn apply(&self, manager: &str, min: i32, max: i32, force: bool) -> anyhow::Result<Value> {
        let applied = apply_yaml(&self.client, &self.manifest(min, max), manager, force).await?;
        Ok(serde_json::to_value(&applied[0])?)
    }

    /// HPAs of this namespace, in a version of the API.
    pub fn hpas(&self, version: &str) -> Api<DynamicObject> {
        let yaml = format!(
            "apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web, namespace: {}}}\n",
            self.name
        );
        api_for(&self.client, &parse_yaml(&yaml).unwrap()[0]).unwrap()
    }

    /// Overrides of this namespace.
    pub fn overrides(&self) -> Api<DynamicObject> {
        let object = self.new_override("any", &json!({}));
        api_for(&self.client, &object).unwrap()
    }

    /// The HPA `web`, raw.
    pub async fn hpa(&self) -> Value {
        self.get_hpa("web").await
    }

    pub async fn get_hpa(&self, name: &str) -> Value {
        serde_json::to_value(self.hpas("v2").get(name).await.unwrap()).unwrap()
    }

    /// Patches the HPA `web`.
    pub async fn patch<P: serde::Serialize + std::fmt::Debug>(&self, manager: &str, patch: &Patch<P>) -> Value {
        let params = PatchParams { field_manager: Some(manager.into()), ..PatchParams::default() };
        serde_json::to_value(self.hpas("v2").patch("web", &params, patch).await.unwrap()).unwrap()
    }

    /// Merges into an HPA of that name.
    pub async fn patch_named(&self, name: &str, manager: &str, patch: &Value) {
        let params = PatchParams { field_manager: Some(manager.into()), ..PatchParams::default() };
        self.hpas("v2").patch(name, &params, &Patch::Merge(patch)).await.unwrap();
    }

    pub fn new_override(&self, name: &str, spec: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride",
            "metadata": {"name": name, "namespace": self.name}, "spec": spec,
        }))
        .unwrap()
    }

    /// Creates an override of the HPA `web`.
    pub async fn create(&self, name: &str, mut spec: Value) -> Value {
        if spec.get("hpa").is_none() {
            spec["hpa"] = "web".into();
        }
        self.try_create(name, spec).await.unwrap()
    }

    /// Creates an override as given.
    pub async fn try_create(&self, name: &str, spec: Value) -> kube::Result<Value> {
        let params = PostParams { field_manager: Some("alice".into()), ..PostParams::default() };
        let created = self.overrides().create(&params, &self.new_override(name, &spec)).await?;
        Ok(serde_json::to_value(created).unwrap())
    }

    /// Changes the spec of an override.
    pub async fn edit(&self, name: &str, spec: Value) -> kube::Result<Value> {
        let edited =
            self.overrides().patch(name, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await?;
        Ok(serde_json::to_value(edited).unwrap())
    }

    /// Deletes an override.
    pub async fn delete(&self, name: &str) {
        self.overrides().delete(name, &kube::api::DeleteParams::default()).await.unwrap();
    }

    /// An override, raw.
    pub async fn override_(&self, name: &str) -> Value {
        serde_json::to_value(self.overrides().get(name).await.unwrap()).unwrap()
    }

    /// Waits until the HPA is as `check` wants it; an `Err` says what is not.
    pub async fn wait_hpa(&self, what: &str, check: impl Fn(&Value) -> anyhow::Result<()>) -> Value {
        let waited = wait_for(what, LIMIT, async || {
            let hpa = self.hpa().await;
            check(&hpa).map(|()| hpa)
        });
        waited.await.unwrap_or_else(|error| panic!("{error:#}\n{}", self.world.controller_log()))
    }

    /// Waits until the HPA has these bounds and a record, and we own no bound.
    pub async fn wait_overridden(&self, min: i64, max: i64) -> Value {
        self.wait_hpa(&format!("{min}-{max} with a record"), |hpa| {
            anyhow::ensure!(bounds(hpa) == (min, max) && record(hpa).is_some() && !we_own_a_bound(hpa), "{hpa}");
            anyhow::ensure!(record(hpa).unwrap().get("owners").is_none(), "{hpa}");
            Ok(())
        })
        .await
    }

    /// Waits until the HPA has these bounds and no trace of the override.
    pub async fn wait_traceless(&self, min: i64, max: i64) -> Value {
        self.wait_hpa(&format!("{min}-{max} without a trace"), |hpa| {
            anyhow::ensure!(bounds(hpa) == (min, max) && !hpa.to_string().contains("hpa-override"), "{hpa}");
            Ok(())
        })
        .await
    }

    /// Waits until the status of an override is as `check` wants it.
    pub async fn wait_status(&self, name: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        let waited = wait_for(what, LIMIT, async || {
            let ovr = self.override_(name).await;
            anyhow::ensure!(check(&ovr["status"]), "{ovr}");
            Ok(ovr["status"].clone())
        });
        waited.await.unwrap_or_else(|error| panic!("{error:#}\n{}", self.world.controller_log()))
    }

    /// Waits for a phase.
    pub async fn wait_phase(&self, name: &str, phase: &str) -> Value {
        self.wait_status(name, &format!("{name} to be {phase}"), |status| status["phase"] == phase).await
    }

    /// kubectl in this namespace, with a manifest on standard input; its output and whether it succeeded.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let mut command = self.world.plane().kubectl(&Identity::user(ALICE)).unwrap();
        command.args(["--namespace", &self.name]).args(arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text)
    }

    /// Every version of the HPA `web` that the API server has had, from after `first` to `last`.
    pub async fn versions(&self, first: &Value, last: &Value) -> Vec<Value> {
        let version = |hpa: &Value| hpa["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
        let hpas = self.hpas("v2");
        let mut events = hpas.watch(&WatchParams::default(), &version(first)).await.unwrap().boxed();
        let mut versions = vec![first.clone()];
        while version(versions.last().unwrap()) != version(last) {
            match tokio::time::timeout(LIMIT, events.next()).await.unwrap().unwrap().unwrap() {
                WatchEvent::Modified(hpa) => versions.push(serde_json::to_value(hpa).unwrap()),
                other => panic!("{other:?}"),
            }
        }
        versions.split_off(1)
    }

    /// The controller's successful writes to the HPA `web`, from the API server's audit log.
    pub fn controller_writes(&self, audit: &AuditLog) -> Vec<AuditEvent> {
        self.writes_to("horizontalpodautoscalers", "web", audit)
    }

    /// The same, once there are `count` of them: a line of the log may be written a moment after the response.
    pub async fn wait_writes(&self, audit: &AuditLog, count: usize) -> Vec<AuditEvent> {
        let waited = wait_for("the controller's writes in the audit log", LIMIT, async || {
            let writes = self.controller_writes(audit);
            anyhow::ensure!(writes.len() >= count, "{} of {count}", writes.len());
            Ok(writes)
        });
        waited.await.unwrap()
    }

    /// The controller's writes to an override: statuses, and its deletion.
    pub fn override_writes(&self, name: &str, audit: &AuditLog) -> Vec<AuditEvent> {
        self.writes_to("autoscaleroverrides", name, audit)
    }

    fn writes_to(&self, resource: &str, name: &str, audit: &AuditLog) -> Vec<AuditEvent> {
        let writes = audit.writes_by(CONTROLLER_USER).unwrap();
        let ours = |event: &AuditEvent| event.is_about(resource, &self.name, name);
        writes.into_iter().filter(|event| ours(event) && event.code == 200).collect()
    }

    /// The bounds of the HPA `web` from after `first` to `last`, one pair per change.
    pub async fn bounds_between(&self, first: &Value, last: &Value) -> Vec<(i64, i64)> {
        let mut seen: Vec<_> = self.versions(first, last).await.iter().map(bounds).collect();
        seen.dedup();
        seen
    }
}

impl TestNamespace {
    /// Writes or removes the record of the HPA `web` as the controller's user, which the merge policy permits.
    pub async fn write_record(&self, text: Option<&str>) -> Value {
        let identity = Identity::service_account("hpa-override", "hpa-override-controller");
        let client = self.world.plane().client(&identity).await.unwrap();
        let object = parse_yaml(&self.manifest(1, 1)).unwrap().remove(0);
        let patch = Patch::Merge(with_record(text));
        let written = api_for(&client, &object).unwrap().patch("web", &PatchParams::default(), &patch).await.unwrap();
        serde_json::to_value(written).unwrap()
    }
}

/// A merge patch of the record.
pub fn with_record(text: Option<&str>) -> Value {
    json!({"metadata": {"annotations": {"hpa-override.dev/record": text}}})
}

/// The spec of an override of 10-20, with other fields.
pub fn overridden(over: &Value) -> Value {
    with_fields(json!({"minReplicas": 10, "maxReplicas": 20}), over)
}

/// A spec with other fields; null removes one.
pub fn with_fields(mut spec: Value, over: &Value) -> Value {
    for (key, value) in over.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    spec
}

/// The spec of an override of 10-20 for an hour.
pub fn for_an_hour() -> Value {
    overridden(&json!({"duration": "1h"}))
}

/// A namespace with an HPA of 2-5, and that HPA.
pub async fn with_hpa(world: &'static World, name: &str) -> (TestNamespace, Value) {
    let ns = TestNamespace::new(world, name).await;
    ns.apply("argocd", 2, 5, false).await.unwrap();
    let hpa = ns.hpa().await;
    (ns, hpa)
}

/// A namespace with an HPA of 2-5 under an override of 10-20, and the HPA before the override.
pub async fn under_override(world: &'static World, name: &str) -> (TestNamespace, Value) {
    let (ns, before) = with_hpa(world, name).await;
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    (ns, before)
}

/// The bounds of an HPA.
pub fn bounds(hpa: &Value) -> (i64, i64) {
    (hpa["spec"]["minReplicas"].as_i64().unwrap(), hpa["spec"]["maxReplicas"].as_i64().unwrap())
}

/// The record, where there is one.
pub fn record(hpa: &Value) -> Option<Value> {
    let text = hpa["metadata"]["annotations"]["hpa-override.dev/record"].as_str()?;
    Some(serde_json::from_str(text).unwrap())
}

/// The desired bounds, by the record.
pub fn desired(hpa: &Value) -> Option<(i64, i64)> {
    let desired = record(hpa)?["desired"].clone();
    Some((desired["minReplicas"].as_i64()?, desired["maxReplicas"].as_i64()?))
}

/// Whether managedFields name us as manager of a bound.
pub fn we_own_a_bound(hpa: &Value) -> bool {
    let entries = hpa["metadata"]["managedFields"].as_array().unwrap();
    entries.iter().any(|entry| entry["manager"] == "hpa-override" && entry["fieldsV1"].get("f:spec").is_some())
}

/// managedFields without times and status entries, sorted.
pub fn ownership(hpa: &Value) -> Vec<String> {
    let entries = hpa["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let entries = entries.into_iter().filter(|entry| entry["subresource"] != "status");
    let mut entries: Vec<String> = entries
        .map(|mut entry| {
            entry["time"] = Value::Null;
            entry.to_string()
        })
        .collect();
    entries.sort();
    entries
}

/// What must be the same before and after an override: spec, labels, annotations, field ownership.
pub fn traces(hpa: &Value) -> Value {
    let metadata = &hpa["metadata"];
    let annotations = metadata.get("annotations").filter(|map| **map != json!({}));
    json!({
        "spec": hpa["spec"], "labels": metadata["labels"], "annotations": annotations, "ownership": ownership(hpa),
    })
}
