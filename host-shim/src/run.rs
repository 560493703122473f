//! Wires the rooms together and supervises them until the process is asked to stop. The only file that knows them all.

mod shared;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use futures::FutureExt as _;
use hpa_override_core::{Id, Settings};
#[cfg(test)]
use tokio::task::AbortHandle;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{Notify, watch},
    time::Instant,
};

use self::shared::Shared;
use crate::{
    access_review::{self, Answers},
    admin,
    admissions::Admissions,
    args::Args,
    clock::Clock,
    cluster::Cluster,
    confirm::Confirm,
    events::Events,
    health::Health,
    hpa_loop,
    leader::{Candidate, LeaseName},
    leadership::Leadership,
    list_watch::{Resource, list_and_watch},
    listed::{Listed, Part},
    listener::{Service, listen},
    object::{HPA, Kind, OVERRIDE},
    permissions::{Needs, Permissions},
    queue::Priority,
    queues::Queues,
    reached,
    request::Requests,
    scope::Scope,
    settings::{CurrentSettings, Reload, SettingsFile},
    status_loop,
    tasks::Tasks,
    webhook::{self, Certificate, Files, Renewal, Times, Webhook},
};

/// How long writes in flight may take after the process was asked to stop, or after a task has failed.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How long to give the Lease back may take.
const RELEASE_WITHIN: Duration = Duration::from_secs(5);
/// The task that answers admission, and how long it may go on after everything else has stopped.
const WEBHOOK: &str = "webhook";
const WEBHOOK_WITHIN: Duration = Duration::from_secs(20);
/// The task that renews its certificate.
const CERTIFICATE: &str = "webhook certificate";
/// The task that holds the Lease.
const CANDIDATE: &str = "leader election";
/// What writes; events follow from it.
const LOOPS: [&str; 2] = ["HPA loop", "status loop"];

/// Runs the controller until SIGTERM or SIGINT; writes in flight are finished, within ten seconds.
///
/// # Errors
/// When the settings are not valid, no cluster is found, or a task of the controller ends.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let (file, settings) = match &args.settings {
        Some(path) => SettingsFile::open(path).map(|(file, settings)| (Some(file), settings))?,
        None => (None, Settings::default()),
    };
    // First of all: a signal that comes before it ends the process amid a write.
    let stop = stop_signal()?;
    let cluster = Cluster::infer().await?;
    tracing::info!(cluster = cluster.url(), namespaces = %args.scope(), "starting");
    let clock = Clock::System { offset: args.clock_offset };
    let most_per_second = args.max_requests_per_second.get();
    let listener = match args.admin_address.0 {
        Some(address) => Some(listen(Service::Admin, address).await?),
        None => None,
    };
    let webhook = match (args.webhook, &args.webhook_cert_dir) {
        (true, folder) => {
            let certificate = Certificate::none();
            let files = folder.as_ref().map(|folder| Files::open(folder, certificate.clone())).transpose()?;
            Some((certificate, files, listen(Service::Webhook, args.webhook_address).await?))
        }
        (false, None) => None,
        (false, Some(_)) => bail!("`--webhook-cert-dir` is of use with `--webhook` only"),
    };
    let requests = Requests::new(cluster.client()?, clock, most_per_second);
    let all_requests = requests.clone();
    let apart = || anyhow::Ok(all_requests.apart(cluster.client()?, most_per_second));
    let lease = args.lease(cluster.namespace()).map(|lease| anyhow::Ok((lease, apart()?))).transpose()?;
    if args.dry_run {
        tracing::warn!("dry run: no HPA is written");
    }
    let access = Access { confirming: apart()?, requests, lease, dry_run: args.dry_run };
    let mut controller = Controller::start(access, settings, &args.scope(), clock);
    let (namespace, secret) = (cluster.namespace(), args.webhook_secret(cluster.namespace()));
    controller.ask_for_permissions(args.scope(), args.lease(namespace), secret.clone());
    if let Some(file) = file {
        controller.reload(file, namespace);
    }
    if let Some((certificate, files, listener)) = webhook {
        controller.answer_admission(listener, certificate.clone(), apart()?);
        if let Some(files) = files {
            controller.lasting.start(CERTIFICATE, files.run());
        } else if let Some(secret) = secret {
            let (leadership, host) = (controller.leadership.clone(), args.webhook_host(namespace));
            let (requests, times) = (apart()?.led_by(leadership.clone()), Times::new(args.webhook_certificate_life));
            let renewal = Renewal { requests, leadership, clock, certificate, secret, host, times };
            controller.lasting.start(CERTIFICATE, renewal.run());
        }
    }
    if let Some(listener) = listener {
        controller.serve(listener);
    }
    controller.run(stop).await?;
    tracing::info!("stopped");
    Ok(())
}

/// The running parts.
pub struct Controller {
    shared: Shared,
    confirm: Confirm,
    leadership: Leadership,
    permissions: Permissions,
    /// Tells the candidate to give the Lease back.
    resign: Arc<Notify>,
    listed: Listed,
    /// What runs as long as the process.
    lasting: Tasks,
    /// What runs while this replica leads, or while it does not.
    term: Tasks,
    leads: bool,
    /// Where it answers admission: tells the webhook that the process was asked to stop, and what it presents.
    webhook: Option<(watch::Sender<bool>, Certificate)>,
}

/// How the controller reaches the API server, and whether it may write.
pub struct Access {
    /// For all but what follows.
    pub requests: Requests,
    /// For the reads that a burst of writes must not delay.
    pub confirming: Requests,
    /// The Lease to hold, and requests that nothing else delays; none: this is the only replica.
    pub lease: Option<(LeaseName, Requests)>,
    /// Whether no HPA may be written.
    pub dry_run: bool,
}

impl Controller {
    /// Starts the watches, and everything else as soon as this replica leads. The two loops begin when both lists are
    /// complete: an override that is not listed yet is not a deleted one.
    pub fn start(access: Access, settings: Settings, scope: &Scope, clock: Clock) -> Self {
        let Access { requests, confirming, lease, dry_run } = access;
        let leadership = if lease.is_some() { Leadership::candidate() } else { Leadership::alone() };
        let requests = requests.led_by(leadership.clone());
        let ((answers, questions), mut listed) = (Answers::new(), Listed::default());
        let shared = Shared {
            clock,
            settings: CurrentSettings::new(settings),
            state: Arc::default(),
            queues: Queues::default(),
            requests,
            answers: Arc::new(answers),
            readings: Arc::default(),
            events: Events::default(),
            admissions: Admissions::default(),
            dry_run,
        };
        let Shared { state, queues, requests, answers, events, .. } = shared.clone();
        let (mut lasting, resign) = (Tasks::default(), Arc::new(Notify::new()));
        for part in scope.parts() {
            let resource = |kind: Kind| Resource { path: kind.path(part), plural: kind.plural };
            let hpas = shared.hpas(part, listed.add(HPA.plural));
            lasting.start("watch of HPAs", list_and_watch(requests.clone(), resource(HPA), hpas, clock).map(drop));
            let overrides = shared.overrides(part, listed.add(OVERRIDE.plural));
            let watch = list_and_watch(requests.clone(), resource(OVERRIDE), overrides, clock);
            lasting.start("watch of overrides", watch.map(drop));
        }
        let read = shared.overrides(None, Part::new(false));
        let confirm = Confirm::new(confirming, read, state, queues.clone(), clock, scope.clone());
        lasting.start("access reviews", access_review::run(answers, questions, requests.clone(), queues, clock));
        lasting.start("events", events.run(requests, clock));
        if let Some((lease, requests)) = lease {
            let candidate = Candidate::new(requests, lease, clock, leadership.clone());
            lasting.start(CANDIDATE, candidate.run_until(resign.clone()));
        }
        let mut controller = Self {
            shared,
            confirm,
            leadership,
            permissions: Permissions::default(),
            resign,
            listed,
            lasting,
            term: Tasks::default(),
            leads: false,
            webhook: None,
        };
        if controller.leadership.is_held(clock.now().steady()) {
            controller.lead();
        } else {
            controller.wait_to_lead();
        }
        controller
    }

    /// Asks who the controller is, for the rights that it needs, and which admissions are installed.
    fn ask_for_permissions(&mut self, scope: Scope, lease: Option<LeaseName>, secret: Option<Id>) {
        let Shared { requests, settings, clock, .. } = self.shared.clone();
        let Shared { admissions, state, queues, .. } = self.shared.clone();
        self.lasting.start("admissions", admissions.run(requests.clone(), state, queues));
        let needs = Needs { scope, lease, secret };
        self.lasting.start("permissions", self.permissions.clone().run(requests, needs, settings, clock));
    }

    /// Takes what the settings file says from now on.
    fn reload(&mut self, file: SettingsFile, namespace: &str) {
        let Shared { settings, state, queues, requests, events, .. } = self.shared.clone();
        let (metrics, leadership) = (requests.metrics().clone(), self.leadership.clone());
        let reload = Reload { file, settings, state, queues, events, metrics, leadership, namespace: namespace.into() };
        self.lasting.start("settings", reload.run());
    }

    /// Answers admission; `requests` are for that alone.
    fn answer_admission(&mut self, listener: TcpListener, certificate: Certificate, requests: Requests) {
        let Shared { clock, settings, .. } = self.shared.clone();
        let webhook = Webhook::new(clock, settings, self.permissions.clone(), requests);
        let (stop, stopping) = watch::channel(false);
        self.lasting.start(WEBHOOK, webhook::serve(listener, certificate.clone(), webhook.router(), stopping));
        self.webhook = Some((stop, certificate));
    }

    /// Serves probes and metrics.
    fn serve(&mut self, listener: TcpListener) {
        let Shared { clock, state, queues, requests, .. } = self.shared.clone();
        let health = Health {
            clock,
            state,
            queues,
            listed: self.listed.clone(),
            leadership: self.leadership.clone(),
            permissions: self.permissions.clone(),
            metrics: requests.metrics().clone(),
            dry_run: self.shared.dry_run,
            admissions: self.shared.admissions.clone(),
            certificate: self.webhook.as_ref().map(|(_, certificate)| certificate.clone()),
        };
        self.lasting.start("probes and metrics", admin::serve(listener, health));
    }

    /// Until this replica leads, what the watches queue is dropped: then all that there is is queued.
    fn wait_to_lead(&mut self) {
        let mut tasks = Tasks::default();
        for (name, queue) in
            [("HPAs of others", &self.shared.queues.hpas), ("statuses of others", &self.shared.queues.statuses)]
        {
            let queue = queue.clone();
            tasks.start(name, async move { while queue.next().await.is_some() {} });
        }
        (self.term, self.leads) = (tasks, false);
    }

    /// Starts what only the leader does. What earlier plans have left may be out of date: another replica may have led.
    fn lead(&mut self) {
        let (Shared { state, queues, readings, .. }, confirm) = (&self.shared, self.confirm.clone());
        readings.clear();
        for timers in [&queues.transitions, &queues.ends, &queues.status_transitions] {
            timers.clear();
        }
        queues.notify(state.begin_anew());
        // What was to end while nobody led comes first.
        for key in state.ended_by(self.shared.clock.now().instant()) {
            queues.hpas.add(&key, Priority::End);
        }
        let (hpa_deps, status_deps) = (self.shared.hpa_loop(confirm.clone()), self.shared.status_loop());
        let mut tasks = Tasks::default();
        tasks.start("HPA timers", hpa_loop::run_timers(hpa_deps.clone()));
        tasks.start("status timers", status_loop::run_timers(status_deps.clone()));
        tasks.start("HPA loop", after(self.listed.clone(), hpa_loop::run(hpa_deps)));
        tasks.start("status loop", after(self.listed.clone(), status_loop::run(status_deps)));
        tasks.start("reads ahead of ends", confirm.run_ahead());
        tasks.start("reads of scale targets", reached::run(self.shared.reached()));
        (self.term, self.leads) = (tasks, true);
    }

    /// Stops all that, at once: writes in flight are given up. The watches go on.
    async fn follow(&mut self) {
        tracing::warn!("leading no more: the Lease was not renewed in time, or another replica has taken it");
        std::mem::take(&mut self.term).stop().await;
        self.shared.events.clear();
        self.wait_to_lead();
    }

    /// Runs until `stop`, or until a task ends.
    ///
    /// # Errors
    /// Says which task ended, or that the API server has refused the credentials for minutes.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let outcome = self.run_until(stop).await;
        let webhook = self.webhook.take().filter(|_| outcome.is_ok());
        if let Some((stop, _)) = &webhook {
            stop.send_replace(true);
        }
        if let Err(error) = &outcome {
            tracing::error!(%error, "stopping");
        }
        let Self { shared: Shared { queues, events, .. }, listed, resign, mut lasting, mut term, leads, .. } = self;
        queues.close();
        listed.give_up();
        let limit = Instant::now() + STOP_WITHIN;
        if leads {
            term.finish(&LOOPS, limit).await;
        } else {
            // It is not to lead any more.
            resign.notify_one();
        }
        term.stop().await;
        events.close();
        lasting.finish(&["events"], limit).await;
        // Only now: nothing is written any more.
        resign.notify_one();
        lasting.finish(&[CANDIDATE], Instant::now() + RELEASE_WITHIN).await;
        if webhook.is_some() {
            lasting.finish(&[WEBHOOK], Instant::now() + WEBHOOK_WITHIN).await;
        }
        lasting.stop().await;
        outcome
    }

    async fn run_until(&mut self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        tokio::pin!(stop);
        loop {
            let (leadership, clock) = (self.leadership.clone(), self.shared.clock);
            let leads = self.leads;
            tokio::select! {
                () = &mut stop => return Ok(()),
                ended = self.lasting.first_to_end() => return Err(ended.into()),
                ended = self.term.first_to_end() => return Err(ended.into()),
                error = self.shared.requests.unauthorized() => return Err(error.into()),
                () = leadership.gained(clock), if !leads => {
                    std::mem::take(&mut self.term).stop().await;
                    self.lead();
                }
                () = leadership.lost(clock), if leads => self.follow().await,
            }
        }
    }
}

#[cfg(test)]
impl Controller {
    /// The tasks, for tests that kill them.
    pub fn tasks(&self) -> Vec<(&'static str, AbortHandle)> {
        [self.lasting.handles(), self.term.handles()].concat()
    }
}

/// The task, once both lists are complete.
async fn after(listed: Listed, task: impl Future<Output = ()>) {
    listed.complete().await;
    task.await;
}

/// Completes with the first SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}
