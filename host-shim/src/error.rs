//! What can go wrong, one variant a step, and in one place whether a person has to act.

use hpa_override_core::{Reason, Trouble};
use kube::core::Status;

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

/// The API server's own words, without the rest of its answer.
fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
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
            Self::Confirm(_) | Self::WriteStatus { .. } | Self::Delete { .. } => None,
        }
    }

    /// Whether trying again will hardly help before somebody acts. A webhook that does not answer comes back by itself.
    pub fn needs_a_person(&self) -> bool {
        self.trouble().is_some_and(|trouble| !trouble.message.contains(NO_ANSWER))
    }
}

/// What the API server says of a webhook that does not answer and is set to fail closed.
const NO_ANSWER: &str = "failed calling webhook";

/// RBAC refuses with 403 and names the verb; everything else in the 400s is an admission's or the API's verdict on
/// what was written, repeated to the letter.
fn refused(status: &Status) -> Option<Trouble> {
    let rbac = status.code == 403 && status.message.contains("cannot patch resource");
    let reason = match status.code {
        403 if rbac => Reason::Forbidden,
        400 | 403 | 422 => Reason::WriteDenied,
        500 if status.message.contains("admission webhook") || status.message.contains(NO_ANSWER) => {
            Reason::WriteDenied
        }
        _ => return None,
    };
    Some(Trouble { reason, message: status.message.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u16, message: &str) -> Error {
        let status = Status { code, message: message.into(), ..Status::default() };
        let source = Failure::Kube(kube::Error::Api(Box::new(status)));
        Error::WriteHpa { namespace: "shop".into(), name: "web".into(), source }
    }

    #[track_caller]
    fn judged(code: u16, message: &str, reason: Option<Reason>, needs_a_person: bool) {
        let error = answered(code, message);
        assert_eq!(error.trouble().map(|trouble| trouble.reason), reason);
        assert_eq!(error.needs_a_person(), needs_a_person);
    }

    #[test]
    fn what_a_refusal_means() {
        judged(403, "User \"c\" cannot patch resource \"horizontalpodautoscalers\"", Some(Reason::Forbidden), true);
        judged(403, "admission webhook \"x\" denied the request: no", Some(Reason::WriteDenied), true);
        judged(422, "ValidatingAdmissionPolicy 'max' denied request", Some(Reason::WriteDenied), true);
        judged(500, "Internal error occurred: failed calling webhook \"x\": timeout", Some(Reason::WriteDenied), false);
        judged(500, "etcdserver: leader changed", None, false);
        judged(503, "unavailable", None, false);
    }
}
