//! The API server's audit log: who asked for what, and with what result.
//!
//! It is the independent witness of a test: it counts requests that no client admits to. Every request is there once,
//! when it is done; a watch is there twice, when it has begun and when it has ended. A line may come a moment after the
//! answer, so wait for what must be there, and count what must *not* be there only after something later is.

mod event;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};

pub use self::event::AuditEvent;
use crate::wait::wait_for;

/// The audit log of one control plane, or its part from some point on. Copies are cheap and read the file once.
#[derive(Clone, Debug)]
pub struct AuditLog {
    tail: Arc<Mutex<Tail>>,
    skip: usize,
}

#[derive(Debug)]
struct Tail {
    path: PathBuf,
    read: u64,
    /// The beginning of a line whose end was not written yet.
    rest: Vec<u8>,
    events: Vec<AuditEvent>,
}

impl AuditLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        let tail = Tail { path, read: 0, rest: Vec::new(), events: Vec::new() };
        Self { tail: Arc::new(Mutex::new(tail)), skip: 0 }
    }

    /// All events so far, in the order in which they were written.
    ///
    /// # Errors
    /// When the log cannot be read, or a line is not an audit event.
    pub fn events(&self) -> Result<Vec<AuditEvent>> {
        self.select(|_| true)
    }

    /// The events that `filter` wants.
    ///
    /// # Errors
    /// As [`events`](Self::events).
    pub fn select(&self, filter: impl Fn(&AuditEvent) -> bool) -> Result<Vec<AuditEvent>> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.catch_up()?;
        Ok(tail.events.iter().skip(self.skip).filter(|event| filter(event)).cloned().collect())
    }

    /// The number of events that `filter` wants.
    ///
    /// # Errors
    /// As [`events`](Self::events).
    pub fn count(&self, filter: impl Fn(&AuditEvent) -> bool) -> Result<usize> {
        Ok(self.select(filter)?.len())
    }

    /// The finished writes (create, update, patch, delete) of `user`, successful or not.
    ///
    /// # Errors
    /// As [`events`](Self::events).
    pub fn writes_by(&self, user: &str) -> Result<Vec<AuditEvent>> {
        self.select(|event| event.user == user && event.is_write() && event.is_complete())
    }

    /// The log from the next event on, for tests that share a control plane.
    ///
    /// # Errors
    /// As [`events`](Self::events).
    pub fn from_now(&self) -> Result<Self> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.catch_up()?;
        Ok(Self { skip: tail.events.len(), tail: Arc::clone(&self.tail) })
    }

    /// Waits for an event, which may be there already, and returns the first.
    ///
    /// # Errors
    /// When there is none after `limit`. `what` completes the sentence "waited for …".
    pub async fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        filter: impl Fn(&AuditEvent) -> bool,
    ) -> Result<AuditEvent> {
        wait_for(what, limit, async || {
            let found = self.select(&filter)?.into_iter().next();
            found.with_context(|| format!("not in the {} audit events", self.count(|_| true).unwrap_or_default()))
        })
        .await
    }
}

impl Tail {
    fn catch_up(&mut self) -> Result<()> {
        let path = self.path.display().to_string();
        self.read_more().with_context(|| format!("failed to read {path}"))?;
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.events.push(AuditEvent::parse(&line).with_context(|| format!("failed to understand {path}"))?);
        }
        Ok(())
    }

    fn read_more(&mut self) -> std::io::Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let count = file.read_to_end(&mut self.rest)?;
        self.read += count as u64;
        Ok(())
    }
}
