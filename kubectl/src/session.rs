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
    failure::{Failure, Outcome},
    flags::Connection,
    say::{err, note},
    when::{Named, parse_instant},
};

/// One call.
pub struct Session {
    connection: Connection,
    clock: fn() -> Instant,
    /// The zone of the user.
    pub zone: TimeZone,
    cluster: OnceLock<Cluster>,
    /// How many seconds the clock of the API server is ahead of this machine's; looked at once.
    ahead: OnceLock<i64>,
}

impl Session {
    /// A call with these flags.
    pub fn new(connection: Connection, clock: fn() -> Instant, zone: TimeZone) -> Self {
        Self { connection, clock, zone, cluster: OnceLock::new(), ahead: OnceLock::new() }
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

    /// The clock of the API server, where it answers; else that of this machine.
    pub async fn server_clock(&self) -> impl Fn() -> Instant {
        let ahead = if let Some(ahead) = self.ahead.get() {
            *ahead
        } else {
            let ahead = self.measured().await.unwrap_or_default();
            *self.ahead.get_or_init(|| ahead)
        };
        let clock = self.clock;
        move || clock().saturating_add(ahead)
    }

    /// Both clocks give whole seconds: a difference of one is none.
    async fn measured(&self) -> Option<i64> {
        let server = self.cluster().await.ok()?.time().await?;
        Some(server.since(self.now())).filter(|ahead| ahead.abs() > 1)
    }

    /// The time by that clock.
    pub async fn server_time(&self) -> Instant {
        (self.server_clock().await)()
    }

    /// An instant that the user names, in the forms of [`parse_instant`]; what is special about it is said.
    pub fn instant(&self, text: &str, now: Instant, after: Instant) -> Outcome<Instant> {
        let Named { at, notes } = parse_instant(text, now, after, &self.zone).map_err(Failure::new)?;
        for text in notes {
            note!("note: {text}");
        }
        Ok(at)
    }

    /// The namespace that is asked for, or that of the context.
    pub async fn namespace(&self) -> Outcome<String> {
        match &self.connection.namespace {
            Some(namespace) => Ok(namespace.clone()),
            None => Ok(self.cluster().await?.namespace.clone()),
        }
    }

    /// The requester, for sentences that name one: the user of `--as`.
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
