//! A server on 127.0.0.1, on a thread and a runtime of its own, so that it neither needs nor disturbs the caller's.

use std::net::{Ipv4Addr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A running server; dropping it closes the port and every connection.
#[derive(Debug)]
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves every connection with `serve`. What still runs `grace` after the stop is given up.
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        port: u16,
        grace: Duration,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = listener.with_context(|| format!("failed to listen on 127.0.0.1:{port}"))?;
        listener.set_nonblocking(true).context("failed to set up the listener")?;
        let runtime = Runtime::new().context("failed to start a runtime")?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("testbed-server".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    // Ends only where the listener is broken, and then clients notice.
                    _ = accept(listener, serve) => {}
                }
            });
            runtime.shutdown_timeout(grace);
        });
        Ok(Self { stop: Some(stop), thread: Some(thread.context("failed to start a thread")?) })
    }
}

async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> F,
) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(serve(socket));
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
