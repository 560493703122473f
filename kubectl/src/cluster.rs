//! Where the API server is, and as whom it is asked: by the kubeconfig, as kubectl does.

use std::time::Duration;

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use crate::{
    failure::{Failure, Outcome},
    flags::Connection,
    similar_name::suggestion,
};

/// A cluster, as one user.
pub struct Cluster {
    /// A client.
    pub client: Client,
    /// The namespace of the context.
    pub namespace: String,
    /// Where its API server is.
    pub url: String,
    /// How long one request may take.
    pub limit: Duration,
}

impl Cluster {
    /// Finds it: by the kubeconfig, inside a cluster by the service account.
    pub async fn connect(connection: &Connection) -> Outcome<Self> {
        let mut config = match kubeconfig(connection)? {
            Some(kubeconfig) => by_kubeconfig(kubeconfig, connection).await?,
            None => Config::incluster().map_err(|_| {
                Failure::new("there is no kubeconfig").hint("set KUBECONFIG or --kubeconfig, or write ~/.kube/config")
            })?,
        };
        config.auth_info.impersonate = connection.impersonate.clone().or(config.auth_info.impersonate);
        if !connection.impersonate_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(connection.impersonate_groups.clone());
        }
        config.connect_timeout = Some(connection.request_timeout);
        // A watch is silent for as long as nothing happens; other requests have a limit of their own.
        config.read_timeout = None;
        let (namespace, url) = (config.default_namespace.clone(), config.cluster_url.to_string());
        let client = Client::try_from(config)
            .map_err(|error| Failure::new(format!("the kubeconfig makes no client: {}", with_sources(&error))))?;
        let limit = connection.request_timeout;
        Ok(Self { client, namespace, url: url.trim_end_matches('/').into(), limit })
    }
}

/// The namespace of the context, where there is a kubeconfig that names one.
pub fn namespace_of_context(connection: &Connection) -> Option<String> {
    let kubeconfig = kubeconfig(connection).ok()??;
    let wanted = connection.context.clone().or(kubeconfig.current_context)?;
    let context = kubeconfig.contexts.into_iter().find(|context| context.name == wanted)?;
    context.context?.namespace
}

/// The kubeconfig; none where there is no file and none is named.
fn kubeconfig(connection: &Connection) -> Outcome<Option<Kubeconfig>> {
    let read = match &connection.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    match read {
        Ok(kubeconfig) => Ok(Some(kubeconfig)),
        Err(KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath)
            if connection.kubeconfig.is_none() && std::env::var_os("KUBECONFIG").is_none() =>
        {
            Ok(None)
        }
        Err(error) => Err(Failure::new(format!("failed to read the kubeconfig: {}", with_sources(&error)))),
    }
}

async fn by_kubeconfig(kubeconfig: Kubeconfig, connection: &Connection) -> Outcome<Config> {
    if let Some(wanted) = &connection.context {
        let names: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
        if !names.contains(&wanted.as_str()) {
            let failure = Failure::new(format!("there is no context `{wanted}` in the kubeconfig"));
            return Err(failure.hint(suggestion(wanted, &names, "kubectl config get-contexts")));
        }
    }
    let options = KubeConfigOptions { context: connection.context.clone(), ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| Failure::new(format!("the kubeconfig names no cluster: {}", with_sources(&error))))
}

/// An error and what it comes from, in a line.
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
