//! The cluster that this process works on, as kubectl finds it.

use anyhow::Context as _;
use kube::{Client, Config};

use crate::request::connect;

/// A cluster.
pub struct Cluster(Config);

impl Cluster {
    /// By KUBECONFIG or `~/.kube/config`, inside a cluster by its service account.
    ///
    /// # Errors
    /// When there is none of them.
    pub async fn infer() -> anyhow::Result<Self> {
        let config = Config::infer().await.context("failed to find a cluster; set KUBECONFIG or run inside one")?;
        Ok(Self(config))
    }

    /// The namespace of the service account, or of the kubeconfig's context.
    pub fn namespace(&self) -> &str {
        &self.0.default_namespace
    }

    /// Where its API server is.
    pub fn url(&self) -> String {
        self.0.cluster_url.to_string()
    }

    /// A client with connections of its own.
    ///
    /// # Errors
    /// When the configuration makes none.
    pub fn client(&self) -> anyhow::Result<Client> {
        connect(self.0.clone()).context("failed to make a client for the cluster")
    }
}
