//! Traces, sent to a collector that the test plays.

#![cfg(feature = "otel")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, http::Uri};
use hpa_override_testbed::{Child, Signal};
use serde_json::json;
use support::*;
use tokio::net::TcpListener;

#[tokio::test]
async fn a_reconcile_and_its_requests_are_traced() {
    let world = for_ever(support::world(false, json!({})));
    world.kill_controller().unwrap();
    let received = Arc::new(Mutex::new(Vec::<(String, Bytes)>::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = Router::new().fallback({
        let received = received.clone();
        async move |uri: Uri, body: Bytes| received.lock().unwrap().push((uri.path().to_owned(), body))
    });
    tokio::spawn(async { axum::serve(listener, collector).await });

    let (ns, _) = with_hpa(world, "traced").await;
    let mut command = world.controller_command().unwrap();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    let mut controller = Child::spawn(command, &world.plane().folder().join("traced.log")).unwrap();
    ns.create("ovr", for_an_hour()).await;
    ns.wait_overridden(10, 20).await;
    ns.wait_phase("ovr", "Active").await;
    controller.signal(Signal::SIGTERM).unwrap();
    // It waits for the collector, which runs on this thread, too.
    let (status, log) =
        tokio::task::spawn_blocking(move || (controller.wait(LIMIT).unwrap(), controller.log())).await.unwrap();
    assert!(status.success(), "{log}");

    let received = received.lock().unwrap();
    assert!(!received.is_empty() && received.iter().all(|(path, _)| path == "/v1/traces"), "{log}");
    let text: String = received.iter().map(|(_, body)| String::from_utf8_lossy(body).into_owned()).collect();
    for part in [
        "hpa-override",
        "reconcile",
        "outcome",
        "written",
        "traced",
        "http.request.method",
        "PATCH",
        "http.response.status_code",
    ] {
        assert!(text.contains(part), "{part} is missing\n{log}");
    }
    assert!(!log.contains("reconcile{"), "spans are no part of the log:\n{log}");
}
