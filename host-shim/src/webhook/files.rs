//! The certificate from files that somebody else renews, for example cert-manager: they are read again while the process runs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use tokio::time::sleep;

use super::certificate::{CHAIN, Certificate, KEY, Pem, Presented};

/// How often the files are read: the kubelet writes a changed Secret within about a minute.
const READ_EVERY: Duration = Duration::from_secs(5);

/// The files, and what was last taken of them.
pub struct Files {
    folder: PathBuf,
    taken: Pem,
    /// What was last logged to be wrong, so that it is logged once.
    wrong: Option<String>,
    certificate: Certificate,
}

impl Files {
    /// Presents `tls.crt` and `tls.key` of a folder.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn open(folder: &Path, certificate: Certificate) -> anyhow::Result<Self> {
        let taken = read(folder)?;
        certificate.present(parse(folder, &taken)?);
        Ok(Self { folder: folder.into(), taken, wrong: None, certificate })
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
            Ok(Some((pem, presented))) => {
                (self.taken, self.wrong) = (pem, None);
                self.certificate.present(presented);
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
    fn changed(&self) -> anyhow::Result<Option<(Pem, Presented)>> {
        let pem = read(&self.folder)?;
        if pem == self.taken {
            return Ok(None);
        }
        let presented = parse(&self.folder, &pem)?;
        Ok(Some((pem, presented)))
    }
}

fn read(folder: &Path) -> anyhow::Result<Pem> {
    let file = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
    };
    Ok(Pem { chain: file(CHAIN)?, key: file(KEY)? })
}

fn parse(folder: &Path, pem: &Pem) -> anyhow::Result<Presented> {
    pem.parse().with_context(|| format!("failed to use the certificate in {}", folder.display()))
}

#[cfg(test)]
mod tests;
