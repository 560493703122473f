//! A reverse proxy between the controller and the API server, that stops the controller at any of its writes, cuts it off,
//! stalls its watches, or lets go wrong what may go wrong on the way.
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
//! that are stalled stay open, and nothing more comes of them. Only where faults are asked for it makes up answers.

mod answer;
mod fault_point;
mod held;
mod random_faults;

use std::collections::{BTreeMap, HashMap};
use std::future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::config::{Cluster, Kubeconfig};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::sleep;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use self::answer::{Answer, as_sent, refusal, slowed, spoilt};
pub use self::fault_point::Stop;
use self::fault_point::{FaultPoint, Handling};
use self::held::Held;
use self::random_faults::{Fault, Kind, RandomFaults};
use crate::certs::{self, ServerCertificate};
use crate::ports::Port;
use crate::server::Server;

/// A running proxy. Dropping it closes all connections.
#[derive(Debug)]
pub struct Proxy {
    _server: Server,
    fault_point: Arc<FaultPoint>,
    faults: Arc<RandomFaults>,
    certificate: ServerCertificate,
    port: Port,
}

/// What every connection needs.
struct Route {
    front: TlsAcceptor,
    back: TlsConnector,
    api_port: u16,
    fault_point: Arc<FaultPoint>,
    faults: Arc<RandomFaults>,
    /// The last answer to a list, by what was asked for, where faults are asked for.
    lists: Mutex<HashMap<String, Response<Bytes>>>,
}

impl Proxy {
    /// Starts a proxy in front of the API server on that port, whose certificate is `ca_pem`.
    pub(crate) fn start(api_port: u16, ca_pem: &str) -> Result<Self> {
        let (fault_point, faults, port) = (Arc::default(), Arc::default(), Port::reserve()?);
        let certificate = certs::server_certificate(&[])?;
        let (front, back) = (certificate.acceptor()?, certs::connector(ca_pem)?);
        let (points, random) = (Arc::clone(&fault_point), Arc::clone(&faults));
        let lists = Mutex::default();
        let route = Arc::new(Route { front, back, api_port, fault_point: points, faults: random, lists });
        // One connection to the API server for each of the controller's. Whichever side goes away, both end; to the other
        // side it looks as without a proxy.
        let converse = move |socket| {
            let route = Arc::clone(&route);
            async move { drop(converse(socket, &route).await) }
        };
        let server = Server::start(port.number(), Duration::ZERO, converse)?;
        Ok(Self { _server: server, fault_point, faults, certificate, port })
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

    /// From now on nothing is answered, and nothing more comes of what has been: as a network that loses every packet.
    pub fn cut_off(&self) {
        self.fault_point.reached();
        self.fault_point.stall();
    }

    /// From now on requests meet faults, drawn from this seed: late, refused, done without an answer, slow; old lists; watches
    /// that are cut, stalled, or end in what is no event.
    pub fn begin_faults(&self, seed: u64) {
        self.faults.begin(seed);
    }

    /// No more faults come; those of watches under way still do. How many requests met which.
    #[must_use]
    pub fn end_faults(&self) -> BTreeMap<String, u32> {
        self.faults.end()
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
    let service = service_fn(|request| forward(route, &sender, request));
    tokio::select! {
        served = http1::Builder::new().serve_connection(TokioIo::new(front), service) => served?,
        passed_on = carrier => passed_on?,
    }
    Ok(())
}

/// Bodies are passed on as they come, never collected, but for lists where faults are asked for.
async fn forward(
    route: &Route,
    sender: &Mutex<SendRequest<Incoming>>,
    request: Request<Incoming>,
) -> hyper::Result<Answer> {
    match route.fault_point.handling(request.method(), request.uri().path()) {
        Handling::Forward => forward_at_random(route, sender, request).await,
        Handling::ForwardAndHold => {
            let answer = sender.lock().await.send_request(request).await;
            route.fault_point.reached();
            // Not dropped: it must not look like an answer that was given up.
            let _withheld = answer;
            future::pending().await
        }
        Handling::Hold => future::pending().await,
    }
}

async fn forward_at_random(
    route: &Route,
    sender: &Mutex<SendRequest<Incoming>>,
    request: Request<Incoming>,
) -> hyper::Result<Answer> {
    let Some((kind, fault)) = route.faults.next(&request) else { return send(route, sender, request).await };
    match fault {
        Some(Fault::Refused(status)) => return Ok(refusal(status)),
        Some(Fault::Late(pause)) => sleep(pause).await,
        Some(Fault::Stale) => {
            if let Some(list) = route.lists.lock().await.get(request.uri().path()) {
                return Ok(as_sent(list.clone().map(Full::from)));
            }
        }
        _ => {}
    }
    let path = (kind == Kind::List).then(|| request.uri().path().to_owned());
    let answer = send(route, sender, request).await?;
    Ok(match fault {
        Some(Fault::Lost) => refusal(StatusCode::GATEWAY_TIMEOUT),
        Some(Fault::Slow(pause)) => slowed(answer, pause),
        Some(Fault::Watch(fault, after)) => spoilt(answer, fault, after),
        _ => match path.filter(|_| answer.status().is_success()) {
            Some(path) => keep(route, path, answer).await,
            None => answer,
        },
    })
}

async fn send(
    route: &Route,
    sender: &Mutex<SendRequest<Incoming>>,
    request: Request<Incoming>,
) -> hyper::Result<Answer> {
    let answer = sender.lock().await.send_request(request).await?;
    Ok(as_sent(answer.map(|body| Held::new(body, &route.fault_point))))
}

/// Keeps a list, to be answered again.
async fn keep(route: &Route, path: String, list: Answer) -> Answer {
    let (head, body) = list.into_parts();
    // Half a list is none.
    let Ok(body) = body.collect().await else { return refusal(StatusCode::SERVICE_UNAVAILABLE) };
    let list = Response::from_parts(head, body.to_bytes());
    route.lists.lock().await.insert(path, list.clone());
    as_sent(list.map(Full::from))
}
