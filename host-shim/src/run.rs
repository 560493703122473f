//! Wires the rooms together and supervises them until the process is asked to stop. The only file that knows them all.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::FutureExt as _;
use hpa_override_core::Settings;
use kube::Config;
#[cfg(test)]
use tokio::task::AbortHandle;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Notify, watch},
    time::Instant,
};

use crate::{
    access_review::{self, Answers},
    args::Args,
    clock::Clock,
    confirm::Confirm,
    events::Events,
    hpa_loop,
    leader::{Candidate, LeaseName},
    leadership::Leadership,
    list_watch::{Resource, list_and_watch},
    object::{HPA, Kind, OVERRIDE},
    queues::Queues,
    reached::{self, Readings},
    request::{Requests, connect},
    state::State,
    status_loop,
    tasks::Tasks,
    watch::{Hpas, Overrides},
};

/// How long writes in flight may take after the process was asked to stop, or after a task has failed.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How long to give the Lease back may take.
const RELEASE_WITHIN: Duration = Duration::from_secs(5);
/// The task that holds the Lease.
const CANDIDATE: &str = "leader election";
/// What writes; events follow from it.
const LOOPS: [&str; 2] = ["HPA loop", "status loop"];

/// Runs the controller until SIGTERM or SIGINT; writes in flight are finished, within ten seconds.
///
/// # Errors
/// When the settings are not valid, no cluster is found, or a task of the controller ends.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let settings = args.settings()?;
    // First of all: a signal that comes before it ends the process amid a write.
    let stop = stop_signal()?;
    let config = Config::infer().await.context("failed to find a cluster; set KUBECONFIG or run inside one")?;
    tracing::info!(cluster = %config.cluster_url, namespace = args.namespace.as_deref().unwrap_or("all"), "starting");
    let namespace = config.default_namespace.clone();
    let clock = Clock::System { offset: args.clock_offset };
    let most_per_second = args.max_requests_per_second.get();
    let client = || connect(config.clone()).context("failed to make a client for the cluster");
    let requests = Requests::new(client()?, clock, most_per_second);
    let apart = || anyhow::Ok(requests.apart(client()?, most_per_second));
    let lease = args.lease(&namespace).map(|lease| anyhow::Ok((lease, apart()?))).transpose()?;
    let access = Access { confirming: apart()?, requests, lease };
    Controller::start(access, settings, args.namespace.as_deref(), clock).run(stop).await?;
    tracing::info!("stopped");
    Ok(())
}

/// What the tasks share; each gets what it needs of it.
#[derive(Clone)]
struct Shared {
    clock: Clock,
    settings: Arc<Settings>,
    state: Arc<State>,
    queues: Queues,
    requests: Requests,
    answers: Arc<Answers>,
    readings: Arc<Readings>,
    events: Events,
}

impl Shared {
    fn hpa_loop(&self, confirm: Confirm) -> hpa_loop::Deps {
        let Self { clock, settings, state, queues, requests, answers, readings: _, events } = self.clone();
        hpa_loop::Deps { clock, settings, state, queues, requests, confirm, answers, events }
    }

    fn status_loop(&self) -> status_loop::Deps {
        let Self { clock, settings, state, queues, requests, answers, readings, events } = self.clone();
        status_loop::Deps { clock, settings, state, queues, requests, answers, readings, events }
    }

    fn reached(&self) -> reached::Deps {
        let Self { clock, settings: _, state, queues, requests, answers: _, readings, events: _ } = self.clone();
        reached::Deps { clock, state, queues, readings, requests }
    }

    fn hpas(&self, is_listed: watch::Sender<bool>) -> Hpas {
        Hpas::new(self.state.clone(), self.queues.clone(), self.readings.clone(), self.clock, is_listed)
    }

    fn overrides(&self, is_listed: watch::Sender<bool>) -> Overrides {
        let Self { clock, settings, state, queues, requests: _, answers, readings: _, events: _ } = self.clone();
        Overrides::new(state, queues, answers, settings, clock, is_listed)
    }
}

/// The running parts.
pub struct Controller {
    shared: Shared,
    confirm: Confirm,
    leadership: Leadership,
    /// Tells the candidate to give the Lease back.
    resign: Arc<Notify>,
    /// Whether all HPAs, and all overrides, are listed.
    listed: [watch::Sender<bool>; 2],
    /// What runs as long as the process.
    lasting: Tasks,
    /// What runs while this replica leads, or while it does not.
    term: Tasks,
    leads: bool,
}

/// How the controller reaches the API server, and whether it may write.
pub struct Access {
    /// For all but what follows.
    pub requests: Requests,
    /// For the reads that a burst of writes must not delay.
    pub confirming: Requests,
    /// The Lease to hold, and requests that nothing else delays; none: this is the only replica.
    pub lease: Option<(LeaseName, Requests)>,
}

impl Controller {
    /// Starts the watches, and everything else as soon as this replica leads. The two loops begin when both lists are
    /// complete: an override that is not listed yet is not a deleted one.
    pub fn start(access: Access, settings: Settings, namespace: Option<&str>, clock: Clock) -> Self {
        let Access { requests, confirming, lease } = access;
        let leadership = if lease.is_some() { Leadership::candidate() } else { Leadership::alone() };
        let requests = requests.led_by(leadership.clone());
        let ((answers, questions), listed) = (Answers::new(), [(); 2].map(|()| watch::Sender::new(false)));
        let shared = Shared {
            clock,
            settings: Arc::new(settings),
            state: Arc::default(),
            queues: Queues::default(),
            requests,
            answers: Arc::new(answers),
            readings: Arc::default(),
            events: Events::default(),
        };
        let Shared { state, queues, requests, answers, events, .. } = shared.clone();
        let [hpas_listed, overrides_listed] = listed.clone();
        let (hpas, overrides) = (shared.hpas(hpas_listed), shared.overrides(overrides_listed));
        let served = namespace.map(Into::into);
        let confirm = Confirm::new(confirming, overrides.clone(), state, queues.clone(), clock, served);
        let resource = |kind: Kind| Resource { path: kind.path(namespace), plural: kind.plural };
        let (mut lasting, resign) = (Tasks::default(), Arc::new(Notify::new()));
        lasting.start("watch of HPAs", list_and_watch(requests.clone(), resource(HPA), hpas, clock).map(drop));
        lasting.start(
            "watch of overrides",
            list_and_watch(requests.clone(), resource(OVERRIDE), overrides, clock).map(drop),
        );
        lasting.start("access reviews", access_review::run(answers, questions, requests.clone(), queues, clock));
        lasting.start("events", events.run(requests, clock));
        if let Some((lease, requests)) = lease {
            let candidate = Candidate::new(requests, lease, clock, leadership.clone());
            lasting.start(CANDIDATE, candidate.run_until(resign.clone()));
        }
        let mut controller =
            Self { shared, confirm, leadership, resign, listed, lasting, term: Tasks::default(), leads: false };
        if controller.leadership.is_held(clock.now().steady()) {
            controller.lead();
        } else {
            controller.wait_to_lead();
        }
        controller
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
        queues.notify(state.begin_anew());
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
        if let Err(error) = &outcome {
            tracing::error!(%error, "stopping");
        }
        let Self { shared: Shared { queues, events, .. }, listed, resign, mut lasting, mut term, leads, .. } = self;
        queues.close();
        for listed in &listed {
            listed.send_replace(true);
        }
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
async fn after(listed: [watch::Sender<bool>; 2], task: impl Future<Output = ()>) {
    for listed in listed {
        let mut changes = listed.subscribe();
        // The sender lives as long as this function.
        let _is_listed = changes.wait_for(|is_listed| *is_listed).await;
    }
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
