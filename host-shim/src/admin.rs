//! Serves probes and metrics, over HTTP, to whoever asks: nothing that is said there is secret, and nothing can be changed.
//!
//! `/healthz` and `/readyz` answer 200 or 503; with `?verbose` they say what was looked at, which a 503 always does.
//! `/metrics` is `OpenMetrics` text.

use std::{fmt::Write as _, net::SocketAddr, str::FromStr};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::health::{Check, Health};

/// Of the text format that `prometheus-client` writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where probes and metrics are served; none: nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminAddress(pub Option<SocketAddr>);

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        let address =
            text.parse().map_err(|_| "it is neither `none` nor an IP address and a port, like 0.0.0.0:8080")?;
        Ok(Self(Some(address)))
    }
}

/// Answers, for as long as the process runs.
pub async fn serve(listener: TcpListener, health: Health) {
    let router = Router::new()
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "failed to serve probes and metrics");
    }
}

async fn live(State(health): State<Health>, query: RawQuery) -> Response {
    probe("healthz", &health.live(), &query)
}

async fn ready(State(health): State<Health>, query: RawQuery) -> Response {
    probe("readyz", &health.ready(), &query)
}

async fn metrics(State(health): State<Health>) -> Response {
    match health.metrics.text(&health.snapshot()) {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// As the API server answers its own probes.
fn probe(name: &str, checks: &[Check], RawQuery(query): &RawQuery) -> Response {
    let is_good = checks.iter().all(|check| !check.counts || check.failure.is_none());
    let is_verbose = query.as_deref().is_some_and(|query| query.split('&').any(|word| word.starts_with("verbose")));
    if is_good && !is_verbose {
        return "ok".into_response();
    }
    let status = if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, report(name, checks, is_good)).into_response()
}

fn report(name: &str, checks: &[Check], is_good: bool) -> String {
    let mut text = String::new();
    for Check { name, failure, counts } in checks {
        // Writing into a String does not fail.
        let _never = match failure {
            None => writeln!(text, "[+]{name} ok"),
            Some(failure) if *counts => writeln!(text, "[-]{name} failed: {failure}"),
            Some(failure) => writeln!(text, "[-]{name} failed, which does not count: {failure}"),
        };
    }
    let _never = writeln!(text, "{name} check {}", if is_good { "passed" } else { "failed" });
    text
}
