//! Until when the certificates of a CA bundle are valid.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hpa_override_crd::Instant;
use x509_parser::pem::Pem;

/// The last instant at which a certificate of the bundle is valid; none where there is no certificate.
pub fn valid_until(ca_bundle: &str) -> Option<Instant> {
    let text = STANDARD.decode(ca_bundle).ok()?;
    let ends = Pem::iter_from_buffer(&text).filter_map(|pem| {
        let pem = pem.ok()?;
        Some(pem.parse_x509().ok()?.validity().not_after.timestamp())
    });
    ends.max().map(Instant::from_unix)
}
