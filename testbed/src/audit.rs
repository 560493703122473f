//! The API server's audit log: who asked for what, and with what result.
//!
//! It is independent of what any client reports. Every request is there once, when it is done; a watch is there twice,
//! when it has begun and when it has ended. A line may come a moment after the answer, so wait for what must be there,
//! and count what must *not* be there only after something later is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::Value;

use crate::hpa::text;
use crate::wait::wait_for;

/// One request to the API server. Only what the level `Metadata` holds: no bodies.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// Who acted: the impersonated user, where there is one.
    pub user: String,
    /// Kubernetes verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Plural resource, empty where the request is about none.
    pub resource: String,
    /// Empty where the request is about the object itself.
    pub subresource: String,
    /// Empty for cluster-scoped resources.
    pub namespace: String,
    /// Empty for lists, and for a create before the server knows the name.
    pub name: String,
    /// HTTP status code of the answer.
    pub code: u64,
    /// When the request came in, exact to the microsecond.
    pub received: Timestamp,
    /// When it was answered; for a watch that has begun, when it began.
    pub completed: Timestamp,
    /// Notes of authorization and admission.
    pub annotations: BTreeMap<String, String>,
    /// Whether the request is over; a watch that has begun is not.
    pub is_complete: bool,
}

impl AuditEvent {
    /// Whether the verb changes something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether the request is about this object, or a subresource of it.
    #[must_use]
    pub fn is_about(&self, resource: &str, namespace: &str, name: &str) -> bool {
        self.resource == resource && self.namespace == namespace && self.name == name
    }

    fn parse(line: &[u8]) -> Result<Self> {
        let event: Value = serde_json::from_slice(line)?;
        let at = |pointer: &str| text(&event, pointer).to_owned();
        let impersonated = Some(at("/impersonatedUser/username")).filter(|user| !user.is_empty());
        let annotations = event.get("annotations").and_then(Value::as_object).into_iter().flatten();
        Ok(Self {
            user: impersonated.unwrap_or_else(|| at("/user/username")),
            verb: at("/verb"),
            resource: at("/objectRef/resource"),
            subresource: at("/objectRef/subresource"),
            namespace: at("/objectRef/namespace"),
            name: at("/objectRef/name"),
            code: event.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or_default(),
            received: text(&event, "/requestReceivedTimestamp").parse()?,
            completed: text(&event, "/stageTimestamp").parse()?,
            annotations: annotations
                .map(|(key, note)| (key.clone(), note.as_str().unwrap_or_default().into()))
                .collect(),
            is_complete: text(&event, "/stage") != "ResponseStarted",
        })
    }
}

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

    /// The events that `filter` wants, in the order in which they were written.
    pub fn select(&self, filter: impl Fn(&AuditEvent) -> bool) -> Result<Vec<AuditEvent>> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.catch_up()?;
        Ok(tail.events.iter().skip(self.skip).filter(|event| filter(event)).cloned().collect())
    }

    /// How many events `filter` wants.
    pub fn count(&self, filter: impl Fn(&AuditEvent) -> bool) -> Result<usize> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.catch_up()?;
        Ok(tail.events.iter().skip(self.skip).filter(|event| filter(event)).count())
    }

    /// The finished writes (create, update, patch, delete) of `user`, successful or not.
    pub fn writes_by(&self, user: &str) -> Result<Vec<AuditEvent>> {
        self.select(|event| event.user == user && event.is_write() && event.is_complete)
    }

    /// The log from the next event on, for tests that share a control plane.
    pub fn from_now(&self) -> Result<Self> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.catch_up()?;
        Ok(Self { skip: tail.events.len(), tail: Arc::clone(&self.tail) })
    }

    /// Waits for an event, which may be there already, and returns the first.
    pub async fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        filter: impl Fn(&AuditEvent) -> bool,
    ) -> Result<AuditEvent> {
        wait_for(what, limit, async || {
            let found = self.select(&filter)?.into_iter().next();
            found.with_context(|| {
                format!("not in the {} audit events", self.select(|_| true).map_or(0, |events| events.len()))
            })
        })
        .await
    }
}

impl Tail {
    fn catch_up(&mut self) -> Result<()> {
        let path = self.path.display().to_string();
        self.read_more().with_context(|| format!("failed to read {path}"))?;
        let mut lines = std::mem::take(&mut self.rest);
        let whole = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.rest = lines.split_off(whole);
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.events.push(AuditEvent::parse(line).with_context(|| format!("failed to understand {path}"))?);
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
