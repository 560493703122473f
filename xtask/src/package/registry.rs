//! crane, and a registry of its own on this machine: crane changes an image only where it is pushed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command as Process, Stdio},
};

use anyhow::{Context, Result};

use crate::{command::Command, go, workspace::Workspace};

/// crane, built first.
pub(super) fn crane(workspace: &Workspace) -> Result<PathBuf> {
    go::program(workspace, go::RELEASE_TOOLS, "github.com/google/go-containerregistry/cmd/crane", "crane")
}

/// A registry in memory. Dropping it ends it.
pub(super) struct Registry {
    crane: PathBuf,
    server: Child,
    /// Its host and port.
    address: String,
}

impl Registry {
    pub(super) fn start(crane: PathBuf) -> Result<Self> {
        let mut server = Process::new(&crane);
        server.args(["registry", "serve", "--address", "127.0.0.1:0"]).stderr(Stdio::piped());
        let mut server = server.spawn().context("cannot start the registry of crane")?;
        let mut line = String::new();
        let errors = server.stderr.as_mut().context("the registry of crane says nothing")?;
        BufReader::new(errors).read_line(&mut line)?;
        let port = line.trim().rsplit(' ').next().filter(|port| port.parse::<u16>().is_ok());
        let port = port.with_context(|| format!("the registry of crane does not say its port: {line}"))?;
        let address = format!("127.0.0.1:{port}");
        Ok(Self { crane, server, address })
    }

    /// Its host and port.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// A reference to an image in it.
    pub(super) fn reference(&self, tag: &str) -> String {
        format!("{}/hpa-override:{tag}", self.address)
    }

    /// crane, with these words.
    pub(super) fn crane(&self, words: &str) -> Command {
        Command::new(&self.crane).words(words)
    }

    /// Replaces the folder by the image, as an OCI layout.
    pub(super) fn pull(&self, tag: &str, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        self.crane("pull --format oci").arg(self.reference(tag)).arg(folder).quietly()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // There is nobody to take an error of a process that is killed.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
