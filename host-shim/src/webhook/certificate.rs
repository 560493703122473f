//! The certificate that the webhook presents, from files that somebody else renews, for example cert-manager: they are read
//! again while the process runs.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{sync::watch, time::sleep};
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// The names that a Secret of type `kubernetes.io/tls` gives them.
const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";
/// How often the files are read: the kubelet writes a changed Secret within about a minute.
const READ_EVERY: Duration = Duration::from_secs(5);

/// The files, and what was last taken of them.
pub struct Certificate {
    folder: PathBuf,
    taken: Pem,
    /// What was last logged to be wrong, so that it is logged once.
    wrong: Option<String>,
    config: watch::Sender<Arc<ServerConfig>>,
}

/// The chain and its key.
type Pem = [Vec<u8>; 2];

impl Certificate {
    /// Reads `tls.crt` and `tls.key` of a folder.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let taken = read(folder)?;
        let config = watch::Sender::new(Arc::new(config(folder, &taken)?));
        Ok(Self { folder: folder.into(), taken, wrong: None, config })
    }

    /// What new connections use, from now on.
    pub fn config(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.config.subscribe()
    }

    /// Takes what the files say from now on, for as long as the process runs.
    pub async fn run(mut self) {
        loop {
            sleep(READ_EVERY).await;
            self.reload();
        }
    }

    fn reload(&mut self) {
        match self.changed() {
            Ok(None) => self.wrong = None,
            Ok(Some((pem, config))) => {
                tracing::info!(folder = %self.folder.display(), "the webhook presents another certificate from now on");
                (self.taken, self.wrong) = (pem, None);
                self.config.send_replace(Arc::new(config));
            }
            Err(error) => {
                let wrong = format!("{error:#}");
                if self.wrong.as_ref() != Some(&wrong) {
                    tracing::warn!(error = wrong, "the webhook keeps using its certificate from before");
                    self.wrong = Some(wrong);
                }
            }
        }
    }

    /// What the files say, where that is something else than what was taken.
    fn changed(&self) -> anyhow::Result<Option<(Pem, ServerConfig)>> {
        let pem = read(&self.folder)?;
        if pem == self.taken {
            return Ok(None);
        }
        let config = config(&self.folder, &pem)?;
        Ok(Some((pem, config)))
    }
}

fn read(folder: &Path) -> anyhow::Result<Pem> {
    let file = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
    };
    Ok([file(CHAIN)?, file(KEY)?])
}

fn config(folder: &Path, pem: &Pem) -> anyhow::Result<ServerConfig> {
    parse(pem).with_context(|| format!("failed to use the certificate in {}", folder.display()))
}

fn parse([chain, key]: &Pem) -> anyhow::Result<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{CHAIN} is no PEM"))?;
    let key = PrivateKeyDer::from_pem_slice(key).with_context(|| format!("{KEY} is no PEM of a key"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions()?.with_no_client_auth();
    Ok(config.with_single_cert(chain, key)?)
}

#[cfg(test)]
mod tests;
