//! Wires the parts together and runs them until the process is asked to stop.

use std::{convert::Infallible, future, sync::Arc};

use anyhow::Context as _;
use futures::{FutureExt, Stream, StreamExt, future::Shared, stream};
use hpa_override_core::Settings;
use kube::{
    Client, Config,
    runtime::{
        applier,
        controller::{self, Action},
        reflector::{ObjectRef, store},
    },
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

use crate::{
    access_review::{self, Answers},
    args::Args,
    context::Context,
    error::Error,
    events,
    gather::Confirmation,
    known_objects::KnownObjects,
    object::{Kind, Object},
    reached::{self, Readings},
    reconcile, watch,
};

/// Reconciles of a kind at once.
const CONCURRENCY: u16 = 16;

/// Runs the controller until SIGTERM or SIGINT; reconciles in progress are finished.
///
/// # Errors
/// When the settings are not valid or no cluster is found.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let settings = args.settings()?;
    let config = Config::infer().await.context("failed to find a cluster; set KUBECONFIG or run inside one")?;
    let url = config.cluster_url.clone();
    let client = Client::try_from(config).context("failed to make a client for the cluster")?;
    tracing::info!(cluster = %url, namespace = args.namespace.as_deref().unwrap_or("all"), "starting");
    serve(client, settings, args.namespace, stop_signal()?.boxed().shared()).await;
    tracing::info!("stopped");
    Ok(())
}

/// Watches, loops and events, until `stop`.
async fn serve(client: Client, settings: Settings, namespace: Option<String>, stop: Shared<impl Future<Output = ()>>) {
    let (overrides, overrides_writer) = store();
    let (hpas, hpas_writer) = store();
    let (pending_events, to_publish) = unbounded_channel();
    let (status_queue, statuses) = unbounded_channel();
    let (hpa_queue, hpa_keys) = unbounded_channel();
    let (questions, to_ask) = unbounded_channel();
    let context = Arc::new(Context {
        client: client.clone(),
        settings,
        namespace,
        overrides: overrides.clone(),
        hpas: hpas.clone(),
        known_hpas: KnownObjects::default(),
        known_overrides: KnownObjects::default(),
        confirmation: Confirmation::default(),
        answers: Answers::default(),
        readings: Readings::default(),
        questions,
        pending_events,
        status_queue,
    });
    let watches = async {
        tokio::join!(
            watch::hpas(context.clone(), hpas_writer, hpa_queue.clone()),
            watch::overrides(context.clone(), overrides_writer, hpa_queue.clone()),
            access_review::serve(context.clone(), queued(to_ask), hpa_queue.clone()),
            reached::serve(context.clone()),
        )
    };
    // Neither loop begins before both stores are filled: an override that is not listed yet is not a deleted one.
    let both_filled = || {
        let (overrides, hpas) = (overrides.clone(), hpas.clone());
        async move { overrides.wait_until_ready().await.is_ok() && hpas.wait_until_ready().await.is_ok() }
    };
    let config = || controller::Config::default().concurrency(CONCURRENCY);
    let hpa_loop = applier(
        |hpa, context| Box::pin(reconcile::hpa(hpa, context)),
        |hpa, error, context| reconcile::hpa_failed(&hpa, error, &context),
        context.clone(),
        hpas.clone(),
        keys(hpa_keys, both_filled(), stop.clone()),
        config(),
    );
    let status_loop = applier(
        |ovr, context| Box::pin(reconcile::status(ovr, context)),
        |ovr, _, context| reconcile::status_failed(&ovr, &context),
        context.clone(),
        overrides.clone(),
        keys(statuses, both_filled(), stop.clone()),
        config(),
    );
    let publishing = tokio::spawn(events::publish(client, to_publish));
    tokio::select! {
        _ = watches => {}
        () = async { tokio::join!(hpa_loop.for_each(logged), status_loop.for_each(logged)); } => {}
        () = stopped_before(both_filled(), stop) => {}
    }
    // The last sender is dropped with the context; then every pending event is published.
    drop(context);
    if let Err(error) = publishing.await {
        tracing::warn!(%error, "failed to publish the last events");
    }
}

/// Completes where the stop comes before the stores are filled: the loops wait for them, without end where the API server
/// does not answer. Nothing is in progress then.
async fn stopped_before(filled: impl Future<Output = bool>, stop: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        _ = filled => future::pending().await,
        () = stop => {}
    }
}

/// The keys of a queue, from when both stores are filled until the process is asked to stop.
fn keys<K: Send + 'static>(
    queue: UnboundedReceiver<K>,
    ready: impl Future<Output = bool>,
    stop: Shared<impl Future<Output = ()>>,
) -> impl Stream<Item = Result<K, Infallible>> {
    ready.into_stream().flat_map(move |_| stream::empty()).chain(queued(queue)).map(Ok).take_until(stop)
}

/// The items of a queue.
fn queued<T>(queue: UnboundedReceiver<T>) -> impl Stream<Item = T> {
    stream::unfold(queue, |mut queue| async { queue.recv().await.map(|item| (item, queue)) })
}

type Reconciled<K> = Result<(ObjectRef<Object<K>>, Action), controller::Error<Error, Infallible>>;

/// Logs the result of a reconcile. An object that was deleted since it was queued is no error.
async fn logged<K: Kind>(result: Reconciled<K>) {
    match result {
        Ok((key, _)) => tracing::debug!(%key, "reconciled"),
        Err(controller::Error::ObjectNotFound(key)) => tracing::debug!(%key, "gone"),
        Err(controller::Error::ReconcilerFailed(error, key)) => {
            let error = anyhow::Error::from(error);
            tracing::warn!(%key, error = %format_args!("{error:#}"), "failed to reconcile");
        }
        Err(error) => tracing::error!(%error, "a loop failed"),
    }
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
