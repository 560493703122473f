//! hpa-override as a platform team installs it, on a control plane of its own: the CRD, the shipped RBAC, admission where
//! asked for, and the controller as its own service account.
//!
//! Everything is read from the very files that are shipped. What happens in it is the test's business.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::Signal;
use crate::admin::Admin;
use crate::control_plane::{ControlPlane, Identity, Options};
use crate::engine::{Clock, Module};
use crate::objects::{api_for, parse_yaml};
use crate::policy_host::PolicyHost;
use crate::ports::Port;
use crate::process::Child;
use crate::proxy::Proxy;
use crate::run_dir::write;
use crate::wait::block_on;

mod install;

pub(crate) use self::install::install_crd;
pub use self::install::{guarded, install_configurations, merged, wait_until_asked};
use self::install::{install, install_policies, install_webhook, serve_policies, shipped};

/// Generous for a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// The user as whom the controller acts.
pub const CONTROLLER_USER: &str = "system:serviceaccount:hpa-override:hpa-override-controller";

/// Says where probes and metrics are served.
const ADMIN: &str = "HPA_OVERRIDE_ADMIN_ADDRESS";

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// The control plane.
    pub plane: Options,
    /// The controller's program.
    pub controller: PathBuf,
    /// Who answers admission.
    pub admission: Admission,
    /// Settings of the platform team, for admission and the controller.
    pub settings: Value,
}

/// Who answers admission.
#[derive(Clone, Debug)]
pub enum Admission {
    /// Nobody.
    None,
    /// The shipped policies, with this module.
    Policies(PathBuf),
    /// The controller's own webhook.
    Webhook,
}

/// An installed hpa-override. Dropping it ends everything.
#[derive(Debug)]
pub struct World {
    // In the order in which they are to end.
    controller: Mutex<Option<Child>>,
    proxy: OnceLock<Proxy>,
    controller_clock: AtomicI64,
    admin: Port,
    plane: ControlPlane,
    policy_host: Option<PolicyHost>,
    /// Where the controller answers admission.
    webhook: Option<Port>,
    options: WorldOptions,
    folder: PathBuf,
}

/// One replica of several. Dropping it ends it.
#[derive(Debug)]
pub struct Replica {
    /// The process.
    pub child: Child,
    /// Its probes and metrics.
    pub admin: Admin,
    /// Between it and the API server.
    pub proxy: Proxy,
    _port: Port,
}

impl World {
    /// Starts the control plane, installs, and starts the controller.
    pub fn start(options: WorldOptions) -> Result<Self> {
        Self::start_with(options, Module::load)
    }

    /// [`start`](Self::start), but admission reads `clock`. The controller's is set by
    /// [`set_controller_clock`](Self::set_controller_clock).
    pub fn start_with_clock(options: WorldOptions, clock: &Clock) -> Result<Self> {
        Self::start_with(options, |module| Module::load_with_clock(module, clock.clone()))
    }

    fn start_with(options: WorldOptions, load: impl FnOnce(&Path) -> Result<Module> + Send) -> Result<Self> {
        // To compile the module takes as long as the API server takes to start.
        let (plane, module) = thread::scope(|scope| {
            let module = match &options.admission {
                Admission::Policies(module) => Some(module.as_path()),
                Admission::None | Admission::Webhook => None,
            };
            let module = scope.spawn(move || module.map(load).transpose());
            let plane = ControlPlane::start(&options.plane);
            (plane, module.join().unwrap_or_else(|_| bail!("the compilation of the module panicked")))
        });
        let (plane, module) = (plane?, module?);
        block_on(async || install(&plane).await)?;
        let policy_host = module.map(|module| serve_policies(&plane, module, &options.settings)).transpose()?;
        if let Some((policies, host)) = &policy_host {
            block_on(async || install_policies(&plane, policies, host).await)?;
        }
        let policy_host = policy_host.map(|(_, host)| host);
        let folder = plane.folder().to_owned();
        write_settings(&folder, &options.settings)?;
        let (controller, proxy) = (Mutex::default(), OnceLock::new());
        let controller_clock = AtomicI64::new(0);
        let admin = Port::reserve()?;
        let webhook = matches!(options.admission, Admission::Webhook).then(Port::reserve).transpose()?;
        let world = Self { controller, proxy, controller_clock, admin, plane, policy_host, webhook, options, folder };
        if let Some(port) = &world.webhook {
            block_on(async || install_webhook(&world.plane, port).await)?;
        }
        world.start_controller()?;
        if world.webhook.is_some() {
            let asked = block_on(async || wait_until_asked(&world.plane.client(&Identity::Admin).await?).await);
            asked.with_context(|| world.controller_log())?;
        }
        Ok(world)
    }

    /// The control plane.
    #[must_use]
    pub fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    /// The policy host, where the policies are installed.
    #[must_use]
    pub fn policy_host(&self) -> Option<&PolicyHost> {
        self.policy_host.as_ref()
    }

    /// Where the controller answers admission, and whom a client has to trust, as PEM.
    pub fn webhook(&self) -> Result<(String, String)> {
        let port = self.webhook.as_ref().context("it answers no admission")?;
        let text = shipped("deploy/kustomize/webhook/guard.yaml")?;
        let head = parse_yaml(&text)?.pop().context("no configuration")?;
        let guard = block_on(async || {
            let client = self.plane.client(&Identity::Admin).await?;
            Ok(api_for(&client, &head)?.get("hpa-override-guard").await?)
        })?;
        let bundle = guard.data.pointer("/webhooks/0/clientConfig/caBundle").and_then(Value::as_str);
        let bundle = STANDARD.decode(bundle.context("the guard trusts nobody")?)?;
        Ok((format!("127.0.0.1:{}", port.number()), String::from_utf8(bundle)?))
    }

    /// The guard's webhook, as the API server's messages name it, and the configuration that holds it.
    #[must_use]
    pub fn guard(&self) -> (&'static str, &'static str) {
        match self.options.admission {
            Admission::Webhook => ("guard.hpa-override.dev", "hpa-override-guard"),
            Admission::None | Admission::Policies(_) => {
                ("clusterwide-hpa-override-guard.kubewarden.admission", "clusterwide-hpa-override-guard")
            }
        }
    }

    /// Puts a proxy between the controller, which is started anew, and the API server. There is one at most.
    pub fn controller_through_proxy(&self) -> Result<&Proxy> {
        if self.proxy.get().is_none() {
            self.kill_controller()?;
            // Of two that come at once, the later one is given up.
            let _ = self.proxy.set(self.plane.proxy()?);
            self.start_controller()?;
        }
        self.proxy.get().context("there is no proxy")
    }

    /// How many seconds the clock of the controller is ahead of the real time (behind it, where negative), from its
    /// next start on.
    pub fn set_controller_clock(&self, ahead: i64) {
        self.controller_clock.store(ahead, Ordering::SeqCst);
    }

    /// Starts the controller anew with other settings; the policies keep theirs.
    pub fn change_controller_settings(&self, settings: &Value) -> Result<()> {
        self.kill_controller()?;
        write_settings(&self.folder, settings)?;
        self.start_controller()
    }

    /// Writes the controller's settings file, while it runs.
    pub fn write_settings(&self, text: &str) -> Result<()> {
        write(&self.folder.join("settings.yaml"), text)
    }

    /// Starts the controller, where it does not run.
    pub fn start_controller(&self) -> Result<()> {
        let mut slot = self.slot();
        if slot.is_none() {
            *slot = Some(Child::spawn(self.command()?, &self.folder.join("controller.log"))?);
        }
        Ok(())
    }

    /// Starts another replica, which elects a leader with its like, with a proxy of its own; its clock is so many seconds
    /// ahead. It logs to a file of that name.
    pub fn start_replica(&self, name: &str, ahead: i64) -> Result<Replica> {
        let (mut command, port, proxy) = (self.command()?, Port::reserve()?, self.plane.proxy()?);
        let admin = Admin::new(port.number());
        command.env("HPA_OVERRIDE_LEADER_ELECT", "true").arg(format!("--clock-offset={ahead}"));
        command.env(ADMIN, admin.address()).env("KUBECONFIG", self.kubeconfig_through(&proxy, name)?);
        let child = Child::spawn(command, &self.folder.join(format!("{name}.log")))?;
        Ok(Replica { child, admin, proxy, _port: port })
    }

    /// The controller's program, as the controller's account, with its settings: a test adds arguments.
    pub fn controller_command(&self) -> Result<Command> {
        self.command()
    }

    /// The probes and metrics of the controller.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin::new(self.admin.number())
    }

    /// Kills the controller, as a crash does.
    pub fn kill_controller(&self) -> Result<()> {
        self.slot().take().map_or(Ok(()), |mut child| child.kill())
    }

    /// Asks the controller to stop and waits until it has.
    pub fn stop_controller(&self) -> Result<()> {
        let Some(mut child) = self.slot().take() else { return Ok(()) };
        child.signal(Signal::SIGTERM)?;
        let status = child.wait(LIMIT)?;
        ensure!(status.success(), "the controller stopped with {status}\n{}", child.log_tail());
        Ok(())
    }

    /// The process id of the controller, where it runs.
    #[must_use]
    pub fn controller_id(&self) -> Option<u32> {
        self.slot().as_ref().map(Child::id)
    }

    /// The end of the controller's log, for messages.
    #[must_use]
    pub fn controller_log(&self) -> String {
        self.slot().as_ref().map(Child::log_tail).unwrap_or_default()
    }

    fn slot(&self) -> MutexGuard<'_, Option<Child>> {
        self.controller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(&self.options.controller);
        command.arg("--settings").arg(self.folder.join("settings.yaml"));
        match self.controller_clock.load(Ordering::SeqCst) {
            0 => {}
            ahead => drop(command.arg(format!("--clock-offset={ahead}"))),
        }
        if let Some(port) = &self.webhook {
            command.arg("--webhook").arg(format!("--webhook-address=127.0.0.1:{}", port.number()));
            command.arg("--webhook-host=127.0.0.1");
        }
        let kubeconfig = match self.proxy.get() {
            Some(proxy) => self.kubeconfig_through(proxy, "proxied")?,
            None => self.plane.kubeconfig_file(&controller())?,
        };
        command.env("KUBECONFIG", kubeconfig).env("NO_PROXY", "127.0.0.1");
        // The only one: who starts it again need not wait until the Lease of a killed one is over.
        command.env("HPA_OVERRIDE_LEADER_ELECT", "false").env(ADMIN, self.admin().address());
        Ok(command)
    }

    fn kubeconfig_through(&self, proxy: &Proxy, name: &str) -> Result<PathBuf> {
        let kubeconfig = proxy.redirect(self.plane.kubeconfig(&controller())?)?;
        let path = self.folder.join(format!("{name}.kubeconfig"));
        let text = serde_json::to_string(&kubeconfig).context("failed to print a kubeconfig")?;
        write(&path, &text)?;
        Ok(path)
    }
}

/// As whom the controller acts.
fn controller() -> Identity {
    Identity::service_account("hpa-override", "hpa-override-controller")
}

/// The settings as the controller reads them: YAML holds JSON.
fn write_settings(folder: &Path, settings: &Value) -> Result<()> {
    let settings = serde_json::to_string(settings).context("failed to print the settings")?;
    write(&folder.join("settings.yaml"), &settings)
}
