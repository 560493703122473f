//! A real Kubernetes control plane and a policy host on this machine, for tests and the demo.
//!
//! What this project promises depends on how a real API server defaults, validates, merges and admits, so its tests
//! run against one. This crate starts the programs and offers plain ways to act, watch and break things. Only [`World`]
//! and [`doors`] know what an override is, and nothing here is part of what users install.
//!
//! | environment variable | meaning |
//! |---|---|
//! | `KUBEBUILDER_ASSETS` | a folder with ready-made etcd, kube-apiserver, kube-controller-manager, kubectl; what it lacks is built once with Go |
//! | `HPA_OVERRIDE_TESTBED_KEEP` | if set, the folders under `target/testbed/run` stay, with logs, data and the audit log |

pub mod assets;
mod audit;
mod certs;
mod control_plane;
pub mod doors;
mod engine;
mod frozen;
mod https;
mod kubewarden;
mod metrics;
mod objects;
mod policy_host;
mod ports;
mod process;
mod proxy;
mod random;
mod review;
mod run_dir;
mod wait;
mod world;

/// How a program of this crate ends; an error is told in one line.
#[must_use]
pub fn ended(outcome: anyhow::Result<std::process::ExitCode>) -> std::process::ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        std::process::ExitCode::FAILURE
    })
}

/// A line for whoever waits, on standard error itself: the test harness keeps to itself what a passing test prints by
/// macro.
pub fn say(line: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
}

pub use nix::sys::signal::Signal;

pub use self::audit::{AuditEvent, AuditLog};
pub use self::control_plane::{ControlPlane, Identity, Options};
pub use self::engine::{CallError, HostAnswer, HostCalls, Module, NoHostCalls};
pub use self::frozen::Clock;
pub use self::kubewarden::{
    ClusterAdmissionPolicy, KUBEWARDEN_NAMESPACE, Policies, PolicySpec, wait_until_active, wait_until_idle,
};
pub use self::metrics::Metrics;
pub use self::objects::{api_for, apply_yaml, parse_yaml};
pub use self::policy_host::{HostOptions, PolicyConfig, PolicyHost};
pub use self::process::Child;
pub use self::proxy::{Proxy, Stop};
pub use self::random::Random;
pub use self::wait::{wait_for, wait_for_blocking};
pub use self::world::{CONTROLLER_USER, World, WorldOptions};
