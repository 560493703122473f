//! Who a client acts as.
//!
//! Users have tokens that the API server was started with. Service accounts need no token controller: the admin
//! impersonates them, with the groups that the API server would give them, so RBAC decides as it does in a cluster.

use kube::config::AuthInfo;

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

    /// The user whose token is used.
    pub(super) fn token_of(&self) -> &str {
        match self {
            Self::User(name) => name,
            Self::Admin | Self::ServiceAccount { .. } => "admin",
        }
    }

    /// Adds the impersonation, where there is one.
    pub(super) fn impersonate(&self, auth: AuthInfo) -> AuthInfo {
        let Self::ServiceAccount { namespace, .. } = self else { return auth };
        let groups = [
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ];
        AuthInfo { impersonate: Some(self.username()), impersonate_groups: Some(groups.into()), ..auth }
    }
}
