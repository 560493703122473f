//! A reverse proxy between the controller and the API server, that stops the controller at any of its writes, or stalls
//! its watches.
//!
//! ```text
//!   controller ──TLS──► proxy ──TLS──► kube-apiserver
//!                         │ at the n-th write to an HPA: reports, and answers nothing more
//!                         ▼
//!                       test, which kills the controller
//! ```
//!
//! Requests and answers go through as they are, watches while they come; an API server that is away looks away through
//! it too. It counts the writes of one namespace, so that what others do does not move the point of the stop. Answers
//! that are stalled stay open, and nothing more comes of them. It never makes up an answer.

mod fault_point;
mod held;

use std::future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::config::{Cluster, Kubeconfig};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub use self::fault_point::Stop;
use self::fault_point::{FaultPoint, Handling};
use self::held::Held;
use crate::certs::{self, ServerCertificate};
use crate::ports::Port;
use crate::server::Server;

/// A running proxy. Dropping it closes all connections.
#[derive(Debug)]
pub struct Proxy {
    _server: Server,
    fault_point: Arc<FaultPoint>,
    certificate: ServerCertificate,
    port: Port,
}

/// What every connection needs.
struct Route {
    front: TlsAcceptor,
    back: TlsConnector,
    api_port: u16,
    fault_point: Arc<FaultPoint>,
}

impl Proxy {
    /// Starts a proxy in front of the API server on that port, whose certificate is `ca_pem`.
    pub(crate) fn start(api_port: u16, ca_pem: &str) -> Result<Self> {
        let (fault_point, port) = (Arc::new(FaultPoint::default()), Port::reserve()?);
        let certificate = certs::server_certificate(&[])?;
        let (front, back) = (certificate.acceptor()?, certs::connector(ca_pem)?);
        let route = Arc::new(Route { front, back, api_port, fault_point: Arc::clone(&fault_point) });
        // One connection to the API server for each of the controller's. Whichever side goes away, both end; to the other
        // side it looks as without a proxy.
        let converse = move |socket| {
            let route = Arc::clone(&route);
            async move { drop(converse(socket, &route).await) }
        };
        let server = Server::start(port.number(), Duration::ZERO, converse)?;
        Ok(Self { _server: server, fault_point, certificate, port })
    }

    /// The same kubeconfig, but through the proxy.
    pub(crate) fn redirect(&self, mut kubeconfig: Kubeconfig) -> Result<Kubeconfig> {
        let cluster = kubeconfig.clusters.first_mut().context("the kubeconfig names no cluster")?;
        cluster.cluster = Some(Cluster {
            server: Some(format!("https://127.0.0.1:{}", self.port.number())),
            certificate_authority_data: Some(STANDARD.encode(&self.certificate.cert)),
            ..Cluster::default()
        });
        Ok(kubeconfig)
    }

    /// Counts the writes (patches) to HPAs of that namespace from now on, and stops at the one named, if one is.
    /// Whatever was held before stays without an answer.
    pub fn watch_writes(&self, namespace: &str, stop: Option<Stop>) {
        self.fault_point.watch_writes(namespace, stop);
    }

    /// The writes that arrived since [`watch_writes`](Self::watch_writes).
    #[must_use]
    pub fn writes(&self) -> u32 {
        self.fault_point.writes()
    }

    /// Completes when the stop is reached; from then on every request is held, none is forwarded or answered.
    pub async fn stopped(&self) {
        self.fault_point.stopped().await;
    }

    /// Forwards again what arrives from now on, and does not stop any more.
    pub fn resume(&self) {
        self.fault_point.resume();
    }

    /// Answers no question about rights (`SubjectAccessReview`) that arrives from now on, as an authorization webhook that
    /// hangs does; or forwards them again.
    pub fn mute_access_reviews(&self, mute: bool) {
        self.fault_point.mute_access_reviews(mute);
    }

    /// Stalls the watches under way, as a network does that loses packets: they stay open, and nothing comes any more,
    /// not even their end. Whatever is asked from now on, watches included, is forwarded as ever.
    pub fn stall_watches(&self) {
        self.fault_point.stall();
    }
}

/// One connection of the controller, with its counterpart.
async fn converse(socket: TcpStream, route: &Route) -> Result<()> {
    let front = route.front.accept(socket).await?;
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, route.api_port)).await?;
    let back = route.back.connect(ServerName::try_from("127.0.0.1")?, socket).await?;
    let (sender, carrier) = handshake(TokioIo::new(back)).await?;
    let sender = Mutex::new(sender);
    let service = service_fn(|request| forward(&route.fault_point, &sender, request));
    tokio::select! {
        served = http1::Builder::new().serve_connection(TokioIo::new(front), service) => served?,
        passed_on = carrier => passed_on?,
    }
    Ok(())
}

/// Bodies are passed on as they come, never collected.
async fn forward(
    fault_point: &Arc<FaultPoint>,
    sender: &Mutex<SendRequest<Incoming>>,
    request: Request<Incoming>,
) -> hyper::Result<Response<Held>> {
    match fault_point.handling(request.method(), request.uri().path()) {
        Handling::Forward => {
            let answer = sender.lock().await.send_request(request).await?;
            Ok(answer.map(|body| Held::new(body, fault_point)))
        }
        Handling::ForwardAndHold => {
            let answer = sender.lock().await.send_request(request).await;
            fault_point.reached();
            // Not dropped: it must not look like an answer that was given up.
            let _withheld = answer;
            future::pending().await
        }
        Handling::Hold => future::pending().await,
    }
}
