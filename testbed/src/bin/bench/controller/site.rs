//! hpa-override installed on a control plane of its own, the HPAs in it, and the clients of the bench.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::{Admission, CONTROLLER_USER, Identity, Options, World, WorldOptions, usage, wait_for};
use jiff::Timestamp;
use kube::Client;
use serde_json::json;
use tokio::time::sleep;

use super::requests::Requests;

/// How long nothing must happen for the controller to count as at rest.
const QUIET: Duration = Duration::from_secs(1);
/// How much of [`QUIET`] a controller at rest may compute.
const AT_REST: Duration = Duration::from_millis(30);

/// Where everything is measured.
pub(crate) struct Site {
    pub(crate) world: World,
    /// A person, and everybody else that the controller is not.
    pub(crate) admin: Client,
    /// The controller's user, as whom the bare client acts.
    pub(crate) controller: Client,
}

impl Site {
    /// Installs all but leaves the controller out.
    pub(crate) async fn start(controller: PathBuf, module: Option<PathBuf>) -> Result<Self> {
        let settings = json!({"controllerUser": CONTROLLER_USER});
        let admission = module.map_or(Admission::None, Admission::Policies);
        let world = World::start(WorldOptions { plane: Options::default(), controller, admission, settings })?;
        world.kill_controller()?;
        let admin = world.plane().client(&Identity::Admin).await?;
        let identity = Identity::service_account("hpa-override", "hpa-override-controller");
        let controller = world.plane().client(&identity).await?;
        Ok(Self { world, admin, controller })
    }

    /// The process id of the controller.
    pub(crate) fn process(&self) -> Result<u32> {
        self.world.controller_id().context("the controller does not run")
    }

    /// The processor time that the controller has used since its start.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let time = usage::cpu_time(self.process()?);
        time.with_context(|| self.world.controller_log())
    }

    /// Waits until the controller has asked for nothing and computed next to nothing for a second, but for events.
    pub(crate) async fn rest(&self, limit: Duration) -> Result<()> {
        wait_for("the controller to be at rest", limit, async || {
            let (requests, before) = (Requests::from_now(&self.world)?, self.cpu_time()?);
            sleep(QUIET).await;
            let (count, used) = (requests.count_but_events()?, self.cpu_time()?.saturating_sub(before));
            ensure!(count == 0 && used <= AT_REST, "{count} requests, {used:?} of processor time");
            Ok(())
        })
        .await
    }

    /// All that the controller has logged so far, in all its lives.
    pub(crate) fn log(&self) -> Result<String> {
        let path = self.world.plane().folder().join("controller.log");
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
    }
}

/// Waits until that instant, and says whether there was time left.
pub(crate) async fn wait_until(instant: Timestamp) -> bool {
    let left = Duration::try_from(instant.duration_since(Timestamp::now()));
    match left {
        Ok(left) => sleep(left).await,
        Err(_) => return false,
    }
    true
}

/// Seconds from one instant to a later one, negative where it is earlier.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
