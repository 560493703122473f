//! `release-all`: gives every HPA back to its owner, by its own record alone. It needs neither CRD nor controller nor admission.
//!
//! ```text
//!   take the Lease, so that no controller undoes it ──► list HPAs ──► each: plan_release ──► patch, until there is none
//! ```
//! It goes on where one HPA fails, and says which.

use std::{fmt, process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use futures::{StreamExt, stream};
use hpa_override_core::Id;
use hpa_override_plan::{HpaView, plan_release};
use kube::{api::ListParams, core::Request};
use tokio::{sync::Notify, time::sleep};

use crate::{
    apply::{patch_hpa, read_hpa},
    args::{Args, ReleaseArgs},
    clock::Clock,
    cluster::Cluster,
    error::Failure,
    leader::{Candidate, RENEW_DEADLINE},
    leadership::Leadership,
    object::HPA,
    page,
    queue::Priority,
    request::{Requests, built},
    scope::Scope,
};

/// HPAs at once; of their writes fewer are in flight.
const AT_ONCE: usize = 32;
/// Writes to one HPA, those that meet a change of somebody else included.
const MOST_WRITES: usize = 10;

/// What became of one HPA.
#[derive(Debug)]
enum Outcome {
    /// Its owner has it again, with these bounds.
    Released(String),
    /// It would be, from these bounds.
    WouldBe(String),
    /// The record cannot be read.
    Unreadable,
    Failed(Failure),
    /// Somebody writes it again and again.
    Changing,
}

impl Outcome {
    fn is_done(&self) -> bool {
        matches!(self, Self::Released(_) | Self::WouldBe(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Released(bounds) => write!(f, "released, {bounds}"),
            Self::WouldBe(bounds) => write!(f, "would be released, now {bounds}"),
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
/// When there is no cluster, no Lease, or no list of the HPAs.
pub async fn run(args: &Args, release: &ReleaseArgs) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::infer().await?;
    let clock = Clock::System { offset: args.clock_offset };
    let requests = Requests::new(cluster.client()?, clock, args.max_requests_per_second.get());
    let hpas = find(&requests, &args.scope(), &release.hpas).await?;
    if hpas.is_empty() {
        println!("nothing to release: no HPA has anything of hpa-override");
        return Ok(ExitCode::SUCCESS);
    }
    let outcomes = if release.dry_run {
        hpas.iter().map(|hpa| say(hpa.id(), would_be(hpa, clock))).collect()
    } else {
        released(args, &cluster, requests, clock, hpas).await?
    };
    let done = outcomes.iter().filter(|outcome| outcome.is_done()).count();
    let (verb, failed) = (if release.dry_run { "would be released" } else { "released" }, outcomes.len() - done);
    println!("{done} {verb}, {failed} not");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Under the Lease, where there is one.
async fn released(
    args: &Args,
    cluster: &Cluster,
    requests: Requests,
    clock: Clock,
    hpas: Vec<HpaView>,
) -> anyhow::Result<Vec<Outcome>> {
    eprintln!(
        "A controller that runs begins again as soon as this is done: scale it to 0 before, or delete the overrides."
    );
    let Some(lease) = args.lease(cluster.namespace()) else { return Ok(release_each(&requests, clock, hpas).await) };
    let leadership = Leadership::candidate();
    let own = requests.apart(cluster.client()?, args.max_requests_per_second.get());
    let mut candidate = Candidate::new(own, lease.clone(), clock, leadership.clone());
    let holder = match candidate.seize().await {
        Ok(holder) => holder,
        // Without its namespace there is no controller that elects a leader there.
        Err(failure) if failure.is_not_found() => {
            eprintln!("there is no Lease {lease}, and no namespace for it: no controller elects a leader there");
            return Ok(release_each(&requests, clock, hpas).await);
        }
        Err(failure) => bail!(
            "failed to take the Lease {lease}: {failure}; with `--leader-elect=false` it is not taken: then no controller may run"
        ),
    };
    let resign = Arc::new(Notify::new());
    let held = tokio::spawn(candidate.run_until(resign.clone()));
    if let Some(holder) = holder {
        eprintln!("`{holder}` held the Lease {lease}: waiting {} s until it writes no more", RENEW_DEADLINE.as_secs());
        sleep(RENEW_DEADLINE).await;
    }
    let outcomes = release_each(&requests.led_by(leadership), clock, hpas).await;
    resign.notify_one();
    held.await.context("failed to give the Lease back")?;
    Ok(outcomes)
}

/// The HPAs that have something of ours.
async fn find(requests: &Requests, scope: &Scope, named: &[Id]) -> anyhow::Result<Vec<HpaView>> {
    let mut found = Vec::new();
    for id in named {
        found.push(
            read_hpa(requests, id).await.with_context(|| format!("failed to read HorizontalPodAutoscaler {id}"))?,
        );
    }
    if named.is_empty() {
        for part in scope.parts() {
            list(requests, part, &mut found).await.context("failed to list HorizontalPodAutoscalers")?;
        }
    }
    found.retain(|hpa| !hpa.is_untouched());
    Ok(found)
}

async fn list(requests: &Requests, namespace: Option<&str>, found: &mut Vec<HpaView>) -> Result<(), Failure> {
    let mut params = ListParams::default().limit(page::SIZE);
    loop {
        let request = Request::new(HPA.path(namespace)).list(&params);
        let answer = requests.read_page(built(request)?).await?;
        let page = page::decode(&answer)?;
        for item in page.items.unwrap_or_default() {
            match HpaView::parse_text(item.get()) {
                Ok(view) => found.push(view),
                Err(error) => eprintln!("one HPA cannot be read and is left out: {error}"),
            }
        }
        if page.metadata.rest.is_empty() {
            return Ok(());
        }
        params.continue_token = Some(page.metadata.rest);
    }
}

async fn release_each(requests: &Requests, clock: Clock, hpas: Vec<HpaView>) -> Vec<Outcome> {
    let release = |hpa: HpaView| async move {
        let id = hpa.id().clone();
        say(&id, release_one(requests, clock, hpa).await)
    };
    stream::iter(hpas).map(release).buffer_unordered(AT_ONCE).collect().await
}

fn say(id: &Id, outcome: Outcome) -> Outcome {
    println!("{id}: {outcome}");
    outcome
}

fn would_be(hpa: &HpaView, clock: Clock) -> Outcome {
    match plan_release(hpa, clock.now().instant()).patch {
        Some(_) => Outcome::WouldBe(bounds_of(hpa)),
        None => Outcome::Unreadable,
    }
}

async fn release_one(requests: &Requests, clock: Clock, mut hpa: HpaView) -> Outcome {
    for _ in 0..MOST_WRITES {
        let Some(patch) = plan_release(&hpa, clock.now().instant()).patch else {
            let is_released = hpa.is_untouched();
            return if is_released { Outcome::Released(bounds_of(&hpa)) } else { Outcome::Unreadable };
        };
        let id = hpa.id().clone();
        let written = match patch_hpa(requests, &id, &patch, Priority::End, None).await {
            Err(failure) if failure.is_conflict() => read_hpa(requests, &id).await,
            written => written,
        };
        hpa = match written {
            Ok(written) => written,
            Err(failure) => return Outcome::Failed(failure),
        };
    }
    Outcome::Changing
}

fn bounds_of(hpa: &HpaView) -> String {
    hpa.bounds().map_or_else(|| "without valid bounds".into(), |bounds| bounds.to_string())
}
