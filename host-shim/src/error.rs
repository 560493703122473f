//! What can go wrong, one variant per step, and in one place what an answer of the API server means: whether a status
//! reports it, and whether a person has to act.

use hpa_override_core::Reason;
use hpa_override_plan::Problem;
use kube::{core::Status, runtime::watcher};

/// A failed step. Nothing more is written in an unknown state; the step is tried again, more and more slowly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The consistent read before a timed end.
    #[error("failed to confirm the overrides before a timed end")]
    Confirm(#[source] Failure),
    /// The write to an HPA.
    #[error("failed to write HorizontalPodAutoscaler {namespace}/{name}")]
    WriteHpa {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        source: Failure,
    },
    /// The response to the write differs from what was sent.
    #[error("the write to HorizontalPodAutoscaler {namespace}/{name} was altered: {what}")]
    Altered {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What differs.
        what: String,
    },
    /// The write of a status.
    #[error("failed to write the status of AutoscalerOverride {namespace}/{name}")]
    WriteStatus {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        source: Failure,
    },
    /// The deletion after `ttlAfterFinished`.
    #[error("failed to delete AutoscalerOverride {namespace}/{name} after its ttlAfterFinished")]
    Delete {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        source: Failure,
    },
}

impl Error {
    /// What the status has to report.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::Altered { what, .. } => Some(Problem { reason: Reason::WriteAltered, message: what.clone() }),
            Self::WriteHpa { source, .. } => match source.class() {
                Class::Forbidden => Some(Problem { reason: Reason::Forbidden, message: source.to_string() }),
                Class::Denied | Class::WebhookDown => {
                    Some(Problem { reason: Reason::WriteDenied, message: source.to_string() })
                }
                Class::Conflict | Class::NotFound | Class::Other => None,
            },
            Self::Confirm(source) if source.class() == Class::Forbidden => {
                Some(Problem { reason: Reason::Forbidden, message: source.to_string() })
            }
            Self::Confirm(_) | Self::WriteStatus { .. } | Self::Delete { .. } => None,
        }
    }

    /// Whether another attempt will hardly succeed before a person has acted. A webhook that is down recovers by itself.
    pub fn needs_a_person(&self) -> bool {
        let webhook_down = matches!(self, Self::WriteHpa { source, .. } if source.class() == Class::WebhookDown);
        self.problem().is_some() && !webhook_down
    }
}

/// A failed request. It prints its cause as the API server words it, and so has no source.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No answer in time.
    #[error("no answer from the API server within {0} s")]
    Timeout(u64),
    /// An answer that refuses, or no connection.
    #[error("{}", message_of(.0))]
    Kube(kube::Error),
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        Self::Kube(error)
    }
}

impl Failure {
    /// Whether the object was changed by somebody between our read and our write.
    pub fn is_conflict(&self) -> bool {
        self.class() == Class::Conflict
    }

    /// Whether the object is gone.
    pub fn is_not_found(&self) -> bool {
        self.class() == Class::NotFound
    }

    /// Whether RBAC refuses it.
    pub fn is_forbidden(&self) -> bool {
        self.class() == Class::Forbidden
    }

    fn class(&self) -> Class {
        match self {
            Self::Kube(kube::Error::Api(status)) => classify(status),
            // The group is served, and has no such kind.
            Self::Kube(kube::Error::Discovery(_)) => Class::NotFound,
            Self::Kube(_) | Self::Timeout(_) => Class::Other,
        }
    }
}

/// What an answer of the API server means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// The controller lacks a right.
    Forbidden,
    /// An admission policy or the API's own validation refuses what was written.
    Denied,
    /// A webhook that fails closed does not answer.
    WebhookDown,
    Conflict,
    NotFound,
    Other,
}

fn classify(status: &Status) -> Class {
    match status.code {
        403 if lacks_a_right(status) => Class::Forbidden,
        400 | 403 | 422 => Class::Denied,
        404 => Class::NotFound,
        409 => Class::Conflict,
        500 if status.message.contains(WEBHOOK_DENIES) => Class::Denied,
        500 if status.message.contains(WEBHOOK_DOWN) => Class::WebhookDown,
        _ => Class::Other,
    }
}

/// How the API server begins the refusal of an admission webhook.
const WEBHOOK_DENIES: &str = "admission webhook";

/// What the API server says of a webhook that does not answer and fails closed.
const WEBHOOK_DOWN: &str = "failed calling webhook";

/// Whether RBAC refuses. Its sentence names user, verb and resource: `… is forbidden: User "…" cannot get resource "…" …`.
fn lacks_a_right(status: &Status) -> bool {
    let names_both =
        |user_and_rest: &str| user_and_rest.contains("\" cannot ") && user_and_rest.contains(" resource \"");
    let rest = status.message.split_once(" is forbidden: User \"").map(|(_, rest)| rest);
    !status.message.contains(WEBHOOK_DENIES) && rest.is_some_and(names_both)
}

/// What to do about a missing right.
const APPLY_THE_RIGHTS: &str = "apply `deploy/rbac`, which gives the controller its rights";

/// The message of the API server, without the rest of its answer.
fn message_of(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status_message(status),
        other => other.to_string(),
    }
}

fn status_message(status: &Status) -> String {
    let message = &status.message;
    if classify(status) == Class::Forbidden { format!("{message}; {APPLY_THE_RIGHTS}") } else { message.clone() }
}

/// Why a watch fails, in the API server's words where it answered.
pub fn watch_message(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => message_of(error),
        watcher::Error::WatchError(status) => status_message(status),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u16, message: &str) -> Error {
        let status = Status { code, message: message.into(), ..Status::default() };
        let source = Failure::Kube(kube::Error::Api(Box::new(status)));
        Error::WriteHpa { namespace: "shop".into(), name: "web".into(), source }
    }

    const NO_RIGHT: &str = "horizontalpodautoscalers.autoscaling \"web\" is forbidden: User \"c\" cannot get resource \
                            \"horizontalpodautoscalers\" in API group \"autoscaling\" in the namespace \"shop\"";

    #[track_caller]
    fn check(code: u16, message: &str, reason: Option<Reason>, needs_a_person: bool) {
        let error = answered(code, message);
        assert_eq!(error.problem().map(|problem| problem.reason), reason);
        assert_eq!(error.needs_a_person(), needs_a_person);
    }

    #[test]
    fn what_a_refusal_means() {
        check(403, NO_RIGHT, Some(Reason::Forbidden), true);
        check(403, "admission webhook \"x\" denied the request: no", Some(Reason::WriteDenied), true);
        let quoted = format!("admission webhook \"x\" denied the request: {NO_RIGHT}");
        check(403, &quoted, Some(Reason::WriteDenied), true);
        check(422, "ValidatingAdmissionPolicy 'max' denied request", Some(Reason::WriteDenied), true);
        check(500, "Internal error occurred: failed calling webhook \"x\": timeout", Some(Reason::WriteDenied), false);
        check(500, "admission webhook \"x\" denied the request: no", Some(Reason::WriteDenied), true);
        check(500, "etcdserver: leader changed", None, false);
        check(503, "unavailable", None, false);
    }

    #[test]
    fn an_altered_write_needs_a_person() {
        let what = "spec.minReplicas is 3; a policy says `failed calling webhook`".to_owned();
        let error = Error::Altered { namespace: "shop".into(), name: "web".into(), what: what.clone() };
        assert_eq!(error.problem(), Some(Problem { reason: Reason::WriteAltered, message: what }));
        assert!(error.needs_a_person());
    }

    #[test]
    fn a_missing_right_is_reported_with_what_to_do() {
        let advice = format!("{NO_RIGHT}; apply `deploy/rbac`, which gives the controller its rights");
        let error = answered(403, NO_RIGHT);
        assert_eq!(error.problem().map(|problem| problem.message), Some(advice.clone()));
        let Error::WriteHpa { source, .. } = error else { panic!("{error}") };
        let error = Error::Confirm(source);
        assert_eq!(error.problem().map(|problem| problem.message), Some(advice.clone()));
        let printed = format!("{:#}", anyhow::Error::from(error));
        assert_eq!(printed, format!("failed to confirm the overrides before a timed end: {advice}"));
        let status = Status { code: 403, message: NO_RIGHT.into(), ..Status::default() };
        assert_eq!(watch_message(&watcher::Error::WatchError(Box::new(status.clone()))), advice);
        assert_eq!(watch_message(&watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status)))), advice);
    }
}
