//! The API server's side of a webhook: HTTPS, one connection that stays open, one request at a time.

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::connector;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, runtime::Runtime};
use tokio_rustls::rustls::pki_types::ServerName;

/// A connection to a policy host, or to the webhook of the controller.
pub(crate) struct Client {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Connects to that address of this machine, where an authority of `ca_pem` has signed the certificate.
    pub(crate) fn connect(address: &str, ca_pem: &str) -> Result<Self> {
        let runtime = Runtime::new().context("failed to start a runtime")?;
        let sender = runtime.block_on(async {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            let stream = connector(ca_pem)?.connect(ServerName::try_from("127.0.0.1")?, socket).await?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            anyhow::Ok(sender)
        });
        Ok(Self { sender: sender.with_context(|| format!("failed to connect to {address}"))?, runtime })
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
