//! All that the programs of one control plane share: folder, ports, certificates, users.
//!
//! It is laid out before anything starts and does not change. It starts programs but does not keep them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::Kubeconfig;
use serde_json::json;

use super::{Identity, Options};
use crate::assets::{self, Program};
use crate::certs::{self, ServerCertificate};
use crate::ports::{Port, random};
use crate::process::Child;
use crate::run_dir::RunDir;

/// The user that the controller manager acts as, so that the audit log tells it from the admin.
pub(super) const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";

/// Metadata of every request, once when it is done (and when a watch has begun).
const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
";

#[derive(Debug)]
pub(super) struct Site {
    dir: RunDir,
    pub(super) etcd_port: Port,
    pub(super) peer_port: Port,
    pub(super) api_port: Port,
    pub(super) certificate: ServerCertificate,
    users: Vec<User>,
    webhook_proxy: Option<u16>,
}

#[derive(Debug)]
struct User {
    name: String,
    groups: Vec<String>,
    token: String,
}

impl Site {
    pub(super) fn prepare(options: &Options) -> Result<Self> {
        let site = Self {
            dir: RunDir::create(&assets::target_dir().join("run"))?,
            etcd_port: Port::reserve()?,
            peer_port: Port::reserve()?,
            api_port: Port::reserve()?,
            certificate: certs::server_certificate(&["kubernetes.default.svc"])?,
            users: users(options),
            webhook_proxy: options.webhook_proxy,
        };
        let (private, public) = certs::signing_key()?;
        // Token, user, uid, groups: what the API server reads.
        let line = |User { name, groups, token }: &User| format!("{token},{name},{name},\"{}\"\n", groups.join(","));
        site.dir.write("accounts.key", &private)?;
        site.dir.write("accounts.pub", &public)?;
        site.dir.write("server.crt", &site.certificate.cert)?;
        site.dir.write("server.key", &site.certificate.key)?;
        site.dir.write("tokens.csv", &site.users.iter().map(line).collect::<String>())?;
        site.dir.write("audit-policy.yaml", AUDIT_POLICY)?;
        Ok(site)
    }

    pub(super) fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port.number())
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.folder().join("audit.log")
    }

    /// Starts a program with its log in the folder.
    pub(super) fn spawn(&self, program: Program, flags: &[String]) -> Result<Child> {
        let mut command = Command::new(assets::find(program)?);
        command.args(flags).current_dir(self.folder()).env("NO_PROXY", "127.0.0.1");
        if let (Program::KubeApiserver, Some(port)) = (program, self.webhook_proxy) {
            command.env("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
        }
        Child::spawn(command, &self.folder().join(format!("{}.log", program.name())))
    }

    pub(super) fn kubeconfig(&self, identity: &Identity) -> Result<Kubeconfig> {
        let name = identity.token_of();
        let user = self.users.iter().find(|user| user.name == name);
        let user = user.with_context(|| format!("failed to act as `{name}`: name that user in Options::users"))?;
        let ca = STANDARD.encode(&self.certificate.cert);
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "testbed",
            "clusters": [{"name": "testbed", "cluster": {"server": self.url(), "certificate-authority-data": ca}}],
            "users": [{"name": "testbed", "user": identity.auth_info(&user.token)}],
            "contexts": [{"name": "testbed", "context": {
                "cluster": "testbed", "user": "testbed", "namespace": identity.namespace(),
            }}],
        });
        serde_json::from_value(kubeconfig).context("failed to make a kubeconfig")
    }

    pub(super) fn kubeconfig_file(&self, identity: &Identity) -> Result<PathBuf> {
        // JSON is YAML, and clients read it as such.
        let text = serde_json::to_string(&self.kubeconfig(identity)?).context("failed to print a kubeconfig")?;
        self.dir.write(&format!("{}.kubeconfig", identity.username().replace([':', '/'], "_")), &text)
    }
}

fn users(options: &Options) -> Vec<User> {
    let masters = || vec!["system:masters".to_owned()];
    let fixed = [("admin".to_owned(), masters()), (CONTROLLER_MANAGER.to_owned(), masters())];
    let all = fixed.into_iter().chain(options.users.iter().cloned());
    all.map(|(name, groups)| User { name, groups, token: format!("{:016x}{:016x}", random(), random()) }).collect()
}
