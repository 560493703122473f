//! The kustomize base, applied by kubectl to an empty control plane: the API server accepts everything, and a controller
//! with the rendered arguments, settings and service account applies an override and ends it.
//!
//! There is no kubelet: the Deployment's controllers create the pod, then the test starts the program in its place.
//! `HPA_OVERRIDE_CONTROLLER` names another program than the one just built, for example that of the image.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{path::PathBuf, process::Command};

use hpa_override_testbed::{
    Child, ControlPlane, Identity, Options, api_for, apply_yaml,
    assets::{self, Program},
    parse_yaml, wait_for,
};
use kube::{
    Client,
    api::{DynamicObject, ListParams, PostParams},
};
use serde_json::{Value, json};
use support::{LIMIT, SHOP, bounds, record, traces, we_own_a_bound};

const NAMESPACE: &str = "hpa-override";
/// May see everything in the namespace `shop`, by the role `view`.
const VIEWER: &str = "viewer";
/// May edit everything there, by the role `edit`.
const EDITOR: &str = "editor";
/// Has the shipped role `hpa-override-editor` there.
const OVERRIDER: &str = "overrider";

const OVERRIDE: &str = "apiVersion: hpa-override.dev/v1
kind: AutoscalerOverride
metadata: {name: campaign, namespace: shop}
";
const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: hpa-override-controller, namespace: hpa-override}
";

#[tokio::test]
async fn the_base_is_accepted_and_its_controller_applies_and_ends_an_override() {
    let cluster = Cluster::start().await;
    cluster.apply_twice();
    cluster.the_webhook_is_accepted();
    let pod = cluster.pod_of_the_deployment().await;
    cluster.another_pod_is_refused(&pod).await;
    cluster.the_shipped_role_is_needed().await;
    let controller = cluster.start_controller(&pod).await;
    cluster.apply_and_end_an_override(&controller).await;
}

/// The objects that kustomize makes.
struct Rendered(Vec<Value>);

impl Rendered {
    fn get(&self, kind: &str, name: &str) -> Option<&Value> {
        self.0.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
    }
}

struct Cluster {
    plane: ControlPlane,
    client: Client,
}

impl Cluster {
    async fn start() -> Self {
        let options =
            [VIEWER, EDITOR, OVERRIDER].iter().fold(Options::with_controllers(), |all, name| all.user(name, &[]));
        let plane = ControlPlane::start(&options).unwrap();
        let client = plane.client(&Identity::Admin).await.unwrap();
        Self { plane, client }
    }

    fn kubectl(&self, identity: &Identity, arguments: &[&str]) -> String {
        let output = self.plane.kubectl(identity).unwrap().args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&output.stderr), "", "kubectl {arguments:?}");
        text(&output.stdout)
    }

    /// Warnings of admission would be on standard error.
    fn apply_twice(&self) {
        let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kustomize/base");
        let applied = self.kubectl(&Identity::Admin, &["apply", "-k", base]);
        let ends_in = |text: &str, word: &str| text.lines().filter(|line| line.ends_with(word)).count();
        assert_eq!(ends_in(&applied, " created"), applied.lines().count(), "{applied}");
        let again = self.kubectl(&Identity::Admin, &["apply", "-k", base]);
        // kubectl replaces the selector of a budget whenever it applies one, and says so.
        let budget = "poddisruptionbudget.policy/hpa-override-controller configured";
        assert_eq!(ends_in(&again, " unchanged") + ends_in(&again, budget), applied.lines().count(), "{again}");
    }

    /// The same with admission by the controller, with a certificate of its own and with one of cert-manager's.
    fn the_webhook_is_accepted(&self) {
        let own = self.accepted("webhook");
        Self::has_a_webhook(&own, &[]);
        assert_eq!(own.get("Secret", "hpa-override-webhook").unwrap()["type"], "hpa-override.dev/webhook-certificate");
        let managed = self.accepted("webhook-cert-manager");
        Self::has_a_webhook(&managed, &["--webhook-cert-dir=/etc/hpa-override-webhook"]);
        assert_eq!(own.0.len() - 5 + 4, managed.0.len(), "without Secret and rights; two issuers, two certificates");
        assert!(managed.get("Secret", "hpa-override-webhook").is_none());
        let pod = &managed.get("Deployment", "hpa-override-controller").unwrap()["spec"]["template"]["spec"];
        let mount = json!({"name": "webhook", "mountPath": "/etc/hpa-override-webhook", "readOnly": true});
        assert_eq!(pod["containers"][0]["volumeMounts"][1], mount);
        let certificate = managed.get("Certificate", "hpa-override-webhook").unwrap();
        let secret = &certificate["spec"]["secretName"];
        assert_eq!(pod["volumes"][1], json!({"name": "webhook", "secret": {"secretName": secret}}));
        for (rendered, injected) in [(&own, false), (&managed, true)] {
            for name in ["hpa-override-guard", "hpa-override-merge"] {
                let annotations =
                    &rendered.get("MutatingWebhookConfiguration", name).unwrap()["metadata"]["annotations"];
                let from = &annotations["cert-manager.io/inject-ca-from"];
                assert_eq!(from == "hpa-override/hpa-override-webhook", injected, "{name}");
            }
        }
    }

    /// What kustomize makes of that folder; the API server accepts all whose kind it knows.
    fn accepted(&self, folder: &str) -> Rendered {
        let path = format!("{}/../deploy/kustomize/{folder}", env!("CARGO_MANIFEST_DIR"));
        let rendered = parse_yaml(&self.kubectl(&Identity::Admin, &["kustomize", &path])).unwrap();
        let is_known =
            |object: &&DynamicObject| !object.types.as_ref().unwrap().api_version.starts_with("cert-manager.io/");
        let known: Vec<_> = rendered.iter().filter(is_known).collect();
        let file = self.plane.folder().join(format!("{folder}.json"));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": known});
        std::fs::write(&file, list.to_string()).unwrap();
        let applied = self.kubectl(&Identity::Admin, &["apply", "--dry-run=server", "-f", &file.display().to_string()]);
        assert_eq!(applied.lines().count(), known.len(), "{applied}");
        Rendered(rendered.iter().map(|object| serde_json::to_value(object).unwrap()).collect())
    }

    fn has_a_webhook(rendered: &Rendered, more: &[&str]) {
        let pod = &rendered.get("Deployment", "hpa-override-controller").unwrap()["spec"]["template"];
        let container = &pod["spec"]["containers"][0];
        let args: Vec<_> = container["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
        assert!(args.ends_with(&[&["--webhook"], more].concat()), "{args:?}");
        assert_eq!(container["ports"][1], json!({"name": "webhook", "containerPort": 8443}));
        let service = &rendered.get("Service", "hpa-override-webhook").unwrap()["spec"];
        assert_eq!(service["ports"], json!([{"name": "webhook", "port": 443, "targetPort": "webhook"}]));
        for (label, value) in service["selector"].as_object().unwrap() {
            assert_eq!(&pod["metadata"]["labels"][label], value);
        }
        for name in ["hpa-override-guard", "hpa-override-merge"] {
            let webhook = &rendered.get("MutatingWebhookConfiguration", name).unwrap()["webhooks"][0];
            let service = json!({"namespace": NAMESPACE, "name": "hpa-override-webhook", "path": "/admit"});
            assert_eq!(webhook["clientConfig"]["service"], service);
        }
    }

    /// The live object of that head.
    async fn get(&self, head: &str) -> anyhow::Result<Value> {
        let head = parse_yaml(head)?.remove(0);
        let name = head.metadata.name.clone().unwrap();
        Ok(serde_json::to_value(api_for(&self.client, &head)?.get(&name).await?)?)
    }

    /// The `ReplicaSet` creates it under the restricted pod security of the namespace.
    async fn pod_of_the_deployment(&self) -> Value {
        let head = parse_yaml("apiVersion: v1\nkind: Pod\nmetadata: {name: any, namespace: hpa-override}\n").unwrap();
        let pods = api_for(&self.client, &head[0]).unwrap();
        let waited = wait_for("the Deployment's pods", LIMIT, async || {
            let found = pods.list(&ListParams::default()).await?.items;
            let deployment = self.get(DEPLOYMENT).await?;
            anyhow::ensure!(found.len() == 2, "{} pods; {}", found.len(), deployment["status"]);
            Ok(serde_json::to_value(&found[0])?)
        });
        let pod = waited.await.unwrap();
        assert_eq!(pod["metadata"]["labels"]["app.kubernetes.io/name"], "hpa-override");
        pod
    }

    /// So pod security is checked: the same pod with a right that it does not need is refused.
    async fn another_pod_is_refused(&self, pod: &Value) {
        let mut other = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other", "namespace": NAMESPACE}, "spec": pod["spec"],
        });
        other["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
        let other = serde_json::from_value(other).unwrap();
        let refused = api_for(&self.client, &other).unwrap().create(&PostParams::default(), &other).await;
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("violates PodSecurity \"restricted:latest\""), "{message}");
    }

    /// `view` sees overrides; `edit` makes none until the shipped role is bound.
    async fn the_shipped_role_is_needed(&self) {
        let roles = [(VIEWER, "view"), (EDITOR, "edit"), (OVERRIDER, "hpa-override-editor")];
        let bindings: String = roles.iter().map(|(user, role)| binding(user, role)).collect();
        let yaml = format!("{SHOP}{bindings}");
        apply_yaml(&self.client, &yaml, "test", true).await.unwrap();
        self.wait_may(VIEWER, "list", true).await;
        self.wait_may(EDITOR, "list", true).await;
        self.wait_may(OVERRIDER, "create", true).await;
        for user in [VIEWER, EDITOR] {
            self.wait_may(user, "create", false).await;
        }
    }

    async fn wait_may(&self, user: &str, verb: &str, expected: bool) {
        let answer = if expected { "yes\n" } else { "no\n" };
        let what = format!("{user} to have the right to {verb}: {expected}");
        let asked = wait_for(&what, LIMIT, async || {
            let mut kubectl = self.plane.kubectl(&Identity::user(user))?;
            kubectl.args(["auth", "can-i", verb, "autoscaleroverrides.hpa-override.dev", "--namespace", "shop"]);
            let output = String::from_utf8(kubectl.output()?.stdout)?;
            anyhow::ensure!(output == answer, "{output}");
            Ok(())
        });
        asked.await.unwrap();
    }

    /// The program with the pod's arguments, its mounted settings, and its service account.
    async fn start_controller(&self, pod: &Value) -> Child {
        let (spec, container) = (&pod["spec"], &pod["spec"]["containers"][0]);
        let identity = Identity::service_account(NAMESPACE, spec["serviceAccountName"].as_str().unwrap());
        let mount = container["volumeMounts"][0].clone();
        let folder = self.mounted(spec, &mount["name"]).await;
        let settings = std::fs::read_to_string(folder.join("settings.yaml")).unwrap();
        let settings: Value = serde_saphyr::from_str(&settings).unwrap();
        assert_eq!(settings["controllerUser"], identity.username(), "the controllerUser of the policies");

        let mut command = Command::new(program());
        for argument in container["args"].as_array().unwrap() {
            let mount_path = mount["mountPath"].as_str().unwrap();
            command.arg(argument.as_str().unwrap().replace(mount_path, folder.to_str().unwrap()));
        }
        command.env_clear().env("NO_PROXY", "127.0.0.1").env("HPA_OVERRIDE_ADMIN_ADDRESS", "127.0.0.1:0");
        command.env("KUBECONFIG", self.plane.kubeconfig_file(&identity).unwrap());
        let (audit, user) = (self.plane.audit(), identity.username());
        let started = jiff::Timestamp::now();
        let controller = Child::spawn(command, &self.plane.folder().join("controller.log")).unwrap();
        let first = audit.wait_for("the first request", LIMIT, |event| event.user == user).await;
        let first = first.unwrap_or_else(|error| panic!("{error:#}\n{}", controller.log_tail()));
        let watch =
            audit.wait_for("a watch", LIMIT, |event| event.user == user && event.verb == "watch").await.unwrap();
        let after = |event: jiff::Timestamp| event.duration_since(started).as_millis();
        println!("first request after {} ms, first watch after {} ms", after(first.received), after(watch.received));
        controller
    }

    /// The volume of that name as a folder: its `ConfigMap`'s files.
    async fn mounted(&self, spec: &Value, volume: &Value) -> PathBuf {
        let volumes = spec["volumes"].as_array().unwrap();
        let source = volumes.iter().find(|source| source["name"] == *volume).unwrap();
        let name = source["configMap"]["name"].as_str().unwrap();
        let head = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {NAMESPACE}}}\n");
        let map = self.get(&head).await.unwrap();
        let folder = self.plane.folder().join("mounted");
        std::fs::create_dir(&folder).unwrap();
        for (file, content) in map["data"].as_object().unwrap() {
            std::fs::write(folder.join(file), content.as_str().unwrap()).unwrap();
        }
        folder
    }

    /// Created by a user with the shipped role; applied, then ended, and the HPA is as before.
    async fn apply_and_end_an_override(&self, controller: &Child) {
        let hpa = SHOP.split("---\n").nth(1).unwrap();
        let before = self.get(hpa).await.unwrap();
        let overrider = self.plane.client(&Identity::user(OVERRIDER)).await.unwrap();
        let ovr = format!("{OVERRIDE}spec: {{hpa: web, minReplicas: 10, maxReplicas: 20, duration: 6s}}\n");
        apply_yaml(&overrider, &ovr, "overrider", false).await.unwrap();

        let wait = async |what: &str, head: &str, check: &dyn Fn(&Value) -> bool| {
            let waited = wait_for(what, LIMIT, async || {
                let object = self.get(head).await?;
                anyhow::ensure!(check(&object), "{object}");
                Ok(object)
            });
            waited.await.unwrap_or_else(|error| panic!("{error:#}\n{}", controller.log_tail()))
        };
        let overridden = |hpa: &Value| bounds(hpa) == (10, 20) && record(hpa).is_some() && !we_own_a_bound(hpa);
        wait("10-20 with a record", hpa, &overridden).await;
        wait("it to be Active", OVERRIDE, &|ovr| ovr["status"]["phase"] == "Active").await;
        wait("it to be Expired", OVERRIDE, &|ovr| ovr["status"]["phase"] == "Expired").await;
        let restored = |hpa: &Value| bounds(hpa) == (2, 5) && !hpa.to_string().contains("hpa-override");
        let after = wait("2-5 without a trace", hpa, &restored).await;
        assert_eq!(traces(&after), traces(&before));
        let log = controller.log();
        assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
        assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
    }
}

/// A user has a role in the namespace `shop`.
fn binding(user: &str, role: &str) -> String {
    format!(
        "---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {user}, namespace: shop}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}]
"
    )
}

fn program() -> PathBuf {
    std::env::var_os("HPA_OVERRIDE_CONTROLLER").map_or_else(|| env!("CARGO_BIN_EXE_host-shim").into(), Into::into)
}

/// A shipped file.
fn text(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The guide's own kustomization, in a folder beside this repository.
#[test]
fn the_guides_overlay_has_its_own_images_and_settings() {
    let parent = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("overlay");
    let own = parent.join("own");
    let _ = std::fs::remove_dir_all(&parent);
    std::fs::create_dir_all(&own).unwrap();
    std::os::unix::fs::symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/.."), parent.join("hpa-override")).unwrap();
    let guide = text("docs/guide.md");
    let section = guide.split("\n## Install with kustomize\n").nth(1).unwrap();
    let blocks: Vec<&str> = section.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    std::fs::write(own.join("kustomization.yaml"), format!("{}{}", blocks[0], blocks[1])).unwrap();
    std::fs::write(own.join("settings.yaml"), "requireReason: true\n").unwrap();

    let kubectl = assets::find(Program::Kubectl).unwrap();
    let output = Command::new(kubectl).arg("kustomize").arg(&own).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rendered = parse_yaml(&String::from_utf8(output.stdout).unwrap()).unwrap();
    let of_kind = |kind: &str| -> Vec<Value> {
        let is_one = |object: &&DynamicObject| object.types.as_ref().is_some_and(|types| types.kind == kind);
        rendered.iter().filter(is_one).map(|object| serde_json::to_value(object).unwrap()).collect()
    };
    let pod = &of_kind("Deployment")[0]["spec"]["template"]["spec"];
    let image = concat!("registry.example.com/hpa-override:v", env!("CARGO_PKG_VERSION"));
    assert_eq!(pod["containers"][0]["image"], image);
    let map = &of_kind("ConfigMap")[0];
    assert_eq!(map["data"], json!({"settings.yaml": "requireReason: true\n"}));
    assert_eq!(pod["volumes"][0]["configMap"]["name"], map["metadata"]["name"]);
    let policies = of_kind("ClusterAdmissionPolicy");
    let module = concat!("registry://registry.example.com/hpa-override-policy:v", env!("CARGO_PKG_VERSION"));
    assert!(policies.len() == 2 && policies.iter().all(|policy| policy["spec"]["module"] == module), "{policies:?}");
    let mut shipped =
        parse_yaml(&text("deploy/kubewarden/guard.yaml")).unwrap().remove(0).data["spec"]["settings"].take();
    shipped["requireReason"] = true.into();
    let guard = policies.iter().find(|policy| policy["metadata"]["name"] == "hpa-override-guard").unwrap();
    assert_eq!(guard["spec"]["settings"], shipped, "the shipped settings stay");
}

#[test]
fn the_image_has_the_version_of_the_workspace() {
    let version = env!("CARGO_PKG_VERSION");
    let image = format!("image: ghcr.io/hpa-override/hpa-override:v{version}\n");
    assert!(text("deploy/kustomize/base/controller.yaml").contains(&image), "{image}");
    let label = format!("org.opencontainers.image.version=\"{version}\"");
    assert!(text("deploy/Containerfile").contains(&label), "{label}");
}

#[test]
fn the_image_is_built_with_the_toolchain_of_the_workspace() {
    let file = text("rust-toolchain.toml");
    let channel = file.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    let containerfile = text("deploy/Containerfile");
    assert!(containerfile.contains(&format!("/rust:{channel}-slim-bookworm AS build\n")), "{channel}");
    assert!(containerfile.contains(&format!("RUSTUP_TOOLCHAIN={channel}\n")), "{channel}");
}

#[test]
fn an_image_is_made_of_every_member_of_the_workspace() {
    let manifest = text("Cargo.toml");
    let members = manifest.split("\nmembers = [").nth(1).unwrap().split(']').next().unwrap();
    let ignored = text(".dockerignore");
    for member in members.split('"').skip(1).step_by(2) {
        let top = member.split('/').next().unwrap();
        assert!(ignored.lines().any(|line| line == format!("!{top}")), "{member}");
    }
}
