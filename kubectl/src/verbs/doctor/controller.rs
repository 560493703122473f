//! The controller: is it there, does it lead, is it of this version?

use hpa_override_crd::Instant;
use serde_json::Value;

use super::{finding::Finding, look::Look};
use crate::{
    objects::{id_of, text},
    verbs::version::{OWN, image_tag},
    when::length,
};

const CHECK: &str = "controller";
/// The duration of a Lease, where it does not say so itself.
const LEASE_SECONDS: i64 = 15;

/// Checks it.
pub fn check(look: &Look) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &look.leases {
        Ok(leases) => findings.extend(leases.iter().filter_map(|lease| leader(lease, look.now))),
        Err(failure) => findings.push(Finding::unknown(CHECK, failure.message())),
    }
    match &look.deployments {
        Ok(deployments) => findings.extend(deployments.iter().flat_map(deployment)),
        Err(failure) => findings.push(Finding::unknown(CHECK, failure.message())),
    }
    if let (Ok(leases), Ok(deployments)) = (&look.leases, &look.deployments)
        && leases.is_empty()
    {
        let elects = |each: &&Value| !each.to_string().contains("--leader-elect=false");
        match deployments.as_slice() {
            [] => {
                let finding = Finding::error(CHECK, "there is none: neither a Deployment nor a Lease `hpa-override`");
                findings.push(finding.so("install hpa-override, see the README"));
            }
            all if all.iter().any(|each| elects(&each)) => {
                findings.push(
                    Finding::error(CHECK, "no replica has ever led: there is no Lease `hpa-override`")
                        .so("the log of the controller says why"),
                );
            }
            _ => {}
        }
    }
    findings
}

fn leader(lease: &Value, now: Instant) -> Option<Finding> {
    let id = id_of(lease);
    let renewed: Option<Instant> = text(lease, "/spec/renewTime").parse().ok();
    let duration = lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_i64).unwrap_or(LEASE_SECONDS);
    let holder = text(lease, "/spec/holderIdentity");
    let age = renewed.map(|renewed| now.since(renewed));
    let what = match age {
        _ if holder.is_empty() => "nobody holds it".into(),
        Some(age) if age > duration => format!("{holder} has not renewed it for {}", length(age)),
        Some(_) => return None,
        None => "it has never been renewed".into(),
    };
    let finding = Finding::error(CHECK, format!("nobody leads: Lease {id}: {what}"));
    Some(finding.so(format!("`kubectl -n {} get pods` and the log of the controller", id.namespace)))
}

fn deployment(deployment: &Value) -> Vec<Finding> {
    let id = id_of(deployment);
    let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_i64);
    let (wanted, ready) = (number("/spec/replicas").unwrap_or(1), number("/status/readyReplicas").unwrap_or(0));
    let mut findings = Vec::new();
    let look = format!("`kubectl -n {} describe deployment {}`", id.namespace, id.name);
    if ready < wanted || wanted == 0 {
        let message = format!("Deployment {id}: {ready} of {wanted} replicas are ready");
        let finding = if ready == 0 { Finding::error(CHECK, message) } else { Finding::warning(CHECK, message) };
        findings.push(finding.so(look));
    }
    if let Some(tag) = image_tag(deployment).filter(|tag| tag != OWN) {
        findings.push(Finding::note(CHECK, format!("Deployment {id} runs {tag}, this plugin is {OWN}")));
    }
    findings
}
