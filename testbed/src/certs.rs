//! A certificate authority for one server on 127.0.0.1.
//!
//! Clients verify TLS for real, as they do in a cluster. Keys live as long as the run folder and are of no use
//! elsewhere; nothing here reads a certificate of anybody else.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A server certificate with the authority that signed it.
#[derive(Debug)]
pub(crate) struct ServerCertificate {
    pub(crate) ca_pem: String,
    pub(crate) ca_der: Vec<u8>,
    pub(crate) cert_pem: String,
    pub(crate) cert_der: Vec<u8>,
    pub(crate) key_pem: String,
    pub(crate) key_der: Vec<u8>,
}

impl ServerCertificate {
    /// TLS for a server that shows this certificate.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor> {
        let chain = vec![CertificateDer::from(self.cert_der.clone())];
        let key = PrivatePkcs8KeyDer::from(self.key_der.clone());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("failed to set up TLS")?
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .context("failed to use the server certificate")?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// TLS for a client that trusts this authority alone.
pub(crate) fn client_config(ca_der: &[u8]) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_slice(ca_der)).context("failed to trust the certificate authority")?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("failed to set up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// A new authority and a certificate for 127.0.0.1, `localhost` and `names`.
pub(crate) fn server_certificate(names: &[&str]) -> Result<ServerCertificate> {
    let ca = authority().context("failed to make a certificate authority")?;
    let key = KeyPair::generate().context("failed to make a server key")?;
    let cert = server_params(names)?.signed_by(&key, &ca).context("failed to sign a server certificate")?;
    Ok(ServerCertificate {
        ca_pem: ca.pem(),
        ca_der: ca.der().to_vec(),
        cert_pem: cert.pem(),
        cert_der: cert.der().to_vec(),
        key_pem: key.serialize_pem(),
        key_der: key.serialize_der(),
    })
}

/// A key pair that signs service account tokens: private and public key as PEM.
pub(crate) fn signing_key() -> Result<(String, String)> {
    let key = KeyPair::generate().context("failed to make a signing key")?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "hpa-override testbed");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn server_params(names: &[&str]) -> Result<CertificateParams> {
    let names = ["localhost"].iter().chain(names).map(ToString::to_string).collect::<Vec<_>>();
    let mut params = CertificateParams::new(names).context("failed to name a server certificate")?;
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    params.distinguished_name.push(DnType::CommonName, "127.0.0.1");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}
