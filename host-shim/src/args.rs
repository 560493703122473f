//! The command line.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
};

use clap::{ArgAction, Parser, Subcommand, builder::NonEmptyStringValueParser};
use hpa_override_core::Id;
use tokio_rustls::rustls::pki_types::DnsName;

use crate::{
    admin::AdminAddress, leader::LeaseName, request::DEFAULT_REQUESTS_PER_SECOND, scope::Scope, telemetry::LogFormat,
};

/// The controller of hpa-override.
///
/// It finds the cluster as kubectl does: KUBECONFIG or ~/.kube/config, inside a cluster its service account.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// Settings of the platform team, a YAML file: the same document as the guard policy's settings [default: none]
    #[arg(long, value_name = "FILE", env = "HPA_OVERRIDE_SETTINGS")]
    pub settings: Option<PathBuf>,

    /// Serve the overrides and HPAs of this namespace only, or of several: may be repeated, or be a list with commas
    /// [default: all namespaces]
    #[arg(
        long = "namespace",
        value_name = "NAMESPACE",
        env = "HPA_OVERRIDE_NAMESPACE",
        global = true,
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
    )]
    pub namespaces: Vec<String>,

    /// Requests to the API server, at most so many a second; reads before ends have the same limit of their own
    #[arg(long, value_name = "NUMBER", env = "HPA_OVERRIDE_MAX_REQUESTS_PER_SECOND", global = true, default_value_t = DEFAULT_REQUESTS_PER_SECOND)]
    pub max_requests_per_second: NonZeroU32,

    /// Elect a leader among the replicas by a Lease: only it writes. With `false` there must be one replica only
    #[arg(
        long,
        value_name = "BOOL",
        env = "HPA_OVERRIDE_LEADER_ELECT",
        global = true,
        default_value_t = true,
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
    )]
    pub leader_elect: bool,

    /// Namespace of the Lease [default: that of the service account, or of the kubeconfig's context]
    #[arg(long, value_name = "NAMESPACE", env = "HPA_OVERRIDE_LEASE_NAMESPACE", global = true, value_parser = NonEmptyStringValueParser::new())]
    pub lease_namespace: Option<String>,

    /// Name of the Lease: another one for each group of replicas that serves other namespaces
    #[arg(long, value_name = "NAME", env = "HPA_OVERRIDE_LEASE_NAME", global = true, default_value = "hpa-override", value_parser = NonEmptyStringValueParser::new())]
    pub lease_name: String,

    /// Where probes and metrics are served: an IP address and a port, or `none`
    #[arg(long, value_name = "ADDRESS", env = "HPA_OVERRIDE_ADMIN_ADDRESS", default_value = "0.0.0.0:8080")]
    pub admin_address: AdminAddress,

    /// Answer admission, too, in place of Kubewarden's policies: over HTTPS, at `/admit`
    #[arg(long, env = "HPA_OVERRIDE_WEBHOOK")]
    pub webhook: bool,

    /// Where admission is answered: an IP address and a port
    #[arg(long, value_name = "ADDRESS", env = "HPA_OVERRIDE_WEBHOOK_ADDRESS", default_value = "0.0.0.0:8443")]
    pub webhook_address: SocketAddr,

    /// Folder with the certificate that the webhook presents, `tls.crt` and `tls.key`; they are read again when they change
    /// [default: none, the controller makes and renews one of its own]
    #[arg(long, value_name = "FOLDER", env = "HPA_OVERRIDE_WEBHOOK_CERT_DIR")]
    pub webhook_cert_dir: Option<PathBuf>,

    /// Secret with the webhook's own certificate, in the namespace of the controller
    #[arg(long, value_name = "NAME", env = "HPA_OVERRIDE_WEBHOOK_SECRET", default_value = "hpa-override-webhook", value_parser = NonEmptyStringValueParser::new())]
    pub webhook_secret: String,

    /// Name or address by which API servers reach the webhook, for its own certificate
    /// [default: hpa-override-webhook.NAMESPACE.svc]
    #[arg(long, value_name = "HOST", env = "HPA_OVERRIDE_WEBHOOK_HOST", value_parser = host)]
    pub webhook_host: Option<String>,

    /// For tests: seconds that a certificate of the webhook's own lives [default: a year]
    #[arg(long, value_name = "SECONDS", hide = true)]
    pub webhook_certificate_life: Option<u32>,

    /// Write no HPA, whatever else is asked for: statuses, log and metrics say what would be written
    #[arg(long, env = "HPA_OVERRIDE_DRY_RUN")]
    pub dry_run: bool,

    /// Format of the log
    #[arg(long, value_name = "FORMAT", env = "HPA_OVERRIDE_LOG_FORMAT", global = true, default_value = "text")]
    pub log_format: LogFormat,

    /// For tests: seconds to add to the clock, negative ones to subtract
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_hyphen_values = true, hide = true, global = true)]
    pub clock_offset: i64,

    /// What to do; without it, the controller runs
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of running the controller.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give every HPA back to its owner, by its own record: bounds, record and field ownership, as the end of all overrides
    /// would, and at once. It needs neither the CRD nor a controller nor the policies. It takes the Lease until it is done, so
    /// that no controller undoes it meanwhile; one that runs begins again afterwards: scale it to 0 before
    ReleaseAll(ReleaseArgs),
}

/// What to release.
#[derive(Debug, clap::Args)]
pub struct ReleaseArgs {
    /// Only this HPA; may be repeated [default: all, or those of `--namespace`]
    #[arg(long = "hpa", value_name = "NAMESPACE/NAME", value_parser = hpa_id)]
    pub hpas: Vec<Id>,

    /// First scale this Deployment to 0, in the namespace of the Lease, so that no controller begins again afterwards
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub scale_down: Option<String>,

    /// Write nothing: say what would be released
    #[arg(long)]
    pub dry_run: bool,
}

/// A name as it is, an address as certificates say it.
fn host(text: &str) -> Result<String, &'static str> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let is_name = DnsName::try_from(text).is_ok_and(|_| !text.contains('*'));
    if is_name { Ok(text.to_lowercase()) } else { Err("it is neither the name of a host nor an IP address") }
}

fn hpa_id(text: &str) -> Result<Id, &'static str> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(Id { namespace: namespace.into(), name: name.into() })
        }
        _ => Err("it is not a namespace and a name, like shop/web"),
    }
}

impl Args {
    /// The namespaces that are served.
    pub fn scope(&self) -> Scope {
        Scope::new(self.namespaces.clone())
    }

    /// The Secret of the webhook's own certificate, where it makes one; `namespace` is where this process runs.
    pub fn webhook_secret(&self, namespace: &str) -> Option<Id> {
        let is_own = self.webhook && self.webhook_cert_dir.is_none();
        is_own.then(|| Id { namespace: namespace.into(), name: self.webhook_secret.clone() })
    }

    /// By which name API servers reach the webhook; `namespace` is where this process runs.
    pub fn webhook_host(&self, namespace: &str) -> String {
        self.webhook_host.clone().unwrap_or_else(|| format!("hpa-override-webhook.{namespace}.svc"))
    }

    /// Where the replicas are; `default_namespace` is where this process runs.
    pub fn lease_namespace(&self, default_namespace: &str) -> String {
        self.lease_namespace.clone().unwrap_or_else(|| default_namespace.into())
    }

    /// The Lease to hold, where a leader is elected; `default_namespace` is where this process runs.
    pub fn lease(&self, default_namespace: &str) -> Option<LeaseName> {
        let namespace = self.lease_namespace(default_namespace);
        self.leader_elect.then(|| LeaseName { namespace, name: self.lease_name.clone() })
    }
}
