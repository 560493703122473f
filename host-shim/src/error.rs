//! What can go wrong, one variant per step. What an answer of the API server means is decided in [`Class`] alone: what a
//! status reports, how long to wait, and the label of a metric follow from it.
//!
//! An error prints itself or exposes its source, never both; nothing is decided by the text of our own messages.

mod class;

use std::{error::Error as StdError, sync::Arc, time::Duration};

use hpa_override_core::{Id, Reason};
use hpa_override_plan::Problem;
use kube::core::Status;

pub use self::class::Class;

/// A failed step. Nothing more is written in an unknown state; the step is tried again, more and more slowly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The consistent read before a timed end.
    #[error("failed to confirm the overrides before a timed end")]
    Confirm(#[source] Arc<Failure>),
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
    /// The write to an HPA failed.
    pub fn write_hpa(hpa: &Id, source: Failure) -> Self {
        let Id { namespace, name } = hpa.clone();
        Self::WriteHpa { namespace, name, source }
    }

    /// The write to an HPA was altered.
    pub fn altered(hpa: &Id, what: String) -> Self {
        let Id { namespace, name } = hpa.clone();
        Self::Altered { namespace, name, what }
    }

    /// The write of a status failed.
    pub fn write_status(ovr: &Id, source: Failure) -> Self {
        let Id { namespace, name } = ovr.clone();
        Self::WriteStatus { namespace, name, source }
    }

    /// The deletion failed.
    pub fn delete(ovr: &Id, source: Failure) -> Self {
        let Id { namespace, name } = ovr.clone();
        Self::Delete { namespace, name, source }
    }

    /// What the API server's answer means; none where it did what was asked, and not as asked.
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Altered { .. } => None,
            Self::Confirm(source) => Some(source.class()),
            Self::WriteHpa { source, .. } | Self::WriteStatus { source, .. } | Self::Delete { source, .. } => {
                Some(source.class())
            }
        }
    }

    /// What the status has to report.
    pub fn problem(&self) -> Option<Problem> {
        let (reason, message) = match self {
            Self::Altered { what, .. } => (Reason::WriteAltered, what.clone()),
            Self::WriteHpa { source, .. } => (source.class().reason()?, source.to_string()),
            Self::Confirm(source) if source.class() == Class::Forbidden => (Reason::Forbidden, source.to_string()),
            Self::Confirm(_) | Self::WriteStatus { .. } | Self::Delete { .. } => return None,
        };
        Some(Problem { reason, message })
    }

    /// Whether another attempt will hardly succeed before a person has acted.
    pub fn needs_a_person(&self) -> bool {
        self.class().is_none_or(Class::needs_a_person)
    }

    /// How long to wait before the next attempt, where `failures` in a row came before this one: 1 s, twice as long each time,
    /// at most 5 min where a person has to act and 10 s where not.
    pub fn retry_after(&self, failures: u32) -> Duration {
        Duration::from_secs(2_u64.saturating_pow(failures)).min(class::longest_wait(self.needs_a_person()))
    }

    /// The label of a metric.
    pub fn as_str(&self) -> &'static str {
        self.class().map_or("altered", Class::as_str)
    }
}

/// A failed request. It prints its cause as the API server words it, and so has no source.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No answer in time.
    #[error("no answer from the API server within {0} s")]
    Timeout(u64),
    /// A write whose turn came when what it was decided by was too old.
    #[error("it had to wait until the read before the end was too old: the API server takes no requests, or too few")]
    TooLate,
    /// Another replica leads, or may.
    #[error("this replica does not lead")]
    NotLeading,
    /// An answer that refuses, or no connection.
    #[error("{}", message_of(.0))]
    Kube(kube::Error),
    /// An answer that cannot be read.
    #[error("the answer of the API server cannot be read: {0}")]
    Unreadable(String),
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        Self::Kube(error)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Kube(kube::Error::Api(status.boxed()))
    }
}

impl Failure {
    /// What the answer means.
    pub fn class(&self) -> Class {
        match self {
            Self::Kube(kube::Error::Api(status)) => Class::of(status),
            // The group is served, and has no such kind.
            Self::Kube(kube::Error::Discovery(_)) => Class::NotFound,
            Self::Timeout(_) => Class::Timeout,
            Self::Kube(_) | Self::Unreadable(_) | Self::TooLate | Self::NotLeading => Class::Other,
        }
    }

    /// Whether the object was changed by somebody between our read and our write.
    pub fn is_conflict(&self) -> bool {
        self.class() == Class::Conflict
    }

    /// Whether the object is gone.
    pub fn is_not_found(&self) -> bool {
        self.class() == Class::NotFound
    }

    /// Whether the API server says that there is no object of that name: a proxy says 404, too.
    pub fn is_without(&self, name: &str) -> bool {
        let Self::Kube(kube::Error::Api(status)) = self else { return false };
        self.is_not_found() && status.details.as_ref().is_some_and(|details| details.name == name)
    }

    /// Whether the namespace is gone, or is being deleted: nothing new is created in it.
    pub fn is_without_namespace(&self) -> bool {
        let Self::Kube(kube::Error::Api(status)) = self else { return false };
        let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
        self.is_not_found() || causes.iter().any(|cause| cause.reason == "NamespaceTerminating")
    }

    /// Whether RBAC refuses it.
    pub fn is_forbidden(&self) -> bool {
        self.class() == Class::Forbidden
    }
}

/// What to do about a missing right.
const APPLY_THE_RIGHTS: &str = "apply `deploy/rbac`, which gives the controller its rights";

/// The message of the API server, without the rest of its answer.
fn message_of(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status_message(status),
        kube::Error::Service(error) => with_causes(error.as_ref()),
        kube::Error::HyperError(error) => with_causes(error),
        other => other.to_string(),
    }
}

/// Why there is no connection stands at the end of the chain: `client error (Connect): … Connection refused`.
fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn status_message(status: &Status) -> String {
    let message = &status.message;
    if Class::of(status) == Class::Forbidden { format!("{message}; {APPLY_THE_RIGHTS}") } else { message.clone() }
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
    fn a_failed_step_is_tried_again_within_a_time() {
        let minutes = Duration::from_mins(5);
        let seconds = Duration::from_secs(10);
        assert_eq!(answered(403, NO_RIGHT).retry_after(20), minutes);
        assert_eq!(
            answered(500, "Internal error occurred: failed calling webhook \"x\": timeout").retry_after(20),
            seconds
        );
        assert_eq!(answered(503, "unavailable").retry_after(20), seconds);
        let (namespace, name, source) = ("shop".to_owned(), "web".to_owned(), Failure::Timeout(10));
        let late = Error::WriteStatus { namespace: namespace.clone(), name: name.clone(), source };
        assert_eq!((late.retry_after(20), late.as_str()), (seconds, "timeout"));
        let altered = Error::Altered { namespace, name, what: "spec.minReplicas is 3".into() };
        assert_eq!((altered.retry_after(20), altered.as_str()), (minutes, "altered"));
    }

    #[test]
    fn a_failed_connection_says_why() {
        #[derive(Debug, thiserror::Error)]
        #[error("client error (Connect)")]
        struct Connect(#[source] std::io::Error);
        let refused = std::io::Error::other("Connection refused");
        let failure = Failure::Kube(kube::Error::Service(Box::new(Connect(refused))));
        assert_eq!(failure.to_string(), "client error (Connect): Connection refused");
        assert!(StdError::source(&failure).is_none(), "it prints its cause");
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
        let error = Error::Confirm(source.into());
        assert_eq!(error.problem().map(|problem| problem.message), Some(advice.clone()));
        let printed = format!("{:#}", anyhow::Error::from(error));
        assert_eq!(printed, format!("failed to confirm the overrides before a timed end: {advice}"));
    }
}
