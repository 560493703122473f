//! Wires the rooms together and supervises them until the process is asked to stop. The only file that knows them all.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::FutureExt as _;
use hpa_override_core::Settings;
use kube::Config;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::Instant,
};

use crate::{
    access_review::{self, Answers},
    args::Args,
    clock::Clock,
    confirm::Confirm,
    events::Events,
    hpa_loop,
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
    let clock = Clock::System { offset: args.clock_offset };
    let most_per_second = args.max_requests_per_second.get();
    let client = || connect(config.clone()).context("failed to make a client for the cluster");
    let requests = Requests::new(client()?, clock, most_per_second);
    let confirming = requests.apart(client()?, most_per_second);
    Controller::start(requests, confirming, settings, args.namespace.as_deref(), clock).run(stop).await?;
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
    queues: Queues,
    events: Events,
    requests: Requests,
    tasks: Tasks,
    /// Whether all HPAs, and all overrides, are listed.
    listed: [watch::Sender<bool>; 2],
}

impl Controller {
    /// Starts all tasks. The two loops begin when both lists are complete: an override that is not listed yet is not a deleted
    /// one. `confirming` is for the reads that a burst of writes must not delay.
    pub fn start(
        requests: Requests,
        confirming: Requests,
        settings: Settings,
        namespace: Option<&str>,
        clock: Clock,
    ) -> Self {
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
        let (hpa_deps, status_deps) = (shared.hpa_loop(confirm.clone()), shared.status_loop());
        let resource = |kind: Kind| Resource { path: kind.path(namespace), plural: kind.plural };
        let mut tasks = Tasks::default();
        tasks.start("watch of HPAs", list_and_watch(requests.clone(), resource(HPA), hpas, clock).map(drop));
        tasks.start(
            "watch of overrides",
            list_and_watch(requests.clone(), resource(OVERRIDE), overrides, clock).map(drop),
        );
        tasks.start("HPA timers", hpa_loop::run_timers(hpa_deps.clone()));
        tasks.start("status timers", status_loop::run_timers(status_deps.clone()));
        tasks.start("HPA loop", after(listed.clone(), hpa_loop::run(hpa_deps)));
        tasks.start("status loop", after(listed.clone(), status_loop::run(status_deps)));
        tasks.start("reads ahead of ends", confirm.run_ahead());
        tasks.start("access reviews", access_review::run(answers, questions, requests.clone(), queues.clone(), clock));
        tasks.start("reads of scale targets", reached::run(shared.reached()));
        tasks.start("events", events.clone().run(requests.clone(), clock));
        Self { queues, events, requests, tasks, listed }
    }

    /// Runs until `stop`, or until a task ends.
    ///
    /// # Errors
    /// Says which task ended, or that the API server has refused the credentials for minutes.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let outcome = tokio::select! {
            () = stop => Ok(()),
            ended = self.tasks.first_to_end() => Err(ended.into()),
            error = self.requests.unauthorized() => Err(error.into()),
        };
        if let Err(error) = &outcome {
            tracing::error!(%error, "stopping");
        }
        self.queues.close();
        for listed in &self.listed {
            listed.send_replace(true);
        }
        let limit = Instant::now() + STOP_WITHIN;
        self.tasks.finish(&LOOPS, limit).await;
        self.events.close();
        self.tasks.finish(&["events"], limit).await;
        self.tasks.stop().await;
        outcome
    }
}

#[cfg(test)]
impl Controller {
    /// The tasks, for tests that kill them.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
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
