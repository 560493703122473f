//! What the controller serves beside its work: probes and metrics.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::metrics::Metrics;

const LIMIT: Duration = Duration::from_secs(10);

/// Where a controller on this machine serves probes and metrics.
#[derive(Clone, Copy, Debug)]
pub struct Admin(u16);

impl Admin {
    pub(crate) fn new(port: u16) -> Self {
        Self(port)
    }

    /// The address, as the controller takes it.
    #[must_use]
    pub fn address(self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.0)
    }

    /// Status and body of an answer.
    pub fn get(self, path: &str) -> Result<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.0)).context("the controller does not listen")?;
        stream.set_read_timeout(Some(LIMIT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).context("the controller does not answer")?;
        let (head, body) = answer.split_once("\r\n\r\n").context("not an answer")?;
        let status = head.split(' ').nth(1).context("not an answer")?.parse()?;
        Ok((status, body.to_owned()))
    }

    /// The numbers of now.
    pub fn metrics(self) -> Result<Metrics> {
        Ok(Metrics::new(self.get("/metrics")?.1))
    }
}
