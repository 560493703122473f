//! What can go wrong, one variant a step, and in one place whether a person has to act.

use hpa_override_core::{Reason, Trouble};
use kube::{core::Status, runtime::watcher};

/// A step failed. Nothing is written in an unknown state; the step is tried again, more and more slowly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The consistent read before a timed end.
    #[error("failed to confirm the overrides before a timed end: {0}")]
    Confirm(#[source] Failure),
    /// The write to an HPA.
    #[error("failed to write HorizontalPodAutoscaler {namespace}/{name}: {source}")]
    WriteHpa {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        source: Failure,
    },
    /// The write answered with something else than was sent.
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
    #[error("failed to write the status of AutoscalerOverride {namespace}/{name}: {source}")]
    WriteStatus {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        source: Failure,
    },
    /// The deletion after `ttlAfterFinished`.
    #[error("failed to delete AutoscalerOverride {namespace}/{name} after its ttlAfterFinished: {source}")]
    Delete {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        source: Failure,
    },
}

/// A request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No answer in time.
    #[error("no answer from the API server within {0} s")]
    Timeout(u64),
    /// An answer that says no, or no connection.
    #[error("{}", said(.0))]
    Kube(#[from] kube::Error),
}

/// What to do about a right that is missing.
const APPLY_THE_RIGHTS: &str = "apply `deploy/rbac`, which gives the controller its rights";

/// The API server's own words, without the rest of its answer.
fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => words(status),
        other => other.to_string(),
    }
}

fn words(status: &Status) -> String {
    let message = &status.message;
    if lacks_a_right(status) { format!("{message}; {APPLY_THE_RIGHTS}") } else { message.clone() }
}

/// Whether RBAC refuses. Its sentence names user, verb and resource: `… is forbidden: User "…" cannot get resource "…" …`.
fn lacks_a_right(status: &Status) -> bool {
    let names_both =
        |user_and_rest: &str| user_and_rest.contains("\" cannot ") && user_and_rest.contains(" resource \"");
    let rest = status.message.split_once(" is forbidden: User \"").map(|(_, rest)| rest);
    status.code == 403 && !status.message.contains(WEBHOOK) && rest.is_some_and(names_both)
}

/// Why a watch gives nothing, in the API server's words where it answered.
pub fn of_watch(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => said(error),
        watcher::Error::WatchError(status) => words(status),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

impl Failure {
    /// What the API server said, where it answered.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Kube(kube::Error::Api(status)) => Some(status),
            _ => None,
        }
    }

    /// Whether the object was changed by somebody between our read and our write.
    pub fn is_conflict(&self) -> bool {
        self.status().is_some_and(|status| status.code == 409)
    }

    /// Whether the object is gone.
    pub fn is_not_found(&self) -> bool {
        self.status().is_some_and(|status| status.code == 404)
    }
}

impl Error {
    /// What a person must know of.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::WriteHpa { source, .. } => refused(source.status()?),
            Self::Altered { what, .. } => Some(Trouble { reason: Reason::WriteAltered, message: what.clone() }),
            Self::Confirm(source) => forbidden(source.status()?),
            Self::WriteStatus { .. } | Self::Delete { .. } => None,
        }
    }

    /// Whether trying again will hardly help before somebody acts. A webhook that does not answer comes back by itself.
    pub fn needs_a_person(&self) -> bool {
        self.trouble().is_some_and(|trouble| !trouble.message.contains(NO_ANSWER))
    }
}

/// What the API server says of a webhook that does not answer and is set to fail closed.
const NO_ANSWER: &str = "failed calling webhook";

/// How the verdict of an admission webhook begins.
const WEBHOOK: &str = "admission webhook";

/// The controller lacks a right.
fn forbidden(status: &Status) -> Option<Trouble> {
    lacks_a_right(status).then(|| Trouble { reason: Reason::Forbidden, message: words(status) })
}

/// What RBAC does not refuse in the 400s is an admission's or the API's verdict on what was written, repeated to the
/// letter.
fn refused(status: &Status) -> Option<Trouble> {
    let denied = match status.code {
        400 | 403 | 422 => true,
        500 => status.message.contains(WEBHOOK) || status.message.contains(NO_ANSWER),
        _ => false,
    };
    let denied = denied.then(|| Trouble { reason: Reason::WriteDenied, message: status.message.clone() });
    forbidden(status).or(denied)
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
    fn judged(code: u16, message: &str, reason: Option<Reason>, needs_a_person: bool) {
        let error = answered(code, message);
        assert_eq!(error.trouble().map(|trouble| trouble.reason), reason);
        assert_eq!(error.needs_a_person(), needs_a_person);
    }

    #[test]
    fn what_a_refusal_means() {
        judged(403, NO_RIGHT, Some(Reason::Forbidden), true);
        judged(403, "admission webhook \"x\" denied the request: no", Some(Reason::WriteDenied), true);
        let quoted = format!("admission webhook \"x\" denied the request: {NO_RIGHT}");
        judged(403, &quoted, Some(Reason::WriteDenied), true);
        judged(422, "ValidatingAdmissionPolicy 'max' denied request", Some(Reason::WriteDenied), true);
        judged(500, "Internal error occurred: failed calling webhook \"x\": timeout", Some(Reason::WriteDenied), false);
        judged(500, "etcdserver: leader changed", None, false);
        judged(503, "unavailable", None, false);
    }

    #[test]
    fn a_missing_right_is_told_with_what_to_do() {
        let advice = format!("{NO_RIGHT}; apply `deploy/rbac`, which gives the controller its rights");
        let error = answered(403, NO_RIGHT);
        assert_eq!(error.to_string(), format!("failed to write HorizontalPodAutoscaler shop/web: {advice}"));
        assert_eq!(error.trouble().map(|trouble| trouble.message), Some(advice.clone()));
        let Error::WriteHpa { source, .. } = error else { panic!("{error}") };
        assert_eq!(Error::Confirm(source).trouble().map(|trouble| trouble.message), Some(advice.clone()));
        let status = Status { code: 403, message: NO_RIGHT.into(), ..Status::default() };
        assert_eq!(of_watch(&watcher::Error::WatchError(Box::new(status.clone()))), advice);
        assert_eq!(of_watch(&watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status)))), advice);
    }
}
