//! An API server for tests: it says what it was asked, and answers what the test wants. Time is paused in them.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::stream;
use http::{Request, Response, header::RETRY_AFTER};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};
use tower_test::mock::{Handle, SendResponse, pair};
use tracing::subscriber::DefaultGuard;

use crate::telemetry::FILTER;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

/// The server's side of a client.
pub struct MockApi {
    handle: Handle<Request<Body>, Response<AnswerBody>>,
}

/// A client, and the server that it asks.
pub fn mock_api() -> (Client, MockApi) {
    let (service, handle) = pair();
    (Client::new(service, "default"), MockApi { handle })
}

impl MockApi {
    /// The next request. Panics where there is none within an hour.
    pub async fn next(&mut self) -> Asked {
        self.next_within(Duration::from_hours(1)).await.expect("a request within an hour")
    }

    /// The next request, where there is one in time.
    pub async fn next_within(&mut self, time: Duration) -> Option<Asked> {
        let (request, answer) = timeout(time, self.handle.next_request()).await.ok()?.expect("the client is there");
        Some(Asked { request, answer })
    }
}

/// A request that waits for its answer.
pub struct Asked {
    pub request: Request<Body>,
    answer: SendResponse<Response<AnswerBody>>,
}

impl Asked {
    /// Path and query.
    pub fn target(&self) -> String {
        self.request.uri().to_string()
    }

    /// One parameter of the query, as it is encoded.
    pub fn param(&self, name: &str) -> Option<String> {
        let query = self.request.uri().query().unwrap_or_default();
        query.split('&').find_map(|pair| Some(pair.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
    }

    /// Answers with a whole text.
    pub fn answer(self, code: u16, text: impl Into<Bytes>) {
        let body = Full::new(text.into()).map_err(|never| match never {}).boxed_unsync();
        self.answer.send_response(Response::builder().status(code).body(body).unwrap());
    }

    /// Answers 200 with a whole document.
    pub fn answer_json(self, document: &Value) {
        self.answer(200, document.to_string());
    }

    /// Refuses, as an API server does.
    pub fn refuse(self, code: u16, reason: &str, message: &str) {
        self.answer(code, status(code, reason, message).to_string());
    }

    /// Answers 429.
    pub fn throttle(self, seconds: u64) {
        let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
        let response = Response::builder().status(429).header(RETRY_AFTER, seconds).body(body).unwrap();
        self.answer.send_response(response);
    }

    /// There is no connection.
    pub fn fail(self, why: &str) {
        self.answer.send_error(std::io::Error::other(why.to_owned()));
    }

    /// Answers 200; the text is sent later.
    pub fn answer_slowly(self) -> Sending {
        let (sender, receiver) = mpsc::unbounded_channel::<Result<Bytes, BoxError>>();
        let frames = stream::unfold(receiver, |mut receiver| async {
            let data = receiver.recv().await?;
            Some((data.map(Frame::data), receiver))
        });
        let body = StreamBody::new(frames).boxed_unsync();
        self.answer.send_response(Response::builder().status(200).body(body).unwrap());
        Sending(sender)
    }

    /// Never answers; the connection stays open as long as this is kept.
    pub fn hang(self) -> Hanging {
        Hanging { _answer: self.answer }
    }
}

/// A request that is never answered.
pub struct Hanging {
    _answer: SendResponse<Response<AnswerBody>>,
}

/// An answer that is not finished; dropping it ends it.
pub struct Sending(mpsc::UnboundedSender<Result<Bytes, BoxError>>);

impl Sending {
    /// Sends some text.
    pub fn send(&self, text: impl Into<Bytes>) {
        let _given_up = self.0.send(Ok(text.into()));
    }

    /// Sends an event of a watch.
    pub fn event(&self, kind: &str, object: &Value) {
        self.send(format!("{}\n", json!({"type": kind, "object": object})));
    }

    /// Sends a bookmark.
    pub fn bookmark(&self, version: &str) {
        self.event("BOOKMARK", &json!({"metadata": {"resourceVersion": version}}));
    }

    /// The connection is cut.
    pub fn cut(self, why: &str) {
        let _given_up = self.0.send(Err(why.into()));
    }

    /// Waits until the client has closed the connection.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

/// What an API server refuses with.
pub fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
           "reason": reason, "code": code})
}

/// What is logged in this thread.
pub struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

impl Log {
    /// Begins to keep it.
    pub fn capture() -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let to = text.clone();
        let subscriber =
            tracing_subscriber::fmt().with_env_filter(FILTER).without_time().with_ansi(false).with_target(false);
        let subscriber = subscriber.with_writer(move || Writer(to.clone())).finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// Its lines so far, which it forgets.
    pub fn take(&self) -> Vec<String> {
        let text = std::mem::take(&mut *self.text.lock().unwrap());
        String::from_utf8(text).unwrap().lines().map(|line| line.trim().to_owned()).collect()
    }
}

struct Writer(Arc<Mutex<Vec<u8>>>);

impl Write for Writer {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
