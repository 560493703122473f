//! The certificate that the webhook presents at this moment, wherever it comes from.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use hpa_override_core::Instant;
use tokio::sync::watch;
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

/// The names that a Secret of type `kubernetes.io/tls` gives chain and key.
pub(super) const CHAIN: &str = "tls.crt";
pub(super) const KEY: &str = "tls.key";

/// What new connections are shown; nothing before there is a certificate. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct Certificate(watch::Sender<Option<Arc<Presented>>>);

impl Certificate {
    /// None yet.
    pub fn none() -> Self {
        Self(watch::Sender::new(None))
    }

    /// When it expires; none: there is none yet.
    pub fn expires(&self) -> Option<Instant> {
        self.0.borrow().as_ref().map(|presented| presented.expires)
    }

    /// For a new connection.
    pub(super) fn config(&self) -> Option<Arc<ServerConfig>> {
        self.0.borrow().as_ref().map(|presented| presented.config.clone())
    }

    /// Presents this one from now on.
    pub fn present(&self, presented: Presented) {
        let expires = presented.expires;
        let is_first = self.0.send_replace(Some(Arc::new(presented))).is_none();
        let another = if is_first { "a" } else { "another" };
        tracing::info!(%expires, "the webhook presents {another} certificate from now on");
    }
}

/// A certificate in use.
#[derive(Debug)]
pub struct Presented {
    config: Arc<ServerConfig>,
    /// The first instant at which clients accept it, and the first at which they no longer do.
    begins: Instant,
    pub(super) expires: Instant,
    /// The names and addresses that it is for.
    hosts: Vec<String>,
    der: CertificateDer<'static>,
}

impl Presented {
    /// Whether clients accept it that trust one of these authorities, each as PEM.
    pub(super) fn is_accepted(&self, authorities: &[String], now: Instant) -> bool {
        let is_signed = |authority: &String| self.is_signed_by(authority.as_bytes()).is_ok_and(|is_signed| is_signed);
        (self.begins..self.expires).contains(&now) && authorities.iter().any(is_signed)
    }

    /// Whether clients accept it that reach it by that name or address.
    pub(super) fn is_for(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| name == host)
    }

    fn is_signed_by(&self, authority: &[u8]) -> anyhow::Result<bool> {
        let chain = chain(authority)?;
        let authority = X509Certificate::from_der(chain.first().context("no certificate")?)?.1;
        let certificate = X509Certificate::from_der(&self.der)?.1;
        let is_named = certificate.issuer() == authority.subject();
        Ok(is_named && certificate.verify_signature(Some(authority.public_key())).is_ok())
    }
}

#[cfg(test)]
impl Presented {
    /// One that expires then. For tests of others.
    pub fn until(expires: Instant) -> Self {
        let made = hpa_override_testbed::server_certificate(&[]).unwrap();
        let pem = Pem { chain: made.cert.into(), key: made.key.into() };
        Self { expires, ..pem.parse().unwrap() }
    }
}

/// A chain of certificates and its key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pem {
    pub(super) chain: Vec<u8>,
    pub(super) key: Vec<u8>,
}

impl Pem {
    /// Makes it ready for use.
    ///
    /// # Errors
    /// When one of them is no PEM, or they do not belong together.
    pub(super) fn parse(&self) -> anyhow::Result<Presented> {
        let chain = chain(&self.chain).with_context(|| format!("{CHAIN} is no PEM"))?;
        let Some(der) = chain.first().cloned() else { bail!("{CHAIN} has no certificate") };
        let Read { begins, expires, hosts } = read(&der).with_context(|| format!("{CHAIN} is no certificate"))?;
        // What is wrong with a key is said in its own words, which are secret.
        let key = PrivateKeyDer::from_pem_slice(&self.key);
        let key = key.map_err(|_| anyhow!("{KEY} is no PEM of a key"))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_no_client_auth();
        Ok(Presented { config: Arc::new(config.with_single_cert(chain, key)?), begins, expires, hosts, der })
    }
}

/// When the first certificate of a PEM expires; none: there is none that can be read.
pub(super) fn expires(pem: &[u8]) -> Option<Instant> {
    Some(read(chain(pem).ok()?.first()?).ok()?.expires)
}

fn chain(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    Ok(CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?)
}

/// What a certificate says.
struct Read {
    begins: Instant,
    expires: Instant,
    hosts: Vec<String>,
}

fn read(certificate: &CertificateDer<'_>) -> anyhow::Result<Read> {
    let (_, certificate) = X509Certificate::from_der(certificate)?;
    let names = certificate.subject_alternative_name()?.map(|names| names.value.general_names.as_slice());
    let hosts = names.unwrap_or_default().iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(address) => address_of(address),
        _ => None,
    });
    let [begins, last] = [certificate.validity().not_before, certificate.validity().not_after].map(|at| at.timestamp());
    // The last second of its life is part of it.
    let [begins, expires] = [begins, last.saturating_add(1)].map(Instant::from_unix);
    Ok(Read { begins, expires, hosts: hosts.collect() })
}

fn address_of(octets: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| std::net::IpAddr::from(octets).to_string());
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| std::net::IpAddr::from(octets).to_string())).ok()
}
