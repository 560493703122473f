//! The connections: one to the API server for each of the controller's, so that when one ends the other does.
//!
//! A thread with a runtime of its own, as the policy host has. HTTP/1.1 on both sides; bodies are passed on as they
//! come, never collected.

use std::future;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, oneshot};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::held::Held;
use super::lever::{Lever, Turn};
use crate::certs::{self, ServerCertificate};

/// A running server; dropping it closes the port and every connection.
#[derive(Debug)]
pub(super) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What every connection needs.
struct Doors {
    front: TlsAcceptor,
    back: TlsConnector,
    api_port: u16,
    lever: Arc<Lever>,
}

impl Server {
    pub(super) fn start(
        port: u16,
        certificate: &ServerCertificate,
        api_port: u16,
        ca_der: &[u8],
        lever: &Arc<Lever>,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = listener.with_context(|| format!("failed to listen on 127.0.0.1:{port}"))?;
        listener.set_nonblocking(true).context("failed to set up the listener")?;
        let back = TlsConnector::from(Arc::new(certs::client_config(ca_der)?));
        let doors = Doors { front: certificate.acceptor()?, back, api_port, lever: Arc::clone(lever) };
        let runtime = Runtime::new().context("failed to start a runtime")?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("testbed-proxy".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    // Ends only where the listener is broken, and then clients notice.
                    _ = accept(listener, Arc::new(doors)) => {}
                }
            });
            runtime.shutdown_timeout(Duration::ZERO);
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

async fn accept(listener: TcpListener, doors: Arc<Doors>) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (socket, _) = listener.accept().await?;
        let doors = Arc::clone(&doors);
        // Whichever side goes away, both connections end; to the other side it looks as without a proxy.
        tokio::spawn(async move { drop(converse(socket, &doors).await) });
    }
}

/// One connection of the controller, with its counterpart.
async fn converse(socket: TcpStream, doors: &Doors) -> Result<()> {
    let front = doors.front.accept(socket).await?;
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, doors.api_port)).await?;
    let back = doors.back.connect(ServerName::try_from("127.0.0.1")?, socket).await?;
    let (sender, carrier) = handshake(TokioIo::new(back)).await?;
    let sender = Mutex::new(sender);
    let service = service_fn(|request| forward(&doors.lever, &sender, request));
    tokio::select! {
        served = http1::Builder::new().serve_connection(TokioIo::new(front), service) => served?,
        passed_on = carrier => passed_on?,
    }
    Ok(())
}

async fn forward(
    lever: &Arc<Lever>,
    sender: &Mutex<SendRequest<Incoming>>,
    request: Request<Incoming>,
) -> hyper::Result<Response<Held>> {
    match lever.turn(request.method(), request.uri().path()) {
        Turn::Forward => {
            let answer = sender.lock().await.send_request(request).await?;
            Ok(answer.map(|body| Held::new(body, lever)))
        }
        Turn::ForwardAndHold => {
            let answer = sender.lock().await.send_request(request).await;
            lever.reached();
            // Not dropped: it must not look like an answer that was given up.
            let _withheld = answer;
            future::pending().await
        }
        Turn::Hold => future::pending().await,
    }
}
