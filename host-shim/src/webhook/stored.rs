//! What the Secret of the webhook holds, and what is to be stored next. Every phase of a renewal stands in it, so that a
//! replica that begins to lead goes on where another has stopped.
//!
//! ```text
//!   empty ──► presented ── a third of its life is left ──► next, whose authority is trusted, too ── 60 s ──► presented
//!                                                          old authority: dropped once its certificate has expired
//! ```
//! Each certificate has an authority of its own, which signs nothing else: its key is not kept.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hpa_override_core::Instant;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use serde_json::{Map, Value, json};

use super::certificate::{CHAIN, KEY, Pem, Presented, expires};

/// Certificates of the authorities that API servers are to trust.
const AUTHORITIES: &str = "ca.crt";
const NEXT_CHAIN: &str = "next.crt";
const NEXT_KEY: &str = "next.key";

/// How far a clock may be behind that of the replica that makes a certificate. In seconds.
const BEFORE: i64 = 3600;
/// How long an authority is kept after the certificate that it has signed, for clocks that are behind. In seconds.
const KEPT: i64 = 3600;

/// What the Secret holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// What is presented.
    pub(super) presented: Option<Pem>,
    /// What is presented as soon as its authority is trusted.
    next: Option<Pem>,
    /// PEM of each authority.
    authorities: Vec<String>,
}

/// What a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There was nothing that could be presented.
    Made,
    /// The successor of what is presented is there.
    Prepared,
    /// The successor is presented.
    Changed,
    /// An authority whose certificate has expired is no longer trusted.
    Dropped,
    /// What somebody had removed is there again.
    Restored,
}

impl Stored {
    /// Reads a Secret. What cannot be read is as if it was not there.
    pub(super) fn read(secret: &Value) -> Self {
        let file = |name: &str| {
            let text = secret.get("data")?.get(name)?.as_str()?;
            STANDARD.decode(text).ok()
        };
        let pair = |chain, key| Some(Pem { chain: file(chain)?, key: file(key)? });
        let authorities = file(AUTHORITIES).and_then(|pem| String::from_utf8(pem).ok()).unwrap_or_default();
        Self { presented: pair(CHAIN, KEY), next: pair(NEXT_CHAIN, NEXT_KEY), authorities: split(&authorities) }
    }

    /// The data of the Secret, for a merge patch.
    pub(super) fn data(&self) -> Value {
        let mut data = Map::new();
        for (names, pair) in [([CHAIN, KEY], &self.presented), ([NEXT_CHAIN, NEXT_KEY], &self.next)] {
            let [chain, key] = match pair {
                Some(Pem { chain, key }) => [chain, key].map(|pem| STANDARD.encode(pem).into()),
                None => [Value::Null, Value::Null],
            };
            data.extend(names.map(Into::into).into_iter().zip([chain, key]));
        }
        data.insert(AUTHORITIES.into(), STANDARD.encode(self.bundle()).into());
        json!(data)
    }

    /// Whether nothing is left of it.
    pub(super) fn is_lost(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no renewal is under way.
    pub(super) fn is_renewed(&self) -> bool {
        self.presented.is_some() && self.next.is_none()
    }

    /// What `caBundle` is to be, as PEM.
    pub(super) fn bundle(&self) -> String {
        self.authorities.concat()
    }

    /// What is to be stored next, where something is. `life` is that of a new certificate, in seconds; `is_trusted`: API
    /// servers have trusted the whole bundle for long enough.
    ///
    /// # Errors
    /// Where no certificate can be made for this host.
    pub(super) fn next(
        &self,
        host: &str,
        life: i64,
        now: Instant,
        is_trusted: bool,
    ) -> Result<Option<(Self, Step)>, rcgen::Error> {
        let good = |pem: &Option<Pem>| {
            let presented = pem.as_ref()?.parse().ok()?;
            presented.is_accepted(&self.authorities, now).then_some(presented)
        };
        let next = good(&self.next).filter(|next| next.is_for(host));
        let mut then = self.clone();
        let step = match (good(&self.presented), next) {
            (None, None) => {
                then.make(host, life, now)?;
                then.presented = then.next.take();
                Step::Made
            }
            (None, Some(_)) => {
                then.presented = then.next.take();
                Step::Changed
            }
            (Some(_), Some(_)) if is_trusted => {
                then.presented = then.next.take();
                Step::Changed
            }
            // Where it has another name from now on, configurations may still ask by the last one.
            (Some(presented), None) if is_old(&presented, life, now) || !presented.is_for(host) => {
                then.make(host, life, now)?;
                Step::Prepared
            }
            _ if then.drop_expired(now) => Step::Dropped,
            _ => return Ok(None),
        };
        Ok(Some((then, step)))
    }

    /// Makes the next certificate, and its authority.
    fn make(&mut self, host: &str, life: i64, now: Instant) -> Result<(), rcgen::Error> {
        self.drop_expired(now);
        let at = |instant: Instant| {
            SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(instant.as_unix()).unwrap_or_default())
        };
        let params = |hosts: Vec<String>, name: &str| -> Result<CertificateParams, rcgen::Error> {
            let mut params = CertificateParams::new(hosts)?;
            params.distinguished_name.push(DnType::CommonName, name);
            params.not_before = at(now.saturating_add(-BEFORE)).into();
            params.not_after = at(now.saturating_add(life)).into();
            Ok(params)
        };
        // Each has another name, so that none is looked for under that of another.
        let mut authority = params(Vec::new(), &format!("hpa-override-webhook of {now}"))?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate()?;
        let certificate = authority.self_signed(&authority_key)?;

        let mut leaf = params(vec![host.into()], "hpa-override-webhook")?;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let chain = leaf.signed_by(&key, &Issuer::new(authority, authority_key))?;
        self.next = Some(Pem { chain: chain.pem().into(), key: key.serialize_pem().into() });
        self.authorities.push(certificate.pem());
        Ok(())
    }

    /// Whether there was one whose certificate has expired; an authority lives as long as the certificate.
    fn drop_expired(&mut self, now: Instant) -> bool {
        let before = self.authorities.len();
        self.authorities
            .retain(|pem| expires(pem.as_bytes()).is_some_and(|expires| now < expires.saturating_add(KEPT)));
        self.authorities.len() < before
    }
}

/// The certificates of a PEM, each for itself; what is none is left out.
fn split(pem: &str) -> Vec<String> {
    let each = pem.split_inclusive("-----END CERTIFICATE-----").map(|pem| format!("{}\n", pem.trim()));
    each.filter(|pem| expires(pem.as_bytes()).is_some()).collect()
}

/// Whether less than a third of its life is left.
fn is_old(presented: &Presented, life: i64, now: Instant) -> bool {
    now.saturating_add(life / 3) >= presented.expires
}

#[cfg(test)]
mod tests;
