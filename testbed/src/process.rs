//! Child processes that never outlive their parent, however it dies.
//!
//! A [`Child`] is killed and waited for when dropped; when the parent itself is killed, the kernel kills the child
//! (see [`spawner`]). Output goes to a log file, whose end is part of every error. Nothing here is restarted.

mod spawner;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait::wait_for_blocking;

/// Lines of the log that an error shows.
const TAIL: usize = 20;

/// A child process with its log.
#[derive(Debug)]
pub struct Child {
    name: String,
    inner: std::process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts `command` with standard output and error appended to the file `log`, and no input.
    pub fn spawn(mut command: Command, log: &Path) -> Result<Self> {
        let name = file_name(command.get_program().as_ref());
        let out = File::options().create(true).append(true).open(log);
        let out = out.with_context(|| format!("failed to open the log {}", log.display()))?;
        let err = out.try_clone().context("failed to share a log")?;
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let inner = spawner::spawn(command).with_context(|| format!("failed to start {name}"))?;
        Ok(Self { name, inner, log: log.to_owned() })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// The exit status, where the process has ended.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.inner.try_wait().with_context(|| format!("failed to look after {}", self.name))
    }

    /// An error with the end of the log, where the process has ended: for the checks that wait for it to be ready.
    pub fn ensure_running(&mut self) -> Result<()> {
        match self.exited()? {
            None => Ok(()),
            Some(status) => Err(anyhow!("{} ended with {status}\n{}", self.name, self.log_tail())),
        }
    }

    /// Waits until the process has ended by itself.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("{} to end", self.name);
        let status = wait_for_blocking(&what, limit, || self.exited()?.context("it is still running"));
        status.with_context(|| self.log_tail())
    }

    /// Sends a signal, for example [`Signal::SIGTERM`].
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.id())?);
        kill(pid, signal).with_context(|| format!("failed to send {signal} to {}", self.name))
    }

    /// Kills the process and waits for its end. Nothing happens where it has ended already.
    pub fn kill(&mut self) -> Result<()> {
        self.inner.kill().with_context(|| format!("failed to kill {}", self.name))?;
        self.inner.wait().with_context(|| format!("failed to wait for {}", self.name))?;
        Ok(())
    }

    /// All that the process has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The last lines of the log, headed by where it is.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n");
        format!("end of {}:\n{tail}", self.log.display())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn file_name(program: &Path) -> String {
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}
