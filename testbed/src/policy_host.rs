//! A policy server for tests: HTTPS on 127.0.0.1, policies answered by a real module on policy-server's engine.
//!
//! Like policy-server it checks every policy's settings at the start and refuses to start with bad ones. It can be
//! stopped and started at the same address, to see what the cluster does without it. It loads one module for all
//! policies, and fetches nothing.

mod answer;
mod cluster;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::Value;

pub(crate) use self::cluster::{Cluster, RBAC};
use crate::certs::{self, ServerCertificate};
use crate::engine::{Module, TIME_LIMIT};
use crate::ports::Port;
use crate::server::Server;

/// A policy to be served at `/validate/NAME`.
#[derive(Clone, Debug)]
pub struct PolicyConfig {
    /// Its name, part of the path.
    pub name: String,
    /// What its module gets with every request.
    pub settings: Value,
    /// Whether it may change the object; where not, an attempt is refused.
    pub mutating: bool,
}

impl PolicyConfig {
    /// A policy that may mutate.
    #[must_use]
    pub fn new(name: &str, settings: Value) -> Self {
        Self { name: name.to_owned(), settings, mutating: true }
    }
}

/// A running policy server. Dropping it stops it.
#[derive(Debug)]
pub struct PolicyHost {
    server: Mutex<Option<Server>>,
    policies: Arc<Policies>,
    certificate: ServerCertificate,
    port: Port,
}

/// What a request needs.
#[derive(Debug)]
struct Policies {
    module: Module,
    always_accept: Option<String>,
    by_name: BTreeMap<String, Policy>,
}

#[derive(Debug)]
struct Policy {
    config: PolicyConfig,
    calls: AtomicU64,
}

impl PolicyHost {
    /// Checks the settings of all policies and serves them.
    pub fn start(module: Module, policies: Vec<PolicyConfig>) -> Result<Self> {
        Self::start_with(module, policies, None)
    }

    /// [`start`](Self::start), but requests about objects of that namespace are accepted unseen, by every policy. The Helm
    /// chart of Kubewarden sets this to its own namespace by default
    /// (`alwaysAcceptAdmissionReviewsOnDeploymentsNamespace`).
    pub fn start_with(module: Module, policies: Vec<PolicyConfig>, always_accept: Option<&str>) -> Result<Self> {
        for policy in &policies {
            let checked = module.ensure_settings(&policy.settings);
            checked.with_context(|| format!("failed to start the policy {}", policy.name))?;
        }
        let by_name =
            policies.into_iter().map(|config| (config.name.clone(), Policy { config, calls: AtomicU64::new(0) }));
        let host = Self {
            server: Mutex::default(),
            policies: Arc::new(Policies {
                module,
                by_name: by_name.collect(),
                always_accept: always_accept.map(Into::into),
            }),
            certificate: certs::server_certificate(&[])?,
            port: Port::reserve()?,
        };
        host.start_again()?;
        Ok(host)
    }

    /// `https://127.0.0.1:PORT`; policies are at `/validate/NAME`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port.number())
    }

    /// The certificate of the server, for a `caBundle`.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.certificate.cert
    }

    /// How often the policy was asked since the start; stopping does not reset it. 0 for unknown policies.
    #[must_use]
    pub fn calls(&self, policy: &str) -> u64 {
        self.policies.by_name.get(policy).map_or(0, |policy| policy.calls.load(Ordering::SeqCst))
    }

    /// Stops serving and closes all connections. Nothing happens where it is stopped already.
    pub fn stop(&self) {
        drop(self.server.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Serves again, at the same address.
    pub fn start_again(&self) -> Result<()> {
        let mut slot = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            let (acceptor, policies) = (self.certificate.acceptor()?, Arc::clone(&self.policies));
            let converse = move |socket| answer::converse(socket, acceptor.clone(), Arc::clone(&policies));
            *slot = Some(Server::start(self.port.number(), TIME_LIMIT, converse)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::guests;

    #[test]
    fn a_host_does_not_start_with_a_module_that_does_not_or_settings_that_it_refuses() {
        let error = |guest: &[u8]| {
            let policies = vec![PolicyConfig::new("guard", json!({"x": 1}))];
            let host = PolicyHost::start(Module::from_bytes(guest).unwrap(), policies);
            format!("{:#}", host.unwrap_err())
        };
        let refused = error(&guests::with_bad_settings("key x is unknown"));
        assert_eq!(refused, "failed to start the policy guard: Policy settings are invalid: key x is unknown");
        let trapped = error(&guests::trapping_at_start());
        assert!(trapped.starts_with("failed to start the policy guard: the policy does not start"), "{trapped}");
    }
}
