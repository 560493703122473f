//! What the controller serves beside its work: probes and metrics.

use std::net::Ipv4Addr;

use anyhow::Result;

use crate::http::http_get;
use crate::metrics::Metrics;

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
        http_get(self.0, path)
    }

    /// The numbers of now.
    pub fn metrics(self) -> Result<Metrics> {
        Ok(Metrics::new(self.get("/metrics")?.1))
    }
}
