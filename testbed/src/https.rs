//! A blocking HTTPS GET, for the time before there is a client.
//!
//! A control plane starts without an async runtime, so that it can live in a `static`; this asks whether it is ready.
//! It speaks HTTP/1.0 and one request per connection, and refuses any certificate but that of the authority given.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::certs;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks a server on 127.0.0.1; status and body.
pub(crate) struct Getter {
    tls: Arc<ClientConfig>,
    port: u16,
    token: String,
}

impl Getter {
    pub(crate) fn new(ca_der: &[u8], port: u16, token: &str) -> Result<Self> {
        let tls = certs::client_config(ca_der)?;
        Ok(Self { tls: Arc::new(tls), port, token: token.to_owned() })
    }

    pub(crate) fn get(&self, path: &str) -> Result<(u16, String)> {
        let answer = self.exchange(path).with_context(|| format!("failed to get {path}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of headers")?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok((status.context("the answer has no status code")?, body.to_owned()))
    }

    fn exchange(&self, path: &str) -> Result<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let socket = TcpStream::connect_timeout(&address, TIMEOUT)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        let name = ServerName::try_from("127.0.0.1")?;
        let mut stream = StreamOwned::new(ClientConnection::new(self.tls.clone(), name)?, socket);
        write!(stream, "GET {path} HTTP/1.0\r\nAuthorization: Bearer {}\r\n\r\n", self.token)?;
        let mut answer = Vec::new();
        // A server that closes without a TLS goodbye is no error: what has come is judged by the caller.
        let _ = stream.read_to_end(&mut answer);
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
