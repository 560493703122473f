//! Command line and settings file.

use std::{
    fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{ArgAction, Parser, ValueEnum, builder::NonEmptyStringValueParser};
use hpa_override_core::Settings;
use serde_json::Value;

use crate::{leader::LeaseName, request::DEFAULT_REQUESTS_PER_SECOND};

/// The controller of hpa-override.
///
/// It finds the cluster as kubectl does: KUBECONFIG or ~/.kube/config, inside a cluster its service account.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// Settings of the platform team, a YAML file: the same document as the guard policy's settings [default: none]
    #[arg(long, value_name = "FILE", env = "HPA_OVERRIDE_SETTINGS")]
    pub settings: Option<PathBuf>,

    /// Serve the overrides and HPAs of this namespace only [default: all namespaces]
    #[arg(long, value_name = "NAMESPACE", env = "HPA_OVERRIDE_NAMESPACE", value_parser = NonEmptyStringValueParser::new())]
    pub namespace: Option<String>,

    /// Requests to the API server, at most so many a second; reads before ends have the same limit of their own
    #[arg(long, value_name = "NUMBER", env = "HPA_OVERRIDE_MAX_REQUESTS_PER_SECOND", default_value_t = DEFAULT_REQUESTS_PER_SECOND)]
    pub max_requests_per_second: NonZeroU32,

    /// Elect a leader among the replicas by a Lease: only it writes. With `false` there must be one replica only
    #[arg(
        long,
        value_name = "BOOL",
        env = "HPA_OVERRIDE_LEADER_ELECT",
        default_value_t = true,
        action = ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true",
    )]
    pub leader_elect: bool,

    /// Namespace of the Lease [default: that of the service account, or of the kubeconfig's context]
    #[arg(long, value_name = "NAMESPACE", env = "HPA_OVERRIDE_LEASE_NAMESPACE", value_parser = NonEmptyStringValueParser::new())]
    pub lease_namespace: Option<String>,

    /// Name of the Lease: another one for each group of replicas that serves other namespaces
    #[arg(long, value_name = "NAME", env = "HPA_OVERRIDE_LEASE_NAME", default_value = "hpa-override", value_parser = NonEmptyStringValueParser::new())]
    pub lease_name: String,

    /// Format of the log
    #[arg(long, value_name = "FORMAT", env = "HPA_OVERRIDE_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// For tests: seconds to add to the clock, negative ones to subtract
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_hyphen_values = true, hide = true)]
    pub clock_offset: i64,
}

/// Format of the log.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Args {
    /// The Lease to hold, where a leader is elected; `default_namespace` is where this process runs.
    pub fn lease(&self, default_namespace: &str) -> Option<LeaseName> {
        let namespace = self.lease_namespace.clone().unwrap_or_else(|| default_namespace.into());
        self.leader_elect.then(|| LeaseName { namespace, name: self.lease_name.clone() })
    }

    /// Reads the settings file.
    ///
    /// # Errors
    /// When it cannot be read, is not YAML, or is not valid; the error lists every mistake.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        self.settings.as_deref().map_or_else(|| Ok(Settings::default()), read)
    }
}

fn read(path: &Path) -> anyhow::Result<Settings> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read the settings {}", path.display()))?;
    let document: Value = serde_saphyr::from_str(&text)
        .with_context(|| format!("failed to read the settings {} as YAML", path.display()))?;
    match Settings::parse(&document) {
        Ok(settings) => Ok(settings),
        Err(errors) => bail!("the settings {} are not valid: {}", path.display(), errors.join("; ")),
    }
}
