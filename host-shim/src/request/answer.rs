//! What an answer that refuses says. Not all come from the API server: a proxy in between answers in HTML.

use std::time::Duration;

use http::{HeaderMap, Response, StatusCode, header::RETRY_AFTER};
use http_body_util::BodyExt;
use kube::{client::Body, core::Status};

/// How much is read of an answer that refuses, in bytes.
const LONGEST: usize = 64 * 1024;

/// How much is quoted of one that the API server has not written, in characters.
const LONGEST_QUOTE: usize = 200;

/// The pause that a 429 asks for, at most: whatever it says, an end must not wait for longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The pause after a 429 that asks for none.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

/// Reads the answer.
pub(super) async fn read_refusal(response: Response<Body>) -> Status {
    let code = response.status();
    let text = read_start(response.into_body()).await;
    refusal(code, &text)
}

/// What of the body arrives, up to a limit.
async fn read_start(mut body: Body) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < LONGEST
        && let Some(Ok(frame)) = body.frame().await
    {
        text.extend(frame.into_data().unwrap_or_default());
    }
    text
}

fn refusal(code: StatusCode, text: &[u8]) -> Status {
    let code_alone = |message: String| Status::failure(&message, "").with_code(code.as_u16());
    match serde_json::from_slice::<Status>(text) {
        Ok(status) if status.code != 0 => status,
        Ok(status) if !status.message.is_empty() => status.with_code(code.as_u16()),
        _ if text.is_empty() => code_alone(format!("the API server answered {code}")),
        _ => code_alone(format!("the API server answered {code}: {}", quote(text))),
    }
}

/// The beginning of a text that has another form than it should have, in one line.
pub fn quote(text: &[u8]) -> String {
    let start = text.get(..LONGEST_QUOTE * 4).unwrap_or(text);
    let one_line = String::from_utf8_lossy(start).split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}…", one_line.split_at(end).0),
        None => one_line,
    }
}

/// How long a 429 asks us to wait.
pub(super) fn retry_after(headers: &HeaderMap, status: &Status) -> Duration {
    let in_header = || headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok();
    let in_details = || status.details.as_ref().map(|details| u64::from(details.retry_after_seconds));
    let seconds = in_header().or_else(in_details).filter(|&seconds| seconds > 0);
    seconds.map_or(USUAL_PAUSE, |seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::status(403, r#"{"kind":"Status","code":403,"message":"no"}"#, (403, "no"))]
    #[case::status_without_code(403, r#"{"kind":"Status","message":"no"}"#, (403, "no"))]
    #[case::html(502, "<html>\r\n<h1>502</h1>\n</html>", (502, "the API server answered 502 Bad Gateway: <html> <h1>502</h1> </html>"))]
    #[case::other_json(503, "{}", (503, "the API server answered 503 Service Unavailable: {}"))]
    #[case::nothing(401, "", (401, "the API server answered 401 Unauthorized"))]
    fn a_refusal_is_read(#[case] code: u16, #[case] text: &str, #[case] expected: (u16, &str)) {
        let status = refusal(StatusCode::from_u16(code).unwrap(), text.as_bytes());
        assert_eq!((status.code, status.message.as_str()), expected);
    }

    #[test]
    fn a_long_page_is_cut() {
        assert_eq!(quote("ä".repeat(201).as_bytes()), format!("{}…", "ä".repeat(200)));
        assert_eq!(quote("ä".repeat(200).as_bytes()), "ä".repeat(200));
    }

    #[rstest]
    #[case::header(Some("7"), 0, 7)]
    #[case::details(None, 3, 3)]
    #[case::header_first(Some("7"), 3, 7)]
    #[case::neither(None, 0, 1)]
    #[case::a_date(Some("Fri, 27 Nov 2026 06:00:00 GMT"), 0, 1)]
    #[case::too_long(Some("86400"), 0, 30)]
    fn a_pause_follows_the_answer(#[case] header: Option<&str>, #[case] in_details: u32, #[case] expected: u64) {
        let headers = header.map(|value| (RETRY_AFTER, value.parse().unwrap())).into_iter().collect();
        let details = serde_json::from_value(json!({"retryAfterSeconds": in_details})).unwrap();
        let status = Status { details: Some(details), ..Status::default() };
        assert_eq!(retry_after(&headers, &status), Duration::from_secs(expected));
    }
}
