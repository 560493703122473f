//! HTTP around `review`. Whatever a client sends, the answer is policy-server's: 404 for an unknown policy, 400 for what
//! is no review.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::Policies;
use crate::review::{request, review};

type Answer = Response<Full<Bytes>>;

/// One connection. A client that goes away or speaks no TLS is its own concern.
pub(super) async fn converse(socket: TcpStream, acceptor: TlsAcceptor, policies: Arc<Policies>) {
    let Ok(stream) = acceptor.accept(socket).await else { return };
    let service = service_fn(|request| answer(Arc::clone(&policies), request));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(policies: Arc<Policies>, request: Request<Incoming>) -> hyper::Result<Answer> {
    let name = request.uri().path().strip_prefix("/validate/").unwrap_or_default().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    // Guests block; a slow one must not hold up other requests.
    let done = tokio::task::spawn_blocking(move || policies.answer(&name, &body)).await;
    Ok(done.unwrap_or_else(|error| failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())))
}

impl Policies {
    fn answer(&self, name: &str, body: &[u8]) -> Answer {
        let Some(policy) = self.by_name.get(name) else {
            return failure(StatusCode::NOT_FOUND, &format!("unknown policy: {name}"));
        };
        policy.calls.fetch_add(1, Ordering::SeqCst);
        let Some(request) = request(body) else { return failure(StatusCode::BAD_REQUEST, "not an AdmissionReview") };
        let namespace = request.get("namespace").and_then(Value::as_str);
        let response = if namespace.is_some() && namespace == self.always_accept.as_deref() {
            Ok(json!({"uid": request.get("uid"), "allowed": true}))
        } else {
            review(&self.module, &policy.config, &request)
        };
        response.map_or_else(
            |_| failure(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong"),
            |response| {
                let kind = "AdmissionReview";
                let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": kind, "response": response});
                answer_with(StatusCode::OK, &review)
            },
        )
    }
}

fn failure(status: StatusCode, message: &str) -> Answer {
    answer_with(status, &json!({"message": message, "status": status.as_u16()}))
}

fn answer_with(status: StatusCode, body: &Value) -> Answer {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
