//! One call of the plugin: which cluster, what time it is, in which zone, and who looks at it.

use std::{
    fs::OpenOptions,
    io::{IsTerminal as _, Write as _, stdin},
    sync::OnceLock,
};

use hpa_override_core::{Instant, Request};
use jiff::tz::TimeZone;

use crate::{
    cluster::{Cluster, namespace_of_context},
    failure::Outcome,
    flags::Connection,
    say::err,
};

/// One call.
pub struct Session {
    connection: Connection,
    clock: fn() -> Instant,
    /// The zone of the user.
    pub zone: TimeZone,
    cluster: OnceLock<Cluster>,
}

impl Session {
    /// A call with these flags.
    pub fn new(connection: Connection, clock: fn() -> Instant, zone: TimeZone) -> Self {
        Self { connection, clock, zone, cluster: OnceLock::new() }
    }

    /// The time now, by the clock of this machine.
    pub fn now(&self) -> Instant {
        (self.clock)()
    }

    /// The cluster, found at the first call.
    pub async fn cluster(&self) -> Outcome<&Cluster> {
        if let Some(cluster) = self.cluster.get() {
            return Ok(cluster);
        }
        let found = Cluster::connect(&self.connection).await?;
        Ok(self.cluster.get_or_init(|| found))
    }

    /// The time of the API server, where it answers; else that of this machine.
    pub async fn server_time(&self) -> Instant {
        match self.cluster().await {
            Ok(cluster) => cluster.time().await.unwrap_or_else(|| self.now()),
            Err(_) => self.now(),
        }
    }

    /// The namespace that is asked for, or that of the context.
    pub async fn namespace(&self) -> Outcome<String> {
        match &self.connection.namespace {
            Some(namespace) => Ok(namespace.clone()),
            None => Ok(self.cluster().await?.namespace.clone()),
        }
    }

    /// Who asks, for sentences that name the requester: as whom the user acts, where that is said.
    pub fn requester(&self) -> Request {
        let user = self.connection.impersonate.clone().unwrap_or_else(|| "you".into());
        Request { user, groups: self.connection.impersonate_groups.clone(), ..Request::default() }
    }

    /// The namespace for what needs no cluster: that of the context, where there is a kubeconfig.
    pub fn offline_namespace(&self) -> String {
        let of_context = || namespace_of_context(&self.connection);
        self.connection.namespace.clone().or_else(of_context).unwrap_or_else(|| "default".into())
    }
}

/// Asks the user; yes where nobody is there to ask.
pub fn confirm(question: &str) -> bool {
    if !stdin().is_terminal() {
        return true;
    }
    let question = format!("{question} [y/N] ");
    // The standard error may go into a file: the question is for who sits there.
    match OpenOptions::new().write(true).open("/dev/tty") {
        Ok(mut terminal) => drop(terminal.write_all(question.as_bytes())),
        Err(_) => err(format_args!("{question}")),
    }
    let mut answer = String::new();
    stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
