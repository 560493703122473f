//! A real Kubernetes control plane and a policy host on this machine, for tests and the demo.
//!
//! What this project promises depends on how a real API server defaults, validates, merges and admits, so its tests
//! run against one. This crate starts the programs and offers plain ways to act, watch and break things. Only [`World`],
//! [`CrdAlone`] and [`hpa`] know what an override is, and nothing here is part of what users install.
//!
//! | environment variable | meaning |
//! |---|---|
//! | `KUBEBUILDER_ASSETS` | a folder with ready-made etcd, kube-apiserver, kube-controller-manager, kubectl; what it lacks is built once with Go |
//! | `HPA_OVERRIDE_TESTBED_KEEP` | if set, the folders under `target/testbed/run` stay, with logs, data and the audit log |

#![expect(clippy::missing_errors_doc, reason = "a test harness: an error fails the test, and its message says why")]

mod admin;
pub mod assets;
mod audit;
mod certs;
mod control_plane;
mod crd_alone;
mod engine;
#[cfg(test)]
mod guests;
pub mod hpa;
mod http;
mod kubewarden;
mod metrics;
mod objects;
mod policy_host;
mod ports;
mod process;
mod proxy;
mod review;
mod run_dir;
mod seed;
mod server;
pub mod usage;
mod wait;
mod world;

/// The exit code of a program of this project; an error is one line.
#[must_use]
pub fn exit_code(outcome: anyhow::Result<std::process::ExitCode>) -> std::process::ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        std::process::ExitCode::FAILURE
    })
}

/// A line on standard error itself, for whoever waits: the test harness hides what a passing test prints by macro.
pub fn say(line: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
}

pub use nix::sys::signal::Signal;

pub use self::admin::Admin;
pub use self::audit::{AuditEvent, AuditLog};
pub use self::certs::{ServerCertificate, connector, server_certificate};
pub use self::control_plane::{ControlPlane, Identity, Options};
pub use self::crd_alone::{CrdAlone, Verdict};
pub use self::engine::{CallError, Clock, HostAnswer, HostCalls, Module, NoHostCalls};
pub use self::http::http_get;
pub use self::kubewarden::{Policies, wait_until_active};
pub use self::metrics::Metrics;
pub use self::objects::{api_for, apply_yaml, parse_yaml};
pub use self::policy_host::{PolicyConfig, PolicyHost};
pub use self::ports::Port;
pub use self::process::Child;
pub use self::proxy::{Proxy, Stop};
pub use self::seed::seed;
pub use self::wait::{wait_for, wait_for_blocking};
pub use self::world::{
    Admission, CONTROLLER_USER, Replica, World, WorldOptions, guarded, install_configurations, merged, wait_until_asked,
};
