//! One line of the audit log, as tests ask about it.
//!
//! Only what the level `Metadata` holds: no bodies.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Deserialize;

/// One request to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Tells the lines of one request from those of others.
    pub id: String,
    /// `ResponseComplete`, for a watch also `ResponseStarted`, or `Panic`.
    pub stage: String,
    /// Who acted: the impersonated user, where there is one.
    pub user: String,
    /// Whose token it was.
    pub authenticated_user: String,
    /// Kubernetes verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Path and query, with `fieldManager=`, `dryRun=` and the like.
    pub uri: String,
    /// API group, empty for the core group.
    pub group: String,
    /// Plural resource, empty where the request is about none.
    pub resource: String,
    /// For example `status`; empty on the main resource.
    pub subresource: String,
    /// Empty for cluster-scoped resources.
    pub namespace: String,
    /// Empty for lists, and for a create before the server knows the name.
    pub name: String,
    /// HTTP status code of the answer.
    pub code: u16,
    /// When the request came in, exact to the microsecond.
    pub received: Timestamp,
    /// When this stage was reached.
    pub completed: Timestamp,
    /// What the client calls itself.
    pub user_agent: String,
    /// Notes of authorization and admission.
    pub annotations: BTreeMap<String, String>,
}

impl AuditEvent {
    /// Whether the verb changes something (also a dry run's, see [`is_dry_run`](Self::is_dry_run)).
    #[must_use]
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether the request asked to change nothing.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.uri.contains("dryRun=All")
    }

    /// Whether the request is over; a watch that has begun is not.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.stage != "ResponseStarted"
    }

    /// Whether the request is about this object, or a subresource of it.
    #[must_use]
    pub fn is_about(&self, resource: &str, namespace: &str, name: &str) -> bool {
        self.resource == resource && self.namespace == namespace && self.name == name
    }

    pub(super) fn parse(line: &[u8]) -> Result<Self> {
        let line: Line = serde_json::from_slice(line).context("not an audit event")?;
        Ok(line.into())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(rename = "auditID")]
    id: String,
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    uri: String,
    user: User,
    impersonated_user: Option<User>,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: Status,
    request_received_timestamp: Timestamp,
    stage_timestamp: Timestamp,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
}

impl From<Line> for AuditEvent {
    fn from(line: Line) -> Self {
        let authenticated_user = line.user.username;
        Self {
            id: line.id,
            stage: line.stage,
            user: line.impersonated_user.map_or_else(|| authenticated_user.clone(), |user| user.username),
            authenticated_user,
            verb: line.verb,
            uri: line.uri,
            group: line.object_ref.api_group,
            resource: line.object_ref.resource,
            subresource: line.object_ref.subresource,
            namespace: line.object_ref.namespace,
            name: line.object_ref.name,
            code: line.response_status.code,
            received: line.request_received_timestamp,
            completed: line.stage_timestamp,
            user_agent: line.user_agent,
            annotations: line.annotations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"6a1",
        "stage":"ResponseComplete","requestURI":"/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web?dryRun=All",
        "verb":"patch","user":{"username":"admin","uid":"admin","groups":["system:masters"]},
        "impersonatedUser":{"username":"system:serviceaccount:a:b","groups":["system:serviceaccounts"]},
        "sourceIPs":["127.0.0.1"],"userAgent":"test",
        "objectRef":{"resource":"horizontalpodautoscalers","namespace":"shop","name":"web","apiGroup":"autoscaling","apiVersion":"v2"},
        "responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-27T06:00:00.123456Z",
        "stageTimestamp":"2026-11-27T06:00:00.125000Z","annotations":{"authorization.k8s.io/decision":"allow"}}"#;

    #[test]
    fn a_line_becomes_an_event() {
        let event = AuditEvent::parse(PATCH.as_bytes()).unwrap();
        assert_eq!((event.user.as_str(), event.authenticated_user.as_str()), ("system:serviceaccount:a:b", "admin"));
        assert!(event.is_write() && event.is_dry_run() && event.is_complete());
        assert!(event.is_about("horizontalpodautoscalers", "shop", "web"));
        assert_eq!(event.received.as_microsecond() % 1_000_000, 123_456);
        assert_eq!(event.code, 200);
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        assert_eq!(AuditEvent::parse(b"{}").unwrap_err().to_string(), "not an audit event");
    }
}
