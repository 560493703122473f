//! Answers as the proxy gives them: the API server's, the same but spoilt, or one in its place.

use std::error::Error;
use std::time::Duration;

use futures::future::Either;
use futures::{StreamExt as _, stream};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody};
use hyper::body::{Body, Bytes, Frame};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::random_faults::WatchFault;

type Failure = Box<dyn Error + Send + Sync>;

/// What is answered; an error of its body cuts the connection.
pub(super) type Answer = Response<UnsyncBoxBody<Bytes, Failure>>;

/// The API server's answer.
pub(super) fn as_sent<B>(answer: Response<B>) -> Answer
where
    B: Body<Data = Bytes, Error: Into<Failure>> + Send + 'static,
{
    answer.map(|body| body.map_err(Into::into).boxed_unsync())
}

/// What an API server says that refuses with this status.
pub(super) fn refusal(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::from(said(status).to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::TOO_MANY_REQUESTS {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    as_sent(answer)
}

/// Each piece comes that much later.
pub(super) fn slowed(answer: Answer, pause: Duration) -> Answer {
    answer.map(|body| {
        let pieces = BodyStream::new(body).then(move |piece| async move {
            sleep(pause).await;
            piece
        });
        StreamBody::new(pieces).boxed_unsync()
    })
}

/// After that time this becomes of a watch.
pub(super) fn spoilt(watch: Answer, fault: WatchFault, after: Duration) -> Answer {
    let gone = json!({"type": "ERROR", "object": said(StatusCode::GONE)});
    let text = match fault {
        WatchFault::Cut => Some(Err("cut".into())),
        WatchFault::HalfAnEvent => Some(Ok("{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Horizon".to_owned())),
        WatchFault::Gone => Some(Ok(format!("{gone}\n"))),
        WatchFault::Remark => Some(Ok(format!("{:#}\n", said(StatusCode::INTERNAL_SERVER_ERROR)))),
        WatchFault::Stalled => None,
    };
    watch.map(|body| {
        let events = BodyStream::new(body).take_until(Box::pin(sleep(after)));
        let rest = match text {
            Some(text) => Either::Left(stream::iter([text.map(|text| Frame::data(Bytes::from(text)))])),
            None => Either::Right(stream::pending()),
        };
        StreamBody::new(events.chain(rest)).boxed_unsync()
    })
}

fn said(status: StatusCode) -> Value {
    let reason = match status {
        StatusCode::CONFLICT => "Conflict",
        StatusCode::GONE => "Expired",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        StatusCode::UNAUTHORIZED => "Unauthorized",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
        StatusCode::GATEWAY_TIMEOUT => "Timeout",
        _ => "InternalError",
    };
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": status.as_u16(),
           "reason": reason, "message": format!("the proxy made this up: {reason}")})
}
