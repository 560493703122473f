//! Whether the API server accepts our credentials. A token that has expired makes every answer a 401: that is said once a
//! minute, and ends the process after five, so that the next start reads the token of then.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::clock::{Clock, Moment};

/// How often it is said.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// How long nothing but 401 is put up with.
const LONGEST: Duration = Duration::from_mins(5);

/// The API server has answered nothing but 401 for too long.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the API server has not accepted the credentials for five minutes; it says: {message}")]
pub struct NotAccepted {
    message: String,
}

/// What every answer, of every client, says of the credentials.
#[derive(Debug)]
pub(super) struct Credentials {
    clock: Clock,
    refusals: Mutex<Option<Refusals>>,
    ended: watch::Sender<Option<String>>,
}

/// Answers 401 with no other between.
#[derive(Debug)]
struct Refusals {
    since: Moment,
    said: Moment,
    /// Since it was said.
    unsaid: u32,
}

impl Credentials {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, refusals: Mutex::default(), ended: watch::Sender::new(None) }
    }

    /// An answer other than 401. A missing answer says nothing.
    pub(super) fn note_accepted(&self) {
        if self.lock().take().is_some() {
            tracing::info!("the API server accepts the credentials again");
        }
    }

    /// A 401.
    pub(super) fn note_refused(&self, message: &str) {
        let now = self.clock.now();
        let mut refusals = self.lock();
        let Some(refusals) = refusals.as_mut() else {
            *refusals = Some(Refusals { since: now, said: now, unsaid: 0 });
            tracing::warn!(error = %message, "the API server does not accept the credentials");
            return;
        };
        refusals.unsaid += 1;
        if now.since(refusals.said) >= SAID_EVERY {
            let answers = refusals.unsaid;
            tracing::warn!(error = %message, answers, "the API server still does not accept the credentials");
            (refusals.said, refusals.unsaid) = (now, 0);
        }
        if now.since(refusals.since) >= LONGEST {
            self.ended.send_replace(Some(message.to_owned()));
        }
    }

    /// Completes with the first 401 that comes five minutes after another, with no other answer between.
    pub(super) async fn not_accepted(&self) -> NotAccepted {
        let mut ended = self.ended.subscribe();
        let message = ended.wait_for(Option::is_some).await.ok().and_then(|message| message.clone());
        NotAccepted { message: message.unwrap_or_default() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Refusals>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
