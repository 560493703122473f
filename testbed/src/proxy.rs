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

mod held;
mod lever;
mod server;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{Cluster, Kubeconfig};

use self::lever::Lever;
pub use self::lever::Stop;
use self::server::Server;
use crate::certs::{self, ServerCertificate};
use crate::ports::Port;

/// A running proxy. Dropping it closes all connections.
#[derive(Debug)]
pub struct Proxy {
    _server: Server,
    lever: Arc<Lever>,
    certificate: ServerCertificate,
    port: Port,
}

impl Proxy {
    /// Starts a proxy in front of the API server on that port, whose certificate is of the authority `ca_der`.
    pub(crate) fn start(api_port: u16, ca_der: &[u8]) -> Result<Self> {
        let lever = Arc::new(Lever::default());
        let certificate = certs::server_certificate(&[])?;
        let port = Port::reserve()?;
        let server = Server::start(port.number(), &certificate, api_port, ca_der, &lever)?;
        Ok(Self { _server: server, lever, certificate, port })
    }

    /// The same kubeconfig, but through the proxy.
    pub(crate) fn redirect(&self, mut kubeconfig: Kubeconfig) -> Result<Kubeconfig> {
        let cluster = kubeconfig.clusters.first_mut().context("the kubeconfig names no cluster")?;
        cluster.cluster = Some(Cluster {
            server: Some(format!("https://127.0.0.1:{}", self.port.number())),
            certificate_authority_data: Some(STANDARD.encode(&self.certificate.ca_pem)),
            ..Cluster::default()
        });
        Ok(kubeconfig)
    }

    /// Counts the writes (patches) to HPAs of that namespace from now on, and stops at one of them where told to.
    /// Whatever was held before stays without an answer.
    pub fn watch_writes(&self, namespace: &str, stop: Option<Stop>) {
        self.lever.watch_writes(namespace, stop);
    }

    /// The writes that arrived since [`watch_writes`](Self::watch_writes).
    #[must_use]
    pub fn writes(&self) -> u32 {
        self.lever.writes()
    }

    /// Completes when the stop is reached; from then on every request is held, none is forwarded or answered.
    pub async fn stopped(&self) {
        self.lever.stopped().await;
    }

    /// Forwards again what arrives from now on, and does not stop any more.
    pub fn resume(&self) {
        self.lever.resume();
    }

    /// Answers no question about rights (`SubjectAccessReview`) that arrives from now on, as an authorization webhook that
    /// hangs does; or forwards them again.
    pub fn mute_access_reviews(&self, mute: bool) {
        self.lever.mute_access_reviews(mute);
    }

    /// Stalls the watches under way, as a network does that loses packets: they stay open, and nothing comes any more,
    /// not even their end. Whatever is asked from now on, watches included, is forwarded as ever.
    pub fn stall_watches(&self) {
        self.lever.stall();
    }
}
