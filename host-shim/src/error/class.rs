//! What an answer of the API server means, by its HTTP status and reason.
//!
//! Two questions they leave open, and only the API server's own words answer: whether RBAC or admission has refused with
//! 403, and whether a webhook is down or something else is broken behind a 500.

use std::time::Duration;

use hpa_override_core::Reason;
use kube::core::Status;

/// What an answer of the API server means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The controller lacks a right.
    Forbidden,
    /// An admission policy, a webhook or the API's own validation refuses what was written.
    Denied,
    /// A webhook that fails closed does not answer.
    WebhookDown,
    /// Somebody has changed the object since it was read, or there is one of that name.
    Conflict,
    /// The resourceVersion or the rest of a list is no longer kept: list anew.
    Gone,
    /// There is no such object, or no such kind.
    NotFound,
    /// Too many requests.
    Throttled,
    /// The credentials are not accepted. It is logged where the answer arrives: callers need not.
    Unauthorized,
    /// No answer in time, from the API server or from what is behind it.
    Timeout,
    /// Everything else: no connection, an API server that starts or stops, an answer that is none.
    Other,
}

/// Where a person has to act.
const LONGEST_FOR_A_PERSON: Duration = Duration::from_mins(5);
/// Where the failure passes by itself: an outage must not delay an end for long once it is over.
const LONGEST_FOR_AN_OUTAGE: Duration = Duration::from_secs(10);

/// The longest pause between two attempts.
pub(super) fn longest_wait(needs_a_person: bool) -> Duration {
    if needs_a_person { LONGEST_FOR_A_PERSON } else { LONGEST_FOR_AN_OUTAGE }
}

impl Class {
    /// Classifies an answer that refuses.
    pub fn of(status: &Status) -> Self {
        match (status.code, status.reason.as_str()) {
            // Whatever code the webhook has chosen.
            _ if is_refused_by_webhook(status) => Self::Denied,
            (410, _) | (_, "Gone" | "Expired") => Self::Gone,
            (401, _) => Self::Unauthorized,
            (403, _) if lacks_a_right(status) => Self::Forbidden,
            (400 | 403 | 413 | 422, _) => Self::Denied,
            (404, _) => Self::NotFound,
            (409, _) => Self::Conflict,
            (429, _) => Self::Throttled,
            (408 | 504, _) | (_, "Timeout" | "ServerTimeout") => Self::Timeout,
            (500, _) if status.message.contains(WEBHOOK_DOWN) => Self::WebhookDown,
            _ => Self::Other,
        }
    }

    /// Whether another attempt will hardly succeed before a person has acted. A webhook that is down recovers by itself.
    pub fn needs_a_person(self) -> bool {
        matches!(self, Self::Forbidden | Self::Denied)
    }

    /// What a status reports where the write to an HPA is answered so; none where it is tried again without a word.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Forbidden => Some(Reason::Forbidden),
            Self::Denied | Self::WebhookDown => Some(Reason::WriteDenied),
            Self::Conflict
            | Self::Gone
            | Self::NotFound
            | Self::Throttled
            | Self::Unauthorized
            | Self::Timeout
            | Self::Other => None,
        }
    }

    /// The label of a metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Denied => "denied",
            Self::WebhookDown => "webhook_down",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::NotFound => "not_found",
            Self::Throttled => "throttled",
            Self::Unauthorized => "unauthorized",
            Self::Timeout => "timeout",
            Self::Other => "other",
        }
    }
}

/// How the API server begins the refusal of an admission webhook.
const WEBHOOK_DENIES: &str = "admission webhook \"";

/// What the API server says of a webhook that does not answer and fails closed.
const WEBHOOK_DOWN: &str = "failed calling webhook";

fn is_refused_by_webhook(status: &Status) -> bool {
    status.message.starts_with(WEBHOOK_DENIES)
}

/// Whether RBAC refuses. Its sentence names user, verb and resource: `… is forbidden: User "…" cannot get resource "…" …`.
fn lacks_a_right(status: &Status) -> bool {
    let names_both =
        |user_and_rest: &str| user_and_rest.contains("\" cannot ") && user_and_rest.contains(" resource \"");
    let rest = status.message.split_once(" is forbidden: User \"").map(|(_, rest)| rest);
    rest.is_some_and(names_both)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NO_RIGHT: &str = "horizontalpodautoscalers.autoscaling \"web\" is forbidden: User \"c\" cannot get resource \
                            \"horizontalpodautoscalers\" in API group \"autoscaling\" in the namespace \"shop\"";

    #[rstest]
    #[case::no_right(403, "Forbidden", NO_RIGHT, Class::Forbidden)]
    #[case::quota(403, "Forbidden", "horizontalpodautoscalers \"web\" is forbidden: exceeded quota", Class::Denied)]
    #[case::webhook(403, "Forbidden", "admission webhook \"x\" denied the request: no", Class::Denied)]
    #[case::webhook_with_any_code(404, "", "admission webhook \"x\" denied the request: no", Class::Denied)]
    #[case::webhook_quotes_rbac(
        403,
        "Forbidden",
        "admission webhook \"x\" denied the request: a is forbidden: User \"c\" cannot get resource \"b\"",
        Class::Denied
    )]
    #[case::policy(422, "Invalid", "ValidatingAdmissionPolicy 'max' denied request", Class::Denied)]
    #[case::validation(400, "BadRequest", "not valid", Class::Denied)]
    #[case::too_large(413, "RequestEntityTooLarge", "limit is 3145728", Class::Denied)]
    #[case::webhook_down(
        500,
        "InternalError",
        "Internal error occurred: failed calling webhook \"x\": timeout",
        Class::WebhookDown
    )]
    #[case::leader_changed(500, "InternalError", "etcdserver: leader changed", Class::Other)]
    #[case::not_there(404, "NotFound", "autoscaleroverrides.hpa-override.dev \"a\" not found", Class::NotFound)]
    #[case::conflict(409, "Conflict", "the object has been modified", Class::Conflict)]
    #[case::expired(410, "Expired", "too old resource version: 1 (2)", Class::Gone)]
    #[case::expired_without_code(0, "Expired", "The resourceVersion for the provided watch is too old.", Class::Gone)]
    #[case::throttled(429, "TooManyRequests", "please try again later", Class::Throttled)]
    #[case::unauthorized(401, "Unauthorized", "Unauthorized", Class::Unauthorized)]
    #[case::gateway(504, "Timeout", "Timeout: Too large resource version: 9, current: 5", Class::Timeout)]
    #[case::server_timeout(500, "ServerTimeout", "the server was unable to return a response in time", Class::Timeout)]
    #[case::unavailable(503, "ServiceUnavailable", "apiserver is shutting down", Class::Other)]
    fn an_answer_means(#[case] code: u16, #[case] reason: &str, #[case] message: &str, #[case] expected: Class) {
        let status = Status { code, reason: reason.into(), message: message.into(), ..Status::default() };
        assert_eq!(Class::of(&status), expected);
    }

    #[rstest]
    #[case::forbidden(Class::Forbidden, Some(Reason::Forbidden), 300)]
    #[case::denied(Class::Denied, Some(Reason::WriteDenied), 300)]
    #[case::webhook_down(Class::WebhookDown, Some(Reason::WriteDenied), 10)]
    #[case::conflict(Class::Conflict, None, 10)]
    #[case::gone(Class::Gone, None, 10)]
    #[case::not_found(Class::NotFound, None, 10)]
    #[case::throttled(Class::Throttled, None, 10)]
    #[case::unauthorized(Class::Unauthorized, None, 10)]
    #[case::timeout(Class::Timeout, None, 10)]
    #[case::other(Class::Other, None, 10)]
    fn from_the_class_follow_reason_and_wait(
        #[case] class: Class,
        #[case] reason: Option<Reason>,
        #[case] longest: u64,
    ) {
        assert_eq!(class.reason(), reason);
        assert_eq!(longest_wait(class.needs_a_person()), Duration::from_secs(longest));
    }
}
