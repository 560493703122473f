//! Requests to the API server: who may send one next, how long an answer may take, and what a refusal means for the next
//! ones. Nothing is retried here, and no answer is interpreted but for its status.
//!
//! ```text
//! read, write, stream ──► gate (rank, rate, writes in flight) ──► client ──► answer ──► 429: the gate pauses
//!                                                                              └──────► 401: credentials
//! ```

mod answer;
mod credentials;
mod gate;
mod lines;
#[cfg(test)]
pub mod mock;
#[cfg(test)]
mod tests;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use kube::{Client, Config, client::Body};
use serde_json::Value;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tracing::Instrument as _;

pub use self::{
    answer::quote,
    credentials::NotAccepted,
    lines::{Line, Lines},
};
use self::{
    credentials::Credentials,
    gate::{Gate, Rank},
};
use crate::{
    clock::Clock,
    error::{Class, Failure},
    leadership::Leadership,
    metrics::Metrics,
    telemetry,
    write::Write,
};

/// Requests per second where nothing else is asked for: more than an API server on two cores answers, so that it limits
/// only what an API server of many cores would do to its neighbours.
pub const DEFAULT_REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(2000).unwrap();

/// Seconds.
const ANSWER_WITHIN: u64 = 10;
/// Seconds, for a page of a list.
const PAGE_WITHIN: u64 = 30;

/// Makes a client that leaves limits and retries to us.
///
/// # Errors
/// When the configuration makes no client.
pub fn connect(config: Config) -> kube::Result<Client> {
    Client::try_from(with_limits(config))
}

/// kube retries a 429 or 503 up to 15 times, for minutes and unseen, and waits 30 s for a connection and 295 s for a
/// write. It has no limit for reads: every read here has one.
fn with_limits(mut config: Config) -> Config {
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(ANSWER_WITHIN / 2));
    config.write_timeout = Some(Duration::from_secs(ANSWER_WITHIN));
    config
}

/// Sends requests. Cheap to clone; clones share the gate.
#[derive(Clone)]
pub struct Requests {
    client: Client,
    clock: Clock,
    gate: Arc<Gate>,
    credentials: Arc<Credentials>,
    leadership: Leadership,
    metrics: Metrics,
    /// Notified when a right is missing.
    forbidden: Arc<Notify>,
    /// Notified when an HPA is written.
    hpa_written: Arc<Notify>,
}

impl Requests {
    /// At most so many requests each second, lists and watches included, and 32 writes in flight.
    pub fn new(client: Client, clock: Clock, most_per_second: u32) -> Self {
        Self {
            client,
            clock,
            gate: Gate::new(clock, most_per_second),
            credentials: Arc::new(Credentials::new(clock)),
            leadership: Leadership::alone(),
            metrics: Metrics::new(),
            forbidden: Arc::default(),
            hpa_written: Arc::default(),
        }
    }

    /// Where its writes are counted, and what else its callers count.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Completes with the next answer that says that a right is missing, or at once where there was one since the last call.
    pub async fn forbidden(&self) {
        self.forbidden.notified().await;
    }

    /// Completes with the next write to an HPA, or at once where there was one since the last call.
    pub async fn hpa_written(&self) {
        self.hpa_written.notified().await;
    }

    /// The same, which writes only while this replica leads.
    pub fn led_by(&self, leadership: Leadership) -> Self {
        Self { leadership, ..self.clone() }
    }

    /// The same with a client and a gate of their own, for what must not wait behind a burst of writes. What is known of the
    /// credentials is shared, and the numbers.
    pub fn apart(&self, client: Client, most_per_second: u32) -> Self {
        let gate = Gate::new(self.clock, most_per_second);
        Self { client, gate, ..self.clone() }
    }

    /// Reads an object.
    ///
    /// # Errors
    /// When it is refused, or there is no answer within 10 s, or one that is not JSON.
    pub async fn read_json(&self, request: Request<Vec<u8>>) -> Result<Value, Failure> {
        decode(&self.answer(Rank::Read, ANSWER_WITHIN, request).await?)
    }

    /// Reads an object once nothing else waits for its turn.
    ///
    /// # Errors
    /// As of [`read_json`](Self::read_json).
    pub async fn read_behind(&self, request: Request<Vec<u8>>) -> Result<Value, Failure> {
        decode(&self.answer(Rank::Background, ANSWER_WITHIN, request).await?)
    }

    /// Reads anything, as it comes.
    ///
    /// # Errors
    /// When it is refused, or there is no answer within 10 s.
    pub async fn read(&self, request: Request<Vec<u8>>) -> Result<Bytes, Failure> {
        self.answer(Rank::Read, ANSWER_WITHIN, request).await
    }

    /// Reads a page of a list.
    ///
    /// # Errors
    /// When it is refused, or there is no answer within 30 s.
    pub async fn read_page(&self, request: Request<Vec<u8>>) -> Result<Bytes, Failure> {
        self.answer(Rank::Read, PAGE_WITHIN, request).await
    }

    /// Writes: PATCH, POST, PUT, DELETE. The 10 s begin when it is sent: before, it waits for its turn.
    ///
    /// # Errors
    /// When it is refused, or this replica does not lead. When there is no answer within 10 s, or it leads no more before
    /// there is one: then it may have been done or not.
    pub async fn write(&self, write: Write, request: Request<Vec<u8>>) -> Result<String, Failure> {
        text(self.written(write, None, request).await?)
    }

    /// As [`write`](Self::write), but only until then: what it was decided by is too old later.
    ///
    /// # Errors
    /// Also when its turn comes too late.
    pub async fn write_until(
        &self,
        write: Write,
        not_after: Instant,
        request: Request<Vec<u8>>,
    ) -> Result<String, Failure> {
        text(self.written(write, Some(not_after), request).await?)
    }

    /// As [`write`](Self::write), decoded.
    ///
    /// # Errors
    /// Also when the answer is not JSON.
    pub async fn write_json(&self, write: Write, request: Request<Vec<u8>>) -> Result<Value, Failure> {
        decode(&self.written(write, None, request).await?)
    }

    /// Starts an answer without an end of its own. How long it may last is up to the caller.
    ///
    /// # Errors
    /// When it is refused, or does not start within 10 s.
    pub async fn stream(&self, request: Request<Vec<u8>>) -> Result<Lines, Failure> {
        let _in_flight = self.gate.pass(Rank::Read).await;
        let response = within(ANSWER_WITHIN, self.send(request)).await?;
        Ok(Lines::new(response.into_body()))
    }

    /// Completes when the API server has answered nothing but 401 for five minutes: then the process has to end, so that
    /// its supervisor starts it with the token of then. A 401 is logged here, once a minute; callers need not.
    pub async fn unauthorized(&self) -> NotAccepted {
        self.credentials.not_accepted().await
    }

    /// Whether it leads, and whether it is too late, is asked when its turn has come; an answer that comes when it leads no
    /// more is not waited for.
    async fn written(
        &self,
        write: Write,
        not_after: Option<Instant>,
        request: Request<Vec<u8>>,
    ) -> Result<Bytes, Failure> {
        let _in_flight = self.gate.pass(Rank::Write(write.priority())).await;
        let now = self.clock.now().steady();
        if !self.leadership.is_held(now) {
            return Err(Failure::NotLeading);
        }
        if not_after.is_some_and(|not_after| now > not_after) {
            return Err(Failure::TooLate);
        }
        // A question changes nothing.
        let mut on_its_way = OnItsWay { requests: self, is_answered: write == Write::Review };
        tokio::select! {
            biased;
            () = self.leadership.lost(self.clock) => Err(Failure::NotLeading),
            answer = within(ANSWER_WITHIN, self.whole(request)) => {
                on_its_way.is_answered = true;
                self.metrics.note_write(write, answer.as_ref().err().map(Failure::class));
                if matches!(write, Write::Hpa(_)) {
                    self.hpa_written.notify_one();
                }
                answer
            }
        }
    }

    async fn answer(&self, rank: Rank, seconds: u64, request: Request<Vec<u8>>) -> Result<Bytes, Failure> {
        let _in_flight = self.gate.pass(rank).await;
        within(seconds, self.whole(request)).await
    }

    async fn whole(&self, request: Request<Vec<u8>>) -> Result<Bytes, Failure> {
        Ok(self.send(request).await?.into_body().collect_bytes().await?)
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Body>, Failure> {
        let span = telemetry::request(&request);
        let response = self.client.send(request.map(Body::from)).instrument(span.clone()).await?;
        span.record("http.response.status_code", response.status().as_u16());
        if response.status().is_success() {
            self.credentials.note_accepted();
            return Ok(response);
        }
        let headers = response.headers().clone();
        let status = answer::read_refusal(response).await;
        match Class::of(&status) {
            Class::Unauthorized => self.credentials.note_refused(&status.message),
            class => {
                self.credentials.note_accepted();
                if class == Class::Forbidden {
                    self.forbidden.notify_one();
                }
                if class == Class::Throttled {
                    self.gate.pause_until(self.clock.now().steady() + answer::retry_after(&headers, &status));
                }
            }
        }
        Err(status.into())
    }
}

/// A write without an answer yet. Whoever waits for it may be given up, too, as soon as the lead is lost.
struct OnItsWay<'a> {
    requests: &'a Requests,
    is_answered: bool,
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        let Requests { leadership, clock, metrics, .. } = self.requests;
        if !self.is_answered && !leadership.is_held(clock.now().steady()) {
            // It is harmless: one of an HPA says which version it is for, and a status is written again.
            tracing::warn!("a write was on its way when this replica led no more: it may be done or not");
            metrics.note_stale_write();
        }
    }
}

/// A request that kube has built.
///
/// # Errors
/// Where it could not: its parts are no URL.
pub fn built(request: Result<Request<Vec<u8>>, kube::core::request::Error>) -> Result<Request<Vec<u8>>, Failure> {
    request.map_err(|error| kube::Error::BuildRequest(error).into())
}

async fn within<T>(seconds: u64, answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(Duration::from_secs(seconds), answer).await.unwrap_or(Err(Failure::Timeout(seconds)))
}

fn text(answer: Bytes) -> Result<String, Failure> {
    String::from_utf8(answer.into()).map_err(|error| Failure::Unreadable(quote(error.as_bytes())))
}

fn decode(answer: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(answer).map_err(|_| Failure::Unreadable(quote(answer)))
}
