//! The API server's side of a policy host: HTTPS, one connection that stays open, one request at a time.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::PolicyHost;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, runtime::Runtime};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

/// A connection to a policy host.
pub(crate) struct Client {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    pub(crate) fn connect(host: &PolicyHost) -> Result<Self> {
        let runtime = Runtime::new().context("failed to start a runtime")?;
        let sender = runtime.block_on(connect(host)).context("failed to connect to the policy host")?;
        Ok(Self { runtime, sender })
    }

    /// Posts a review, and waits for the answer that allows it.
    pub(crate) fn allowed(&mut self, path: &str, review: String) -> Result<()> {
        let request = Request::post(path).header("host", "127.0.0.1").header("content-type", "application/json");
        let request = request.body(Full::new(Bytes::from(review)))?;
        let answer = self.runtime.block_on(async {
            self.sender.ready().await?;
            self.sender.send_request(request).await?.into_body().collect().await
        })?;
        let answer: Value = serde_json::from_slice(&answer.to_bytes())?;
        ensure!(answer.pointer("/response/allowed") == Some(&Value::Bool(true)), "not allowed: {answer}");
        Ok(())
    }
}

async fn connect(host: &PolicyHost) -> Result<SendRequest<Full<Bytes>>> {
    let url = host.url();
    let socket = TcpStream::connect(url.trim_start_matches("https://")).await?;
    socket.set_nodelay(true)?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(host.ca_pem().as_bytes())?)?;
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TlsConnector::from(Arc::new(tls)).connect(ServerName::try_from("127.0.0.1")?, socket).await?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
