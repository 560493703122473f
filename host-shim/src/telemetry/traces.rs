//! Traces by OpenTelemetry, sent by OTLP over HTTP to where the standard variables of the environment say.

use std::env::{self, VarError};

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// Where traces go; without either there are none.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// Traces under way. Dropping them sends what is left, for some seconds at most.
pub struct Traces(SdkTracerProvider);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// A layer that makes traces of our own spans; none where nobody asks for them.
pub fn start<S>() -> anyhow::Result<Option<(impl Layer<S>, Traces)>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    if ENDPOINTS.iter().all(|name| env::var(name) == Err(VarError::NotPresent)) {
        return Ok(None);
    }
    let exporter = SpanExporter::builder().with_http().build().context("failed to set up OpenTelemetry traces")?;
    let service = env::var(SERVICE_NAME).unwrap_or_else(|_| "hpa-override".into());
    let resource = Resource::builder().with_service_name(service).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer(env!("CARGO_PKG_NAME")));
    let is_ours = filter_fn(|metadata| metadata.target().starts_with(env!("CARGO_CRATE_NAME")));
    Ok(Some((layer.with_filter(is_ours), Traces(provider))))
}
