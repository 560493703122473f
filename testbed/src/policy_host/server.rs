//! HTTPS around `review`: a thread with a runtime of its own, so that it neither needs nor disturbs the caller's.
//!
//! HTTP/1.1 and TLS with its own certificate. Whatever a client sends, the answer is policy-server's: 404 for an
//! unknown policy, 400 for what is no review.

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::Policies;
use crate::certs::ServerCertificate;
use crate::engine::TIME_LIMIT;
use crate::review::{AdmissionResponse, ReviewRequest, ReviewResponse, review};

/// A running server; dropping it closes the port and every connection.
#[derive(Debug)]
pub(super) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(port: u16, certificate: &ServerCertificate, policies: Arc<Policies>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = listener.with_context(|| format!("failed to listen on 127.0.0.1:{port}"))?;
        listener.set_nonblocking(true).context("failed to set up the listener")?;
        let acceptor = certificate.acceptor()?;
        let runtime = Runtime::new().context("failed to start a runtime")?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("testbed-policies".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    // Ends only where the listener is broken, and then clients notice.
                    _ = accept(listener, acceptor, policies) => {}
                }
            });
            // Not a plain drop, which would wait for guests without bound.
            runtime.shutdown_timeout(TIME_LIMIT);
        });
        Ok(Self { stop: Some(stop), thread: Some(thread.context("failed to start a thread")?) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, policies: Arc<Policies>) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(converse(socket, acceptor.clone(), Arc::clone(&policies)));
    }
}

/// One connection. A client that goes away or speaks no TLS is its own concern.
async fn converse(socket: TcpStream, acceptor: TlsAcceptor, policies: Arc<Policies>) {
    let Ok(stream) = acceptor.accept(socket).await else { return };
    let service = service_fn(|request| answer(Arc::clone(&policies), request));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(policies: Arc<Policies>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let name = request.uri().path().strip_prefix("/validate/").map(str::to_owned);
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Ok(failure(StatusCode::BAD_REQUEST, &error.to_string())),
    };
    // Guests block; a slow one must not hold up other requests.
    let done = tokio::task::spawn_blocking(move || policies.answer(name.as_deref().unwrap_or_default(), &body)).await;
    Ok(done.unwrap_or_else(|error| failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())))
}

impl Policies {
    fn answer(&self, name: &str, body: &[u8]) -> Response<Full<Bytes>> {
        let Some(policy) = self.by_name.get(name) else {
            return failure(StatusCode::NOT_FOUND, &format!("unknown policy: {name}"));
        };
        policy.calls.fetch_add(1, Ordering::SeqCst);
        let request = match serde_json::from_slice::<ReviewRequest>(body) {
            Ok(review) => review.request,
            Err(error) => return failure(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        if self.always_accept_namespace.is_some() && self.always_accept_namespace.as_deref() == request.namespace() {
            return success(AdmissionResponse::accept(request.uid()));
        }
        match review(&self.module, &policy.config, &request) {
            Ok(response) => success(response),
            Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong"),
        }
    }
}

fn success(response: AdmissionResponse) -> Response<Full<Bytes>> {
    json_response(StatusCode::OK, &json!(ReviewResponse::from(response)))
}

fn failure(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    json_response(status, &json!({"message": message, "status": status.as_u16()}))
}

fn json_response(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
