//! The log, and traces where they are built in and asked for. `RUST_LOG` sets what is logged, default [`FILTER`].
//!
//! Spans are for traces alone: a line of the log says by itself what it is about, and without traces a span costs nothing.

#[cfg(not(feature = "otel"))]
mod no_traces;
#[cfg(feature = "otel")]
mod traces;

use std::io::{IsTerminal as _, stderr};

use clap::ValueEnum;
use hpa_override_core::Id;
use tracing::{Span, field::Empty, info_span};
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    filter::{FilterExt as _, filter_fn},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

#[cfg(not(feature = "otel"))]
use self::no_traces as traces;
pub use self::traces::Traces;
use crate::metrics::Loop;

/// What is logged. kube writes an error for each request that fails, also where we say it ourselves, and less often.
pub const FILTER: &str = "info,kube_client::client::builder=off";

/// Format of the log.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log, and traces: dropped at the end, they send what is left.
///
/// # Errors
/// When traces cannot be sent as the environment asks.
pub fn init(format: LogFormat) -> anyhow::Result<Option<Traces>> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let log = fmt::layer::<Registry>().with_writer(stderr).with_ansi(stderr().is_terminal());
    let log = match format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is one of a lifetime")]
    let events = filter_fn(|metadata| metadata.is_event());
    let registry = tracing_subscriber::registry().with(log.with_filter(filter.and(events)));
    let (layer, traces) = traces::start()?.unzip();
    registry.with(layer).init();
    Ok(traces)
}

/// One reconcile of an object. Its `outcome` is recorded at its end.
pub fn reconcile(of: Loop, key: &Id) -> Span {
    info_span!("reconcile", r#loop = of.as_str(), namespace = key.namespace, name = key.name, outcome = Empty)
}

/// A request, by the names that OpenTelemetry gives to what is known of one. Its status is recorded with the answer.
pub fn request<B>(request: &http::Request<B>) -> Span {
    info_span!(
        "request",
        otel.kind = "client",
        http.request.method = request.method().as_str(),
        url.path = request.uri().path(),
        http.response.status_code = Empty,
    )
}
