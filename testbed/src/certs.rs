//! A certificate for one server on 127.0.0.1, which its clients trust.
//!
//! Clients verify TLS for real, as they do in a cluster. Keys live as long as the run folder and are of no use
//! elsewhere; nothing here reads a certificate of anybody else.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A server certificate, signed by itself, and its key, as PEM.
#[derive(Debug)]
pub struct ServerCertificate {
    /// The certificate.
    pub cert: String,
    /// Its key.
    pub key: String,
}

impl ServerCertificate {
    /// TLS for a server that shows this certificate.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor> {
        let chain = vec![CertificateDer::from_pem_slice(self.cert.as_bytes())?];
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.key.as_bytes())?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("failed to set up TLS")?
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .context("failed to use the server certificate")?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// TLS for a client that trusts these certificates alone, given as PEM.
pub fn connector(ca_pem: &str) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for ca in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(ca.context("failed to read a certificate")?).context("failed to trust a certificate")?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("failed to set up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A new certificate for 127.0.0.1, `localhost` and `names`.
pub fn server_certificate(names: &[&str]) -> Result<ServerCertificate> {
    let names: Vec<String> = ["127.0.0.1", "localhost"].iter().chain(names).map(ToString::to_string).collect();
    let made = generate_simple_self_signed(names).context("failed to make a server certificate")?;
    let CertifiedKey { cert, signing_key } = made;
    Ok(ServerCertificate { cert: cert.pem(), key: signing_key.serialize_pem() })
}

/// A key pair that signs service account tokens: private and public key as PEM.
pub(crate) fn signing_key() -> Result<(String, String)> {
    let key = KeyPair::generate().context("failed to make a signing key")?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}
