//! Answers admission itself, for clusters without Kubewarden: the same two decisions, by the same functions as the policy
//! module. Every replica answers, whether it leads or not.
//!
//! ```text
//!   API server ─ HTTPS ─► server ─► review ─► core: Call, decide ─► review ─► API server
//!                                              └─ may this requester patch? ─► API server
//! ```
//! It refuses to guess: a body that is no review gets a 400, and the API server then does what the configuration says
//! about a webhook that fails.

mod certificate;
mod files;
mod renewal;
mod review;
mod server;
mod stored;

use std::{panic::resume_unwind, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
    routing::post,
};
use hpa_override_core::{MayPatch, Question, Settings, Subject, decide};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

#[cfg(test)]
pub use self::certificate::Presented;
use self::review::{Malformed, Review};
pub use self::{
    certificate::Certificate,
    files::Files,
    renewal::{CONFIGURATIONS, Renewal, Times},
    server::serve,
};
use crate::{
    access_review,
    clock::Clock,
    metrics::Reviewed,
    object::{HPA, OVERRIDE},
    permissions::Permissions,
    request::Requests,
    settings::CurrentSettings,
};

/// Bytes of a review: two HPAs as large as etcd takes them, and what is around them.
const LARGEST: usize = 4 << 20;
/// Up to so many bytes a review is read without waiting for others: nearly all are much smaller.
const SMALL: usize = 64 << 10;
/// Bytes of larger ones at once.
const LARGE_AT_ONCE: usize = 32 << 20;
/// How long a body may take to arrive. The API server gives the merge up after 2 s.
const BODY_WITHIN: Duration = Duration::from_millis(1500);
/// Reviews that are parsed and decided at once: that is work for a processor.
const DECIDED_AT_ONCE: usize = 4;
/// Questions about requesters at once.
const QUESTIONS_AT_ONCE: usize = 8;
/// How long the answer about a requester may take, waiting for its turn included: the API server waits 5 s for ours.
const QUESTION_WITHIN: Duration = Duration::from_secs(2);

/// What an answer needs. Cheap to clone.
#[derive(Clone)]
pub struct Webhook {
    clock: Clock,
    settings: CurrentSettings,
    permissions: Permissions,
    requests: Requests,
    limits: Arc<Limits>,
}

/// What is done at once.
struct Limits {
    /// In bytes.
    large: Semaphore,
    decided: Semaphore,
    questions: Semaphore,
}

impl Webhook {
    /// `permissions` know as whom this process writes; `requests` are for questions about requesters alone.
    pub fn new(clock: Clock, settings: CurrentSettings, permissions: Permissions, requests: Requests) -> Self {
        let limits = Limits {
            large: Semaphore::new(LARGE_AT_ONCE),
            decided: Semaphore::new(DECIDED_AT_ONCE),
            questions: Semaphore::new(QUESTIONS_AT_ONCE),
        };
        Self { clock, settings, permissions, requests, limits: Arc::new(limits) }
    }

    /// Answers at `/admit`.
    pub fn router(self) -> Router {
        Router::new().route("/admit", post(admit)).with_state(self)
    }

    async fn answer(&self, body: Bytes) -> Result<Vec<u8>, Malformed> {
        let metrics = self.requests.metrics();
        let size = body.len();
        let review = self.work(size, move || Review::parse(&body)).await;
        let review = review.inspect_err(|_| metrics.note_review("", Reviewed::Malformed))?;
        let (now, settings, resource) = (self.clock.now().instant(), self.settings(), resource(&review));
        let may_patch = match review.question(&settings) {
            Some(question) => self.ask(&question).await,
            None => MayPatch::NotAsked,
        };
        let decide = move || {
            let verdict = decide(review.call(), || Ok(settings), now, |_| may_patch);
            (verdict.refusal.is_none(), review.answer(verdict))
        };
        let (is_allowed, answer) = self.work(size, decide).await;
        metrics.note_review(resource, if is_allowed { Reviewed::Allowed } else { Reviewed::Refused });
        Ok(answer)
    }

    /// Does work for a processor; that of a large review beside the tasks of the controller.
    async fn work<R: Send + 'static>(&self, size: usize, work: impl FnOnce() -> R + Send + 'static) -> R {
        let _permit = self.limits.decided.acquire().await;
        if size <= SMALL {
            return work();
        }
        spawn_blocking(work).await.unwrap_or_else(|failed| resume_unwind(failed.into_panic()))
    }

    async fn ask(&self, question: &Question) -> MayPatch {
        let asked = async {
            let _permit = self.limits.questions.acquire().await;
            access_review::ask_now(question, &self.requests).await
        };
        timeout(QUESTION_WITHIN, asked).await.unwrap_or(MayPatch::Unavailable)
    }

    /// Those in force. Our own writes are those of the account that this process has, whatever they say.
    fn settings(&self) -> Arc<Settings> {
        let mut settings = self.settings.now();
        if let Some(user) = self.permissions.user().filter(|user| *user != settings.controller_user) {
            Arc::make_mut(&mut settings).controller_user = user;
        }
        settings
    }
}

async fn admit(State(webhook): State<Webhook>, headers: HeaderMap, body: Body) -> Response {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let Some(length) = length else { return StatusCode::LENGTH_REQUIRED.into_response() };
    if length > LARGEST {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let read = async {
        let bytes = u32::try_from(length).unwrap_or(u32::MAX);
        let permit = if length > SMALL { webhook.limits.large.acquire_many(bytes).await.ok() } else { None };
        (permit, to_bytes(body, length).await)
    };
    let (_permit, body) = match timeout(BODY_WITHIN, read).await {
        Ok((permit, Ok(body))) => (permit, body),
        Ok((_, Err(error))) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    match webhook.answer(body).await {
        Ok(answer) => ([(CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(malformed) => (StatusCode::BAD_REQUEST, format!("{malformed}\n")).into_response(),
    }
}

/// The plural of what is asked about.
fn resource(review: &Review) -> &'static str {
    match review.call().as_ref().map_or_else(|unreadable| unreadable.subject, |call| Some(call.subject)) {
        Some(Subject::Override) => OVERRIDE.plural,
        Some(Subject::Hpa) => HPA.plural,
        Some(Subject::Other) | None => "",
    }
}
