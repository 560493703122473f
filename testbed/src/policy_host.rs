//! A policy server for tests: HTTPS on 127.0.0.1, policies answered by a real module on policy-server's engine.
//!
//! Like policy-server it checks every policy's settings at the start and refuses to start with bad ones. It can be
//! stopped and started at the same address, to see what the cluster does without it. It loads one module for all
//! policies, and fetches nothing.

mod cluster;
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::Value;

pub(crate) use self::cluster::{Cluster, RBAC};
use self::server::Server;
use crate::certs::{self, ServerCertificate};
use crate::engine::{HostCalls, Module};
use crate::ports::Port;

/// A policy to be served at `/validate/NAME`.
#[derive(Clone, Debug)]
pub struct PolicyConfig {
    /// Its name, part of the path.
    pub name: String,
    /// What its module is told with every request.
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

/// What is not the same in every installation of Kubewarden.
#[derive(Clone, Default)]
pub struct HostOptions {
    /// Requests about objects of this namespace are accepted unseen, by every policy. The Helm chart of Kubewarden sets
    /// this to its own namespace unless told otherwise (`alwaysAcceptAdmissionReviewsOnDeploymentsNamespace`).
    pub always_accept_namespace: Option<String>,
    /// The host functions that the module may call; none without.
    pub host_calls: Option<Arc<dyn HostCalls>>,
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
    always_accept_namespace: Option<String>,
    by_name: BTreeMap<String, Policy>,
}

#[derive(Debug)]
struct Policy {
    config: PolicyConfig,
    calls: AtomicU64,
}

impl PolicyHost {
    /// Loads the module, checks the settings of all policies and serves them.
    ///
    /// # Errors
    /// When the module cannot be loaded or finds settings invalid; the message is the module's.
    pub fn start(module: &Path, policies: Vec<PolicyConfig>) -> Result<Self> {
        Self::start_with(Module::load(module)?, policies, HostOptions::default())
    }

    /// [`start`](Self::start) with a module that is loaded already, and options.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(module: Module, policies: Vec<PolicyConfig>, options: HostOptions) -> Result<Self> {
        let module = match options.host_calls {
            Some(host_calls) => module.with_host_calls(host_calls),
            None => module,
        };
        for policy in &policies {
            let checked = module.ensure_settings(&policy.settings);
            checked.with_context(|| format!("failed to start the policy {}", policy.name))?;
        }
        let by_name = policies.into_iter().map(|config| (config.name.clone(), Policy::from(config))).collect();
        let host = Self {
            server: Mutex::default(),
            policies: Arc::new(Policies { module, by_name, always_accept_namespace: options.always_accept_namespace }),
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

    /// The certificate of the authority that signed the server's, for a `caBundle`.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.certificate.ca_pem
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
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start_again(&self) -> Result<()> {
        let mut slot = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = Some(Server::start(self.port.number(), &self.certificate, Arc::clone(&self.policies))?);
        }
        Ok(())
    }
}

impl From<PolicyConfig> for Policy {
    fn from(config: PolicyConfig) -> Self {
        Self { config, calls: AtomicU64::new(0) }
    }
}
