//! The watches: they fill the stores and queue the objects to be reconciled.

use std::{future, sync::Arc, time::Duration};

use backon::ExponentialBuilder;
use futures::{Stream, StreamExt};
use hpa_override_core::{ParsedOverride, Question};
use hpa_override_plan::concerns;
use kube::{
    Api,
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, store::Writer},
        watcher::{self, Event, ExponentialBackoff, watcher},
    },
};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    context::{Context, Moment},
    error::watch_message,
    object::{Hpa, Kind, Object, Override},
    reconcile::targets_of,
};

/// A watch that stalls without closing is noticed within a minute: the client gives up five seconds after this.
const WATCH_TIMEOUT: u32 = 50;

/// Watches HPAs until the stream ends.
pub async fn hpas(context: Arc<Context>, writer: Writer<Hpa>, queue: UnboundedSender<ObjectRef<Hpa>>) {
    watched(context.served(), writer)
        .for_each(|event| {
            match &event {
                Event::Delete(hpa) => {
                    context.known_hpas.forget(hpa);
                    notify_targeting(&context, hpa);
                }
                Event::Apply(hpa) => {
                    send(&queue, hpa.key());
                    notify_targeting(&context, hpa);
                }
                Event::InitDone => queue_all(&context, &queue),
                Event::Init | Event::InitApply(_) => {}
            }
            future::ready(())
        })
        .await;
}

/// Watches overrides until the stream ends.
pub async fn overrides(context: Arc<Context>, writer: Writer<Override>, queue: UnboundedSender<ObjectRef<Hpa>>) {
    watched(context.served(), writer)
        .for_each(|event| {
            match &event {
                Event::Delete(ovr) => {
                    context.known_overrides.forget(ovr);
                    context.readings.forget(ovr);
                    notify_siblings(&context, ovr, &queue);
                }
                Event::Apply(ovr) => {
                    forget_answer(&context, ovr);
                    send(&context.status_queue, ovr.key());
                    notify_siblings(&context, ovr, &queue);
                }
                Event::InitDone => {
                    context.readings.keep_only(&context.overrides.state());
                    queue_all(&context, &queue);
                }
                Event::Init | Event::InitApply(_) => {}
            }
            future::ready(())
        })
        .await;
}

/// Watch events, after the store has applied them. Failures are logged and retried with backoff.
fn watched<K: Kind>(api: Api<Object<K>>, writer: Writer<Object<K>>) -> impl Stream<Item = Event<Object<K>>> {
    let config = watcher::Config::default().timeout(WATCH_TIMEOUT);
    watcher(api, config).backoff(retry_backoff()).reflect(writer).filter_map(|event| {
        future::ready(
            event
                .inspect_err(|error| tracing::warn!(error = %watch_message(error), "failed to watch {}", K::PLURAL))
                .ok(),
        )
    })
}

/// Short, so that the watch is back soon after an outage.
fn retry_backoff() -> ExponentialBackoff {
    let builder = ExponentialBuilder::default().with_min_delay(Duration::from_millis(500));
    builder.with_max_delay(Duration::from_secs(5)).with_jitter().without_max_times().into()
}

/// Queues the status of every override that an HPA may concern.
pub fn notify_targeting(context: &Context, hpa: &Hpa) {
    let now = Moment::now().instant();
    for ovr in context.overrides.state() {
        if concerns(&ParsedOverride::parse(ovr.json(), now), hpa.namespace(), hpa.name()) {
            send(&context.status_queue, ovr.key());
        }
    }
}

/// Queues the HPAs that an override targets, and the status of every other override of them.
fn notify_siblings(context: &Context, ovr: &Override, queue: &UnboundedSender<ObjectRef<Hpa>>) {
    for hpa in targets_of(context, &ParsedOverride::parse(ovr.json(), Moment::now().instant())) {
        notify_targeting(context, &hpa);
        send(queue, hpa.key());
    }
}

/// A changed override is checked anew: what was answered before may be about another right.
fn forget_answer(context: &Context, ovr: &Override) {
    let parsed = ParsedOverride::parse(ovr.json(), Moment::now().instant());
    if let Some(question) = Question::about(&parsed, &context.settings) {
        context.answers.forget(&question);
    }
}

/// Queues the overrides that a question is about, and their HPAs.
pub fn notify_about(context: &Context, question: &Question, queue: &UnboundedSender<ObjectRef<Hpa>>) {
    let now = Moment::now().instant();
    for ovr in context.overrides.state() {
        let parsed = ParsedOverride::parse(ovr.json(), now);
        if Question::about(&parsed, &context.settings).as_ref() == Some(question) {
            send(&context.status_queue, ovr.key());
            notify_siblings(context, &ovr, queue);
        }
    }
}

/// Queues everything after a fresh list: what was deleted meanwhile shows only by its absence.
fn queue_all(context: &Context, queue: &UnboundedSender<ObjectRef<Hpa>>) {
    for hpa in context.hpas.state() {
        send(queue, hpa.key());
    }
    for ovr in context.overrides.state() {
        send(&context.status_queue, ovr.key());
    }
}

/// A closed queue means that the controller is stopping.
fn send<T>(queue: &UnboundedSender<T>, item: T) {
    let _stopping = queue.send(item);
}
