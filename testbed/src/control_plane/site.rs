//! All that the programs of one control plane share: folder, ports, certificates, users.
//!
//! It is laid out before anything starts and does not change. It starts programs but does not keep them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext};

use super::{Identity, Options};
use crate::assets::{self, Program};
use crate::certs::{self, ServerCertificate};
use crate::https::Getter;
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
    etcd_port: Port,
    peer_port: Port,
    api_port: Port,
    certificate: ServerCertificate,
    users: Vec<User>,
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
            dir: RunDir::create(&assets::target_dir()?.join("run"), options.keep)?,
            etcd_port: Port::reserve()?,
            peer_port: Port::reserve()?,
            api_port: Port::reserve()?,
            certificate: certs::server_certificate(&["kubernetes.default.svc"])?,
            users: users(options),
        };
        site.write_files()?;
        Ok(site)
    }

    fn write_files(&self) -> Result<()> {
        let (private, public) = certs::signing_key()?;
        self.dir.write("accounts.key", &private)?;
        self.dir.write("accounts.pub", &public)?;
        self.dir.write("server.crt", &self.certificate.cert_pem)?;
        self.dir.write("server.key", &self.certificate.key_pem)?;
        self.dir.write("tokens.csv", &self.users.iter().map(User::line).collect::<String>())?;
        self.dir.write("audit-policy.yaml", AUDIT_POLICY)?;
        Ok(())
    }

    pub(super) fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn etcd_port(&self) -> u16 {
        self.etcd_port.number()
    }

    pub(super) fn peer_port(&self) -> u16 {
        self.peer_port.number()
    }

    pub(super) fn api_port(&self) -> u16 {
        self.api_port.number()
    }

    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port())
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.folder().join("audit.log")
    }

    pub(super) fn ca_der(&self) -> &[u8] {
        &self.certificate.ca_der
    }

    /// Starts a program with its log in the folder.
    pub(super) fn spawn(&self, program: Program, flags: &[String]) -> Result<Child> {
        let mut command = Command::new(assets::find(program)?);
        command.args(flags).current_dir(self.folder()).env("NO_PROXY", "127.0.0.1");
        Child::spawn(command, &self.folder().join(format!("{}.log", program.name())))
    }

    pub(super) fn getter(&self) -> Result<Getter> {
        Getter::new(&self.certificate.ca_der, self.api_port(), self.token(&Identity::Admin)?)
    }

    fn token(&self, identity: &Identity) -> Result<&str> {
        let name = identity.token_of();
        let user = self.users.iter().find(|user| user.name == name);
        let user = user.with_context(|| format!("failed to act as `{name}`: name that user in Options::users"))?;
        Ok(&user.token)
    }

    pub(super) fn kubeconfig(&self, identity: &Identity) -> Result<Kubeconfig> {
        let cluster = Cluster {
            server: Some(self.url()),
            certificate_authority_data: Some(STANDARD.encode(&self.certificate.ca_pem)),
            ..Cluster::default()
        };
        let auth = AuthInfo { token: Some(self.token(identity)?.to_owned().into()), ..AuthInfo::default() };
        Ok(kubeconfig(cluster, identity.impersonate(auth)))
    }

    pub(super) fn kubeconfig_file(&self, identity: &Identity) -> Result<PathBuf> {
        // JSON is YAML, and clients read it as such.
        let text = serde_json::to_string(&self.kubeconfig(identity)?).context("failed to print a kubeconfig")?;
        self.dir.write(&format!("{}.kubeconfig", identity.username().replace([':', '/'], "_")), &text)
    }
}

fn kubeconfig(cluster: Cluster, auth: AuthInfo) -> Kubeconfig {
    let name = || "testbed".to_owned();
    let context = Context { cluster: name(), user: Some(name()), ..Context::default() };
    Kubeconfig {
        clusters: vec![NamedCluster { name: name(), cluster: Some(cluster), ..NamedCluster::default() }],
        auth_infos: vec![NamedAuthInfo { name: name(), auth_info: Some(auth), ..NamedAuthInfo::default() }],
        contexts: vec![NamedContext { name: name(), context: Some(context), ..NamedContext::default() }],
        current_context: Some(name()),
        kind: Some("Config".to_owned()),
        api_version: Some("v1".to_owned()),
        ..Kubeconfig::default()
    }
}

fn users(options: &Options) -> Vec<User> {
    let masters = || vec!["system:masters".to_owned()];
    let fixed = [("admin".to_owned(), masters()), (CONTROLLER_MANAGER.to_owned(), masters())];
    let all = fixed.into_iter().chain(options.users.iter().cloned());
    all.map(|(name, groups)| User { name, groups, token: format!("{:016x}{:016x}", random(), random()) }).collect()
}

impl User {
    /// Token, user, uid, groups: what the API server reads.
    fn line(&self) -> String {
        format!("{0},{1},{1},\"{2}\"\n", self.token, self.name, self.groups.join(","))
    }
}
