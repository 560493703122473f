//! HTTPS: connections, each with limits of its own. A connection that fails ends nothing else.

use std::{
    collections::HashMap,
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderValue, header::CONNECTION},
    middleware::map_response,
    response::Response,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::certificate::Certificate;

/// Connections at once, of all clients and of one address. An API server has as many as it has reviews under way.
const CONNECTIONS: usize = 512;
const CONNECTIONS_OF_ONE: usize = 128;
/// How long a TLS handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection may be idle. An API server closes an idle one after 90 s: it should be the first to do so, since a
/// request that is sent while the connection is being closed fails.
const IDLE_FOR: Duration = Duration::from_mins(3);
/// How long a connection may last; then it is closed after the request under way.
const LASTS: Duration = Duration::from_mins(10);
/// How long a request under way may take when its connection is being closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// How long new connections are accepted after the process was asked to stop: API servers may not know yet that it stops.
const STOPS_AFTER: Duration = Duration::from_secs(15);
/// The pause where no connection can be accepted: the process has too many files open.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves `router`, until 15 s after `stopping`. New connections use the latest `certificate`; before there is one, they are
/// closed.
///
/// From `stopping` on each answer closes its connection: a client that has one to spare then connects to another replica. An
/// idle connection stays open until the end, since a request may be on its way.
pub async fn serve(
    listener: TcpListener,
    certificate: Certificate,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let (peers, mut connections, closing) = (Peers::default(), JoinSet::new(), watch::Sender::new(false));
    let is_stopping = stopping.clone();
    let router = router.layer(map_response(move |mut response: Response| {
        if *is_stopping.borrow() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        async { response }
    }));
    let mut stopped = pin!(async {
        // Where nobody can ask it to stop any longer, it stops.
        drop(stopping.wait_for(|is_stopping| *is_stopping).await);
        sleep(STOPS_AFTER).await;
    });
    loop {
        let accepted = tokio::select! {
            () = &mut stopped => break,
            accepted = listener.accept() => accepted,
        };
        let (socket, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the webhook cannot accept a connection");
                sleep(PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        // Closed at once: a client that holds too many does not keep the others from theirs.
        let Some(peer) = peers.enter(address.ip()) else { continue };
        let Some(config) = certificate.config() else { continue };
        let acceptor = TlsAcceptor::from(config);
        let (router, closing) = (router.clone(), closing.subscribe());
        connections.spawn(async move {
            let _peer = peer;
            serve_connection(socket, acceptor, router, closing).await;
        });
    }
    drop(listener);
    closing.send_replace(true);
    drop(timeout(CLOSE_WITHIN, connections.join_all()).await);
}

async fn serve_connection(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    router: Router,
    mut closing: watch::Receiver<bool>,
) {
    let stream = match timeout(HANDSHAKE_WITHIN, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => stream,
        // A client that does not trust the certificate: the caBundle of a configuration is another authority's.
        Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake with a client of the webhook failed"),
        Err(_) => return,
    };
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE_FOR);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection of the webhook failed");
            }
            return;
        }
        () = sleep(LASTS) => {}
        _closing = closing.wait_for(|is_closing| *is_closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(timeout(CLOSE_WITHIN, connection).await);
}

/// Connections by the address of the client.
#[derive(Clone, Default)]
struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Peers {
    /// One more connection of a client; none: it, or all together, have as many as they may.
    fn enter(&self, address: IpAddr) -> Option<Peer> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = open.get(&address).copied().unwrap_or_default();
        if of_one >= CONNECTIONS_OF_ONE || open.values().sum::<usize>() >= CONNECTIONS {
            return None;
        }
        open.insert(address, of_one + 1);
        Some(Peer { peers: self.clone(), address })
    }
}

/// An open connection.
struct Peer {
    peers: Peers,
    address: IpAddr,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut open = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_no_more_connections_than_it_may() {
        let (peers, [one, other]) = (Peers::default(), [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from));
        let open: Vec<_> = (0..CONNECTIONS_OF_ONE).map(|_| peers.enter(one).unwrap()).collect();
        assert!(peers.enter(one).is_none());
        assert!(peers.enter(other).is_some(), "another client has its own");
        drop(open);
        assert!(peers.enter(one).is_some());
        assert!(peers.0.lock().unwrap().is_empty());
    }
}
