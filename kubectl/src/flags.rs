//! Flags that several verbs have: those of the cluster, and dry runs.

use std::{path::PathBuf, time::Duration};

use clap::builder::NonEmptyStringValueParser;

/// Which cluster, and as whom: the flags of kubectl.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub struct Connection {
    /// Path of the kubeconfig file [default: $KUBECONFIG, or ~/.kube/config]
    #[arg(long, value_name = "FILE", global = true)]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME", global = true)]
    pub context: Option<String>,

    /// Namespace [default: that of the context]
    #[arg(short, long, value_name = "NAMESPACE", global = true, value_parser = NonEmptyStringValueParser::new())]
    pub namespace: Option<String>,

    /// User to impersonate
    #[arg(long = "as", value_name = "USER", global = true)]
    pub impersonate: Option<String>,

    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", global = true, requires = "impersonate")]
    pub impersonate_groups: Vec<String>,

    /// How long one request may take, like 10s
    #[arg(long, value_name = "DURATION", global = true, default_value = "30s", value_parser = seconds)]
    pub request_timeout: Duration,
}

/// What is written, and what is shown instead of writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DryRun {
    /// Write.
    #[default]
    None,
    /// Send nothing that writes.
    Client,
    /// Have the API server and its admission check the write, and store nothing.
    Server,
}

/// Parses a duration, in the form of an `AutoscalerOverride`.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let duration: hpa_override_crd::Duration = text.parse().map_err(|error| format!("{error}"))?;
    Ok(Duration::from_secs(duration.as_secs().unsigned_abs()))
}
