//! What a node does, as far as the chart needs it: it runs the containers of each pod as processes of this machine, with their
//! arguments, files and service account, and says in the status of the pod what became of them. No image is pulled, and nothing is
//! isolated. In place of the Service, the API server reaches a pod that is ready by a proxy.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use hpa_override_testbed::{Child, ControlPlane, Identity, Port, Signal, assets, assets::Program, http_get};
use k8s_openapi::api::core::v1::{ConfigMap, Container, Pod};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    time::sleep,
};

const EVERY: Duration = Duration::from_millis(100);

/// A pod that serves.
struct Running {
    child: Child,
    admin: Port,
    webhook: Port,
    is_ready: bool,
}

/// The node.
pub struct Kubelet {
    plane: &'static ControlPlane,
    client: Client,
    namespace: String,
    running: Mutex<BTreeMap<String, Running>>,
    done: Mutex<HashSet<String>>,
}

impl Kubelet {
    /// Runs the pods of a namespace. Tunnels through the HTTP proxy at `proxy` lead to one that is ready.
    pub async fn start(plane: &'static ControlPlane, namespace: &str, proxy: &Port) -> Arc<Self> {
        let client = plane.client(&Identity::Admin).await.unwrap();
        let (running, done) = (Mutex::default(), Mutex::default());
        let this = Arc::new(Self { plane, client, namespace: namespace.into(), running, done });
        let listener = TcpListener::bind(("127.0.0.1", proxy.number())).await.unwrap();
        let (forwarding, node) = (this.clone(), this.clone());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let Some(port) = forwarding.ready_port() else { continue };
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(socket.read_u8().await?);
                    }
                    socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                    let mut pod = TcpStream::connect(("127.0.0.1", port)).await?;
                    copy_bidirectional(&mut socket, &mut pod).await
                });
            }
        });
        tokio::spawn(async move {
            loop {
                if let Err(error) = node.look().await {
                    eprintln!("kubelet: {error:#}");
                }
                sleep(EVERY).await;
            }
        });
        this
    }

    /// The logs of all that ran, for messages.
    pub fn logs(&self) -> String {
        let running = self.running.lock().unwrap();
        running.iter().flat_map(|(name, pod)| [name.clone(), "\n".into(), pod.child.log_tail()]).collect()
    }

    fn ready_port(&self) -> Option<u16> {
        let running = self.running.lock().unwrap();
        running.values().find(|pod| pod.is_ready).map(|pod| pod.webhook.number())
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn look(self: &Arc<Self>) -> Result<()> {
        for pod in self.pods().list(&ListParams::default()).await?.items {
            let name = pod.metadata.name.clone().context("a pod without a name")?;
            let is_running = self.running.lock().unwrap().contains_key(&name);
            let node = self.clone();
            if pod.metadata.deletion_timestamp.is_some() {
                if is_running || self.done.lock().unwrap().insert(format!("{name} is gone")) {
                    said(name.clone(), async move { node.stop(&name).await });
                }
            } else if is_running {
                self.probe(&name).await?;
            } else if self.done.lock().unwrap().insert(name.clone()) {
                said(name.clone(), async move { node.begin(&name, &pod).await });
            }
        }
        Ok(())
    }

    /// A pod that is to last is started; another is run to its end.
    async fn begin(&self, name: &str, pod: &Pod) -> Result<()> {
        // One that is on no node is deleted without a SIGTERM.
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "here"},
        });
        let params = PostParams::default();
        let bound: kube::Result<Value> = self.pods().create_subresource("binding", name, &params, &binding).await;
        bound.context("to bind it")?;
        let spec = pod.spec.as_ref().context("no spec")?;
        if spec.restart_policy.as_deref() == Some("Always") {
            let (admin, webhook) = (Port::reserve()?, Port::reserve()?);
            let container = spec.containers.first().context("no container")?;
            let mut command = self.command(pod, container).await?;
            command.env("HPA_OVERRIDE_ADMIN_ADDRESS", format!("127.0.0.1:{}", admin.number()));
            // Pods have addresses of their own, which processes have not.
            command.arg(format!("--webhook-address=127.0.0.1:{}", webhook.number()));
            let child = Child::spawn(command, &self.plane.folder().join(format!("{name}.log")))?;
            let pod = Running { child, admin, webhook, is_ready: false };
            self.running.lock().unwrap().insert(name.into(), pod);
            return Ok(());
        }
        for container in spec.init_containers.iter().flatten().chain(&spec.containers) {
            let mut command = self.command(pod, container).await?;
            let output = tokio::task::spawn_blocking(move || command.output()).await??;
            let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
            println!("{name}/{}: {}", container.name, text.trim_end());
            if !output.status.success() {
                self.set_status(name, json!({"phase": "Failed"})).await?;
                bail!("container {} failed", container.name);
            }
        }
        self.set_status(name, json!({"phase": "Succeeded"})).await
    }

    async fn command(&self, pod: &Pod, container: &Container) -> Result<Command> {
        let spec = pod.spec.as_ref().context("no spec")?;
        let image = container.image.as_deref().unwrap_or_default();
        let program: PathBuf = match image {
            _ if image.starts_with("ghcr.io/hpa-override/hpa-override:v") => env!("CARGO_BIN_EXE_host-shim").into(),
            _ if image.starts_with("registry.k8s.io/kubectl:v") => assets::find(Program::Kubectl)?,
            _ => bail!("there is no image {image}"),
        };
        let account = spec.service_account_name.as_deref().context("no service account")?;
        let identity = Identity::service_account(&self.namespace, account);
        let mut command = Command::new(program);
        command.env_clear().env("NO_PROXY", "127.0.0.1").env("KUBECONFIG", self.plane.kubeconfig_file(&identity)?);
        // kubectl keeps there what it finds out.
        command.env("HOME", self.plane.folder());
        command.env("HOSTNAME", pod.metadata.name.as_deref().unwrap_or_default());
        let mut mounts = Vec::new();
        for mount in container.volume_mounts.iter().flatten() {
            let volume = spec.volumes.iter().flatten().find(|volume| volume.name == mount.name);
            let map = volume.and_then(|volume| volume.config_map.as_ref()).context("a volume that is no ConfigMap")?;
            mounts.push((mount.mount_path.clone(), self.folder(&map.name).await?));
        }
        for argument in container.args.iter().flatten() {
            let replaced = mounts
                .iter()
                .fold(argument.clone(), |text, (path, folder)| text.replace(path, folder.to_str().unwrap_or_default()));
            if !replaced.starts_with("--webhook-address=") {
                command.arg(replaced);
            }
        }
        // kubectl takes a namespace from its configuration, a pod from its own.
        if image.contains("kubectl") {
            command.args(["--namespace", &self.namespace]);
        }
        Ok(command)
    }

    /// The files of a `ConfigMap`, as they are now.
    async fn folder(&self, name: &str) -> Result<PathBuf> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let folder = self.plane.folder().join(format!("mounted-{name}"));
        std::fs::create_dir_all(&folder)?;
        for (file, text) in maps.get(name).await?.data.unwrap_or_default() {
            std::fs::write(folder.join(file), text)?;
        }
        Ok(folder)
    }

    async fn probe(&self, name: &str) -> Result<()> {
        let (port, was_ready) = {
            let mut running = self.running.lock().unwrap();
            let Some(pod) = running.get_mut(name) else { return Ok(()) };
            pod.child.ensure_running()?;
            (pod.admin.number(), pod.is_ready)
        };
        let answer = tokio::task::spawn_blocking(move || http_get(port, "/readyz")).await?;
        let is_ready = answer.is_ok_and(|(status, _)| status == 200);
        if is_ready != was_ready {
            let status = if is_ready { "True" } else { "False" };
            let conditions =
                json!([{"type": "Ready", "status": status}, {"type": "ContainersReady", "status": status}]);
            self.set_status(name, json!({"phase": "Running", "conditions": conditions})).await?;
            if let Some(pod) = self.running.lock().unwrap().get_mut(name) {
                pod.is_ready = is_ready;
            }
        }
        Ok(())
    }

    async fn stop(&self, name: &str) -> Result<()> {
        let stopped = self.running.lock().unwrap().remove(name);
        if let Some(mut pod) = stopped {
            pod.child.signal(Signal::SIGTERM)?;
            tokio::task::spawn_blocking(move || pod.child.wait(Duration::from_secs(30))).await??;
        }
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        drop(self.pods().delete(name, &now).await);
        Ok(())
    }

    async fn set_status(&self, name: &str, status: Value) -> Result<()> {
        let patch = Patch::Merge(json!({"status": status}));
        self.pods().patch_status(name, &PatchParams::default(), &patch).await.map(drop).context("its status")
    }
}

/// Goes on with it, and says what fails.
fn said(pod: String, work: impl Future<Output = Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = work.await {
            eprintln!("kubelet: pod {pod}: {error:#}");
        }
    });
}
