//! A world with the plugin in it: the real kubectl finds it, and it acts as an ordinary user.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use hpa_override_testbed::{
    Admission, Identity, Options, World, WorldOptions, api_for, apply_yaml, parse_yaml, wait_for,
};
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams},
};
use regex::Regex;
use serde_json::{Value, json};

/// Generous for a busy machine.
pub const LIMIT: Duration = Duration::from_mins(1);
/// An ordinary user: `hpa-override-editor`, and may read HPAs,, in the namespaces of the tests.
pub const OLGA: &str = "olga";
/// A user without any right.
pub const NOBODY: &str = "nobody";
/// The roles for people.
const ROLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/rbac/users.yaml");
const PLUGIN: &str = env!("CARGO_BIN_EXE_kubectl-hpa_override");

/// A world with the policies, shared by the tests of this binary.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| start(Answers::Policies))
}

/// A world without any admission.
pub fn world_without_admission() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| start(Answers::Nobody))
}

/// Who answers admission.
#[derive(Clone, Copy, Debug)]
pub enum Answers {
    Policies,
    Webhook,
    Nobody,
}

pub fn start(answers: Answers) -> World {
    let controller = Path::new(PLUGIN).with_file_name("host-shim");
    assert!(controller.exists(), "there is no {}; run `cargo build -p hpa-override-host-shim`", controller.display());
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/policy.wasm");
    assert!(module.exists(), "there is no dist/policy.wasm; run `cargo xtask dist`");
    let admission = match answers {
        Answers::Policies => Admission::Policies(module),
        Answers::Webhook => Admission::Webhook,
        Answers::Nobody => Admission::None,
    };
    let plane = Options::default().user(OLGA, &["operators"]).user(NOBODY, &[]);
    let world = World::start(WorldOptions { plane, controller, admission, settings: json!({}) }).unwrap();
    let roles = world.plane().kubectl(&Identity::Admin).unwrap().args(["apply", "-f", ROLES]).output().unwrap();
    assert!(roles.status.success(), "{roles:?}");
    world
}

/// A namespace in which `olga` may read HPAs and write overrides, with an HPA `web` of 2-5.
pub struct Place {
    pub world: &'static World,
    pub client: Client,
    pub name: String,
}

/// What the plugin answered.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub async fn new(world: &'static World, name: &str) -> Self {
        let client = world.plane().client(&Identity::Admin).await.unwrap();
        let binding = |role: &str| {
            format!(
                "apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {role}, namespace: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {OLGA}}}]
---
"
            )
        };
        // What `view` has: nothing aggregates it here.
        let reader = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: [autoscaling], resources: [horizontalpodautoscalers], verbs: [get, list, watch]}]
---
";
        let yaml = format!(
            "{reader}apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n---\n{}{}{}",
            binding("hpa-override-editor"),
            binding("reader"),
            hpa(name, "web")
        );
        apply_yaml(&client, &yaml, "argocd", true).await.unwrap();
        Self { world, client, name: name.into() }
    }

    /// The plugin through the real kubectl, as that user, in this namespace.
    pub fn command(&self, user: &str, arguments: &[&str]) -> Command {
        let mut command = self.world.plane().kubectl(&Identity::user(user)).unwrap();
        let folder = PathBuf::from(PLUGIN).parent().unwrap().to_owned();
        let path = std::env::join_paths([folder, "/usr/bin".into(), "/bin".into()]).unwrap();
        command.arg("hpa-override").arg("--namespace").arg(&self.name).args(arguments);
        command.env("PATH", path).env("TZ", "UTC").stdin(Stdio::null());
        command
    }

    /// The plugin as `olga`.
    pub fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(OLGA, arguments).output().unwrap())
    }

    /// The same, and it succeeds.
    pub fn ok(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{said:?}");
        said
    }

    /// Overrides an HPA with 10-20 for an hour, and waits until it is so.
    pub fn overrule(&self, hpa: &str, name: &str) {
        let bounds = ["set", hpa, "--min", "10", "--max", "20", "--for", "1h"];
        self.ok(&[&bounds[..], &["--name", name, "--wait", "--timeout=60s"]].concat());
    }

    /// Objects of that kind here.
    pub fn api(&self, version: &str, kind: &str) -> Api<DynamicObject> {
        let yaml = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: any, namespace: {}}}\n", self.name);
        api_for(&self.client, &parse_yaml(&yaml).unwrap()[0]).unwrap()
    }

    /// The HPA `web`.
    pub async fn hpa(&self) -> Value {
        let hpa = self.api("autoscaling/v2", "HorizontalPodAutoscaler").get("web").await.unwrap();
        serde_json::to_value(hpa).unwrap()
    }

    /// Waits until the HPA has these bounds and a record, or none.
    pub async fn wait_bounds(&self, min: i64, max: i64, overridden: bool) -> Value {
        let waited = wait_for("the bounds", LIMIT, async || {
            let hpa = self.hpa().await;
            let bounds = (hpa["spec"]["minReplicas"].as_i64(), hpa["spec"]["maxReplicas"].as_i64());
            let has_record = hpa["metadata"]["annotations"]["hpa-override.dev/record"].is_string();
            anyhow::ensure!(bounds == (Some(min), Some(max)) && has_record == overridden, "{hpa}");
            Ok(hpa)
        });
        waited.await.unwrap()
    }

    /// The override with that name; null where there is none.
    pub async fn ovr(&self, name: &str) -> Value {
        let found = self.api("hpa-override.dev/v1", "AutoscalerOverride").get_opt(name).await.unwrap();
        found.map(|found| serde_json::to_value(found).unwrap()).unwrap_or_default()
    }

    /// Writes the status of the HPA: its controller does not run here.
    pub async fn ask_for_replicas(&self, replicas: i64) {
        let able = json!({"type": "AbleToScale", "status": "True", "reason": "Ready", "message": "",
                          "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let status =
            json!({"status": {"currentReplicas": replicas, "desiredReplicas": replicas, "conditions": [able]}});
        let api = self.api("autoscaling/v2", "HorizontalPodAutoscaler");
        api.patch_status("web", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    }
}

/// An HPA of 2-5.
pub fn hpa(namespace: &str, name: &str) -> String {
    format!(
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: {name}, namespace: {namespace}, labels: {{tier: front}}}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
  minReplicas: 2
  maxReplicas: 5
"
    )
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: steady(&String::from_utf8(output.stdout).unwrap()),
        err: steady(&String::from_utf8(output.stderr).unwrap()),
    }
}

/// Instants and lengths of time as words, so that a text can be compared.
pub fn steady(text: &str) -> String {
    let rules = [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "INSTANT"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "INSTANT"),
        (r"\b(\d+[dhms] )?\d+[dhms] ago\b", "LENGTH ago"),
        (r"\bin (\d+[dhms] )?\d+[dhms]\b", "in LENGTH"),
        (r"127\.0\.0\.1:\d+", "SERVER"),
        // The width of a column follows from what is in it.
        (r" {3,}", "   "),
    ];
    rules
        .iter()
        .fold(text.to_owned(), |text, (rule, word)| Regex::new(rule).unwrap().replace_all(&text, *word).into_owned())
}
