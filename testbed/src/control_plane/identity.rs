//! Who a client acts as.
//!
//! Users have tokens that the API server was started with. Service accounts need no token controller: the admin
//! impersonates them, with the groups that the API server would give them, so RBAC decides as it does in a cluster.

use serde_json::{Value, json};

/// Who a client acts as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// `admin`, of the group `system:masters`.
    Admin,
    /// A user named at the start.
    User(String),
    /// A service account. It need not exist for RBAC to know it.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl Identity {
    /// A user named at the start.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self::User(name.to_owned())
    }

    /// A service account.
    #[must_use]
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The name that RBAC, admission and the audit log see.
    #[must_use]
    pub fn username(&self) -> String {
        match self {
            Self::Admin => "admin".to_owned(),
            Self::User(name) => name.clone(),
            Self::ServiceAccount { namespace, name } => format!("system:serviceaccount:{namespace}:{name}"),
        }
    }

    /// The namespace of a kubeconfig's context: where a service account lives.
    pub(super) fn namespace(&self) -> &str {
        match self {
            Self::ServiceAccount { namespace, .. } => namespace,
            Self::Admin | Self::User(_) => "default",
        }
    }

    /// The user whose token is used.
    pub(super) fn token_of(&self) -> &str {
        match self {
            Self::User(name) => name,
            Self::Admin | Self::ServiceAccount { .. } => "admin",
        }
    }

    /// The user of a kubeconfig, with the impersonation where there is one.
    pub(super) fn auth_info(&self, token: &str) -> Value {
        let Self::ServiceAccount { namespace, .. } = self else { return json!({ "token": token }) };
        let groups = ["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}"), "system:authenticated"];
        json!({ "token": token, "as": self.username(), "as-groups": groups })
    }
}
