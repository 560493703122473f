//! A real control plane: etcd, the API server and, where asked for, the controller manager.
//!
//! ```text
//!   tests, controller, kubectl ──TLS──► kube-apiserver ──► etcd
//!                                         ▲      │
//!              kube-controller-manager ───┘      └──TLS──► policy host (webhooks)
//! ```
//!
//! Everything listens on 127.0.0.1 and lives in one folder. Starting blocks and needs no async runtime, so that one
//! control plane can be a `static` shared by many tests, each with a runtime of its own. There is no kubelet and no
//! scheduler: pods stay pending, replica counts are what to look at. Nothing here knows what is tested.

mod flags;
mod identity;
mod site;

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::config::{KubeConfigOptions, Kubeconfig};

pub use self::identity::Identity;
use self::site::Site;
use crate::assets::{self, Program};
use crate::audit::AuditLog;
use crate::metrics::Metrics;
use crate::process::Child;
use crate::proxy::Proxy;
use crate::wait::{block_on, wait_for, wait_for_blocking};

/// Generous for a busy machine: the usual time is five seconds.
const START_LIMIT: Duration = Duration::from_secs(90);
/// For one answer while the API server starts.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What a control plane is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Run the controller manager with the HPA, Deployment, `ReplicaSet`, namespace, garbage collector and `ClusterRole`
    /// aggregation controllers.
    pub controller_manager: bool,
    /// Users besides the admin, each with its groups (`system:authenticated` comes by itself).
    pub users: Vec<(String, Vec<String>)>,
    /// The port of an HTTP proxy on this machine by which the API server reaches webhooks behind a Service: there is no
    /// network here that leads to one.
    pub webhook_proxy: Option<u16>,
}

impl Options {
    /// With the controller manager.
    #[must_use]
    pub fn with_controllers() -> Self {
        Self { controller_manager: true, ..Self::default() }
    }

    /// Adds a user with its groups.
    #[must_use]
    pub fn user(mut self, name: &str, groups: &[&str]) -> Self {
        self.users.push((name.to_owned(), groups.iter().map(ToString::to_string).collect()));
        self
    }
}

/// A running control plane. Dropping it ends its processes and removes its folder.
#[derive(Debug)]
pub struct ControlPlane {
    // In the order in which they are to end: those that call others first, the folder last.
    _controller_manager: Option<Child>,
    api_server: Mutex<Option<Child>>,
    _etcd: Child,
    audit: AuditLog,
    site: Site,
}

impl ControlPlane {
    /// Starts a control plane and waits until it serves.
    pub fn start(options: &Options) -> Result<Self> {
        let site = Site::prepare(options)?;
        let etcd = start_etcd(&site)?;
        let api_server = start_api_server(&site)?;
        let controller_manager = options.controller_manager.then(|| start_controller_manager(&site)).transpose()?;
        Ok(Self {
            _controller_manager: controller_manager,
            api_server: Mutex::new(Some(api_server)),
            _etcd: etcd,
            audit: AuditLog::new(site.audit_log()),
            site,
        })
    }

    /// The address of the API server, `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.site.url()
    }

    /// What a client needs to act as `identity`. A service account is impersonated by the admin.
    pub fn kubeconfig(&self, identity: &Identity) -> Result<Kubeconfig> {
        self.site.kubeconfig(identity)
    }

    /// [`kubeconfig`](Self::kubeconfig) as a file, for programs.
    pub fn kubeconfig_file(&self, identity: &Identity) -> Result<PathBuf> {
        self.site.kubeconfig_file(identity)
    }

    /// A proxy in front of the API server, which it does not stop with.
    pub(crate) fn proxy(&self) -> Result<Proxy> {
        Proxy::start(self.site.api_port.number(), &self.site.certificate.cert)
    }

    /// A new client that acts as `identity`. It belongs to the runtime that it is made in.
    pub async fn client(&self, identity: &Identity) -> Result<kube::Client> {
        client_of(self.kubeconfig(identity)?).await
    }

    /// A `kubectl` that acts as `identity`; the caller adds the arguments.
    pub fn kubectl(&self, identity: &Identity) -> Result<Command> {
        let mut command = Command::new(assets::find(Program::Kubectl)?);
        command.env("KUBECONFIG", self.kubeconfig_file(identity)?).env("NO_PROXY", "127.0.0.1");
        // Discovery is cached by address, and an address may have been another control plane's yesterday.
        command.env("KUBECACHEDIR", self.site.folder().join("kubectl-cache"));
        Ok(command)
    }

    /// Who did what on the API server since its start.
    #[must_use]
    pub fn audit(&self) -> AuditLog {
        self.audit.clone()
    }

    /// Kills the API server; etcd keeps its data. Nothing happens where it is stopped already.
    pub fn stop_api_server(&self) -> Result<()> {
        self.api_server().take().map_or(Ok(()), |mut child| child.kill())
    }

    /// Starts the API server again, at the same address, and waits until it serves.
    pub fn start_api_server(&self) -> Result<()> {
        let mut slot = self.api_server();
        if slot.is_none() {
            *slot = Some(start_api_server(&self.site)?);
        }
        Ok(())
    }

    /// A test that panicked while it held the child does not make it useless to the next.
    fn api_server(&self) -> MutexGuard<'_, Option<Child>> {
        self.api_server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters of the API server, read without an async runtime.
    pub fn metrics(&self) -> Result<Metrics> {
        block_on(async || {
            let client = self.client(&Identity::Admin).await?;
            Ok(Metrics::new(get(&client, "/metrics").await?))
        })
    }

    /// The folder of logs and files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.site.folder()
    }
}

/// A client with that kubeconfig.
pub(crate) async fn client_of(kubeconfig: Kubeconfig) -> Result<kube::Client> {
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let mut config = config.context("failed to read the kubeconfig just made")?;
    // The environment may name a proxy, which cannot reach this machine's loopback.
    config.proxy_url = None;
    kube::Client::try_from(config).context("failed to make a client")
}

async fn get(client: &kube::Client, path: &str) -> Result<String> {
    let request = http::Request::get(path).body(Vec::new())?;
    Ok(tokio::time::timeout(ANSWER_LIMIT, client.request_text(request)).await??)
}

fn start_etcd(site: &Site) -> Result<Child> {
    let mut child = site.spawn(Program::Etcd, &flags::etcd(site))?;
    wait_for_blocking("etcd to listen", START_LIMIT, || {
        child.ensure_running()?;
        TcpStream::connect((Ipv4Addr::LOCALHOST, site.etcd_port.number())).context("it does not listen")
    })?;
    Ok(child)
}

fn start_api_server(site: &Site) -> Result<Child> {
    let mut child = site.spawn(Program::KubeApiserver, &flags::api_server(site))?;
    let ready = block_on(async || {
        let client = client_of(site.kubeconfig(&Identity::Admin)?).await?;
        // The default namespace is made by the server itself, a moment after it says that it is ready.
        for path in ["/readyz", "/api/v1/namespaces/default"] {
            wait_for(&format!("the API server to answer {path}"), START_LIMIT, async || {
                child.ensure_running()?;
                get(&client, path).await
            })
            .await?;
        }
        Ok(())
    });
    ready.with_context(|| child.log_tail())?;
    Ok(child)
}

fn start_controller_manager(site: &Site) -> Result<Child> {
    let kubeconfig = site.kubeconfig_file(&Identity::user(site::CONTROLLER_MANAGER))?;
    site.spawn(Program::KubeControllerManager, &flags::controller_manager(&kubeconfig))
}
