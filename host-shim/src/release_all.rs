//! `release-all`: gives every HPA back to its owner, by its own record alone. It needs neither CRD nor controller nor admission.
//!
//! ```text
//!   take the Lease, so that no controller undoes it ──► list HPAs ──► each: plan_release ──► patch, until there is none
//! ```
//! It goes on where one HPA fails, and says which.

use std::{fmt, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use futures::{StreamExt, stream};
use hpa_override_core::Id;
use hpa_override_plan::{HpaView, plan_release};
use kube::{
    api::{ListParams, Patch, PatchParams},
    core::Request,
};
use serde_json::{Value, json};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::{
    apply::{patch_hpa, read_hpa},
    args::{Args, ReleaseArgs},
    clock::Clock,
    cluster::Cluster,
    error::Failure,
    leader::{Candidate, LeaseName, RENEW_DEADLINE},
    leadership::Leadership,
    object::HPA,
    page,
    queue::Priority,
    request::{Requests, built},
    scope::Scope,
    write::Write,
};

/// HPAs at once; of their writes fewer are in flight.
const AT_ONCE: usize = 32;
/// Writes to one HPA, those that meet a change of somebody else included.
const MOST_WRITES: usize = 10;

/// How long the pods of the controller may take to stop, and how often it is looked.
const STOPS_WITHIN: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What became of one HPA.
#[derive(Debug)]
enum Outcome {
    /// Its owner has it again, with these bounds.
    Released(String),
    /// It would be, from these bounds.
    WouldBe(String),
    /// It was deleted meanwhile.
    Gone,
    /// The record cannot be read.
    Unreadable,
    Failed(Failure),
    /// Somebody writes it again and again.
    Changing,
}

impl Outcome {
    fn is_done(&self) -> bool {
        matches!(self, Self::Released(_) | Self::WouldBe(_) | Self::Gone)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Released(bounds) => write!(f, "released, {bounds}"),
            Self::WouldBe(bounds) => write!(f, "would be released, now {bounds}"),
            Self::Gone => f.write_str("deleted meanwhile"),
            Self::Unreadable => f.write_str(
                "NOT released: its record cannot be read; set the bounds that are right, and remove the annotation \
                 `hpa-override.dev/record`",
            ),
            Self::Failed(failure) => write!(f, "NOT released: {failure}"),
            Self::Changing => f.write_str("NOT released: somebody else writes it again and again"),
        }
    }
}

/// Gives back what is asked for. The exit code says whether all of it is.
///
/// # Errors
/// When there is no cluster, the Lease cannot be taken, or the HPAs cannot be listed.
pub async fn run(args: &Args, release: &ReleaseArgs) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::infer().await?;
    let clock = Clock::System { offset: args.clock_offset };
    let requests = Requests::new(cluster.client()?, clock, args.max_requests_per_second.get());
    let is_dry = release.dry_run || args.dry_run;
    let deployment = release
        .scale_down
        .as_ref()
        .filter(|_| !is_dry)
        .map(|name| Id { namespace: args.lease_namespace(cluster.namespace()), name: name.clone() });
    if let Some(deployment) = &deployment {
        scale_down(&requests, deployment)
            .await
            .with_context(|| format!("failed to scale Deployment {deployment} to 0"))?;
    }
    let is_stopped = deployment.is_some();
    let work = Work { scope: args.scope(), named: release.hpas.clone(), clock, is_dry, is_stopped };
    let lease = args.lease(cluster.namespace()).filter(|_| !is_dry);
    let outcomes = match lease {
        Some(lease) => work.under(lease, &cluster, requests, args.max_requests_per_second.get()).await?,
        None => work.release(&requests).await?,
    };
    if outcomes.is_empty() {
        println!("nothing to release: no HPA has anything of hpa-override");
        return Ok(ExitCode::SUCCESS);
    }
    let done = outcomes.iter().filter(|outcome| outcome.is_done()).count();
    let (verb, failed) = (if is_dry { "would be released" } else { "released" }, outcomes.len() - done);
    println!("{done} {verb}, {failed} not");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is to be released, and how.
struct Work {
    scope: Scope,
    /// These HPAs alone; none: all that are served.
    named: Vec<Id>,
    clock: Clock,
    is_dry: bool,
    /// Whether the controller is scaled to 0.
    is_stopped: bool,
}

impl Work {
    /// With the Lease: whoever held it writes no more when this begins.
    async fn under(
        &self,
        lease: LeaseName,
        cluster: &Cluster,
        requests: Requests,
        most_per_second: u32,
    ) -> anyhow::Result<Vec<Outcome>> {
        let leadership = Leadership::candidate();
        let own = requests.apart(cluster.client()?, most_per_second);
        let mut candidate = Candidate::new(own, lease.clone(), self.clock, leadership.clone());
        let holder = match candidate.seize().await {
            Ok(holder) => holder,
            // It has never led.
            Err(failure) if failure.is_not_found() && self.is_stopped => return self.release(&requests).await,
            Err(failure) if failure.is_not_found() => bail!(
                "there is no Lease {lease}: name that of the controller with `--lease-namespace` and `--lease-name`, or, where \
                 no controller runs any more, say `--leader-elect=false`"
            ),
            Err(failure) => bail!(
                "failed to take the Lease {lease}: {failure}; with `--leader-elect=false` it is not taken: then no controller \
                 may run"
            ),
        };
        if !self.is_stopped {
            eprintln!(
                "A controller that runs begins again as soon as this is done: scale it to 0 before, or delete the overrides."
            );
        }
        let resign = Arc::new(Notify::new());
        let held = tokio::spawn(candidate.run_until(resign.clone()));
        if let Some(holder) = holder {
            let seconds = RENEW_DEADLINE.as_secs();
            eprintln!("`{holder}` held the Lease {lease}: waiting {seconds} s until it writes no more");
            sleep(RENEW_DEADLINE).await;
        }
        let outcomes = self.release(&requests.led_by(leadership)).await;
        resign.notify_one();
        held.await.context("failed to give the Lease back")?;
        outcomes
    }

    async fn release(&self, requests: &Requests) -> anyhow::Result<Vec<Outcome>> {
        let (found, mut outcomes) = self.find(requests).await?;
        let release = |hpa: HpaView| async move {
            let id = hpa.id().clone();
            say(&id, self.release_one(requests, hpa).await)
        };
        let released: Vec<_> = stream::iter(found).map(release).buffer_unordered(AT_ONCE).collect().await;
        outcomes.extend(released);
        Ok(outcomes)
    }

    /// The HPAs that have something of ours; what became of those that cannot be read.
    async fn find(&self, requests: &Requests) -> anyhow::Result<(Vec<HpaView>, Vec<Outcome>)> {
        let (mut found, mut outcomes) = (Vec::new(), Vec::new());
        for id in &self.named {
            match read_hpa(requests, id).await {
                Ok(hpa) => found.push(hpa),
                Err(failure) => outcomes.push(say(id, Outcome::Failed(failure))),
            }
        }
        if self.named.is_empty() {
            for part in self.scope.parts() {
                match (list(requests, part, &mut found, &mut outcomes).await, part) {
                    (Ok(()), _) => {}
                    // The others are given back all the same.
                    (Err(failure), Some(namespace)) => {
                        let all = Id { namespace: namespace.into(), name: "*".into() };
                        outcomes.push(say(&all, Outcome::Failed(failure)));
                    }
                    (Err(failure), None) => bail!("failed to list HorizontalPodAutoscalers: {failure}"),
                }
            }
        }
        found.retain(|hpa| !hpa.is_untouched());
        Ok((found, outcomes))
    }

    async fn release_one(&self, requests: &Requests, mut hpa: HpaView) -> Outcome {
        for _ in 0..MOST_WRITES {
            let Some(patch) = plan_release(&hpa, self.clock.now().instant()).patch else {
                let is_released = hpa.is_untouched();
                return if is_released { Outcome::Released(bounds_of(&hpa)) } else { Outcome::Unreadable };
            };
            if self.is_dry {
                return Outcome::WouldBe(bounds_of(&hpa));
            }
            let id = hpa.id().clone();
            let written = match patch_hpa(requests, &id, &patch, Priority::End, None).await {
                Err(failure) if failure.is_conflict() => read_hpa(requests, &id).await,
                written => written,
            };
            hpa = match written {
                Ok(written) => written,
                Err(failure) if failure.is_without(&id.name) => return Outcome::Gone,
                Err(failure) => return Outcome::Failed(failure),
            };
        }
        Outcome::Changing
    }
}

/// Scales a Deployment to 0, and waits until its pods are gone: one that still runs could begin again. Whoever holds the Lease
/// keeps it from that meanwhile, so that a pod of a node that does not answer is not waited for long.
async fn scale_down(requests: &Requests, deployment: &Id) -> anyhow::Result<()> {
    let Id { namespace, name } = deployment;
    let none = Patch::Merge(json!({"spec": {"replicas": 0}}));
    let request = Request::new(format!("/apis/apps/v1/namespaces/{namespace}/deployments"));
    let request = request.patch_subresource("scale", name, &PatchParams::default(), &none);
    let scale = match requests.write_json(Write::Installation, built(request)?).await {
        Err(failure) if failure.is_not_found() => {
            eprintln!("There is no Deployment {deployment}.");
            return Ok(());
        }
        scale => scale?,
    };
    eprintln!("Deployment {deployment} is scaled to 0.");
    let selector = scale.pointer("/status/selector").and_then(Value::as_str).context("its scale has no selector")?;
    // Those that were evicted, or have failed, stay until somebody deletes them.
    let running = "status.phase!=Failed,status.phase!=Succeeded";
    let params = ListParams::default().labels(selector).fields(running).limit(page::SIZE);
    let pods = Request::new(format!("/api/v1/namespaces/{namespace}/pods"));
    let begin = Instant::now();
    loop {
        let answer = requests.read_json(built(pods.list(&params))?).await.context("failed to list its pods")?;
        let items = answer.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let names: Vec<_> = items.iter().filter_map(|pod| pod.pointer("/metadata/name")?.as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        if begin.elapsed() >= STOPS_WITHIN {
            let are_stopping = items.iter().all(|pod| pod.pointer("/metadata/deletionTimestamp").is_some());
            ensure!(are_stopping, "its pods are still there: {}", names.join(", "));
            eprintln!("Terminating pods are still there, and not waited for any longer: {}.", names.join(", "));
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn list(
    requests: &Requests,
    namespace: Option<&str>,
    found: &mut Vec<HpaView>,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), Failure> {
    let mut params = ListParams::default().limit(page::SIZE);
    loop {
        let request = Request::new(HPA.path(namespace)).list(&params);
        let answer = requests.read_page(built(request)?).await?;
        let page = page::decode(&answer)?;
        for item in page.items.unwrap_or_default() {
            match HpaView::parse_text(item.get()) {
                Ok(view) => found.push(view),
                Err(error) => {
                    let unnamed = Id { namespace: namespace.unwrap_or("unknown").into(), name: "unknown".into() };
                    outcomes.push(say(&unnamed, Outcome::Failed(Failure::Unreadable(error.to_string()))));
                }
            }
        }
        if page.metadata.rest.is_empty() {
            return Ok(());
        }
        params.continue_token = Some(page.metadata.rest);
    }
}

fn say(id: &Id, outcome: Outcome) -> Outcome {
    println!("{id}: {outcome}");
    outcome
}

fn bounds_of(hpa: &HpaView) -> String {
    hpa.bounds().map_or_else(|| "without valid bounds".into(), |bounds| bounds.to_string())
}
