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
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::config::{KubeConfigOptions, Kubeconfig};

pub use self::identity::Identity;
use self::site::Site;
use crate::assets::{self, Program};
use crate::audit::AuditLog;
use crate::metrics::Metrics;
use crate::process::Child;
use crate::proxy::Proxy;
use crate::wait::wait_for_blocking;

/// Generous for a busy machine: the usual time is five seconds.
const START_LIMIT: Duration = Duration::from_secs(90);

/// What a control plane is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Run the controller manager with the HPA, Deployment, `ReplicaSet`, namespace, garbage collector and `ClusterRole`
    /// aggregation controllers.
    pub controller_manager: bool,
    /// Users besides the admin, each with its groups (`system:authenticated` comes by itself).
    pub users: Vec<(String, Vec<String>)>,
    /// Keep the folder with logs and data; the environment variable `HPA_OVERRIDE_TESTBED_KEEP` does the same.
    pub keep: bool,
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
    controller_manager: Option<Mutex<Child>>,
    api_server: Mutex<Option<Child>>,
    etcd: Mutex<Child>,
    audit: AuditLog,
    site: Site,
}

impl ControlPlane {
    /// Starts a control plane and waits until it serves.
    ///
    /// # Errors
    /// When a program is missing (see [`assets::find`]) or does not become ready; the message has the end of its log.
    pub fn start(options: &Options) -> Result<Self> {
        let site = Site::prepare(options)?;
        let etcd = start_etcd(&site)?;
        let api_server = start_api_server(&site)?;
        let controller_manager = options.controller_manager.then(|| start_controller_manager(&site)).transpose()?;
        Ok(Self {
            controller_manager: controller_manager.map(Mutex::new),
            api_server: Mutex::new(Some(api_server)),
            etcd: Mutex::new(etcd),
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
    ///
    /// # Errors
    /// When the identity is a user that [`Options::users`] does not name.
    pub fn kubeconfig(&self, identity: &Identity) -> Result<Kubeconfig> {
        self.site.kubeconfig(identity)
    }

    /// [`kubeconfig`](Self::kubeconfig) as a file, for programs.
    ///
    /// # Errors
    /// As [`kubeconfig`](Self::kubeconfig), and when the file cannot be written.
    pub fn kubeconfig_file(&self, identity: &Identity) -> Result<PathBuf> {
        self.site.kubeconfig_file(identity)
    }

    /// A proxy in front of the API server, which it does not stop with.
    pub(crate) fn proxy(&self) -> Result<Proxy> {
        Proxy::start(self.site.api_port(), self.site.ca_der())
    }

    /// A new client that acts as `identity`. It belongs to the runtime that it is made in.
    ///
    /// # Errors
    /// As [`kubeconfig`](Self::kubeconfig).
    pub async fn client(&self, identity: &Identity) -> Result<kube::Client> {
        let kubeconfig = self.kubeconfig(identity)?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let mut config = config.context("failed to read the kubeconfig just made")?;
        // The environment may name a proxy, which cannot reach this machine's loopback.
        config.proxy_url = None;
        kube::Client::try_from(config).context("failed to make a client")
    }

    /// A `kubectl` that acts as `identity`; the caller adds the arguments.
    ///
    /// # Errors
    /// As [`kubeconfig_file`](Self::kubeconfig_file), and when there is no kubectl.
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
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn stop_api_server(&self) -> Result<()> {
        lock(&self.api_server).take().map_or(Ok(()), |mut child| child.kill())
    }

    /// Starts the API server again, at the same address, and waits until it serves.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_api_server(&self) -> Result<()> {
        let mut slot = lock(&self.api_server);
        if slot.is_none() {
            *slot = Some(start_api_server(&self.site)?);
        }
        Ok(())
    }

    /// The counters of the API server, read without an async runtime.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn metrics(&self) -> Result<Metrics> {
        let (code, text) = self.site.getter()?.get("/metrics")?;
        ensure!(code == 200, "failed to read the metrics of the API server: {code}");
        Ok(Metrics::parse(&text))
    }

    /// The folder of logs and files.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.site.folder()
    }

    /// The process ids of all programs that run.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        let mut ids: Vec<_> = self.controller_manager.iter().map(|child| lock(child).id()).collect();
        ids.extend(lock(&self.api_server).as_ref().map(Child::id));
        ids.push(lock(&self.etcd).id());
        ids
    }
}

/// A test that panicked while it held a child does not make the child useless to the next.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start_etcd(site: &Site) -> Result<Child> {
    let mut child = site.spawn(Program::Etcd, &flags::etcd(site))?;
    wait_for_blocking("etcd to listen", START_LIMIT, || {
        child.ensure_running()?;
        TcpStream::connect((Ipv4Addr::LOCALHOST, site.etcd_port())).context("it does not listen")
    })?;
    Ok(child)
}

fn start_api_server(site: &Site) -> Result<Child> {
    let getter = site.getter()?;
    let mut child = site.spawn(Program::KubeApiserver, &flags::api_server(site))?;
    // The default namespace is made by the server itself, a moment after it says that it is ready.
    for path in ["/readyz", "/api/v1/namespaces/default"] {
        wait_for_blocking(&format!("the API server to answer {path}"), START_LIMIT, || {
            child.ensure_running()?;
            let (code, body) = getter.get(path)?;
            ensure!(code == 200, "{code} {body}");
            Ok(())
        })
        .with_context(|| child.log_tail())?;
    }
    Ok(child)
}

fn start_controller_manager(site: &Site) -> Result<Child> {
    let kubeconfig = site.kubeconfig_file(&Identity::user(site::CONTROLLER_MANAGER))?;
    site.spawn(Program::KubeControllerManager, &flags::controller_manager(&kubeconfig))
}
