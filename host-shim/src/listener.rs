//! Where this process listens.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use anyhow::Context as _;
use tokio::net::TcpListener;

/// What is served.
#[derive(Clone, Copy, Debug)]
pub enum Service {
    /// Probes and metrics.
    Admin,
    /// Admission.
    Webhook,
}

impl Service {
    fn flag(self) -> &'static str {
        match self {
            Self::Admin => "`--admin-address` names another address, or `none`",
            Self::Webhook => "`--webhook-address` names another address",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admin => "probes and metrics",
            Self::Webhook => "admission",
        })
    }
}

/// Listens there. `0.0.0.0` is all addresses, those of IPv6 too.
///
/// # Errors
/// When the address is not ours, or in use.
pub async fn listen(service: Service, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, address.port()));
    let listener = match TcpListener::bind(if address.ip() == Ipv4Addr::UNSPECIFIED { all } else { address }).await {
        // Without IPv6.
        Err(_) if address.ip() == Ipv4Addr::UNSPECIFIED => TcpListener::bind(address).await,
        other => other,
    };
    let listener =
        listener.with_context(|| format!("failed to listen on {address} for {service}; {}", service.flag()))?;
    tracing::info!(address = %listener.local_addr().unwrap_or(address), "serving {service}");
    Ok(listener)
}
