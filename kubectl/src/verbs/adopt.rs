//! `adopt`: makes the effective bounds the owner's.

use std::process::ExitCode;

use hpa_override_core::{Bound, Bounds, Id, ParsedOverride, Record};
use hpa_override_plan::{Adoption, NotAdopted, Target, plan_adoption};

use crate::{
    api::{Resource, on_server},
    change::ChangeArgs,
    completer,
    failure::{Failure, Outcome},
    flags::DryRun,
    objects::{self, Named},
    say::{note, say},
    session::Session,
};

/// Keep the bounds that overrides have set: print the lines for Git, or make them the owner's
///
/// Without --write it prints what to put into the manifest. With --write it declares the effective bounds to be what the owner
/// wants, as you, in the way of `kubectl apply`. The overrides are active until their end; then the bounds stay as they are.
#[derive(Debug, clap::Args)]
pub struct AdoptArgs {
    /// HPA, or an override that names one
    #[arg(value_name = "HPA|NAME", add = completer::overrides_and_hpas())]
    name: String,

    /// Write it, with your rights on the HPA
    #[arg(long)]
    write: bool,

    #[command(flatten)]
    change: ChangeArgs,
}

/// Adopts them.
pub async fn run(args: &AdoptArgs, session: &Session) -> Outcome {
    let id = target(&args.name, session).await?;
    let cluster = session.cluster().await?;
    let answer = objects::hpa(cluster, &id.namespace, &id.name).await?;
    let now = answer.now.unwrap_or_else(|| session.now());
    let Adoption { bounds, patch, cleanup } = plan_adoption(&answer.object, now).map_err(|why| cannot(&id, why))?;
    if !args.write {
        note!("# HorizontalPodAutoscaler {id}: put this into its manifest");
        say!("spec:\n  minReplicas: {}\n  maxReplicas: {}", bounds.get(Bound::Min), bounds.get(Bound::Max));
        return Ok(ExitCode::SUCCESS);
    }
    if args.change.dry_run == DryRun::Client {
        say!("{patch:#}");
        return Ok(ExitCode::SUCCESS);
    }
    let (resource, is_dry) = (Resource::hpas(Some(&id.namespace)), on_server(args.change.dry_run));
    let stored = cluster.patch(&resource, &id.name, &patch, is_dry).await?.object;
    let record = Record::from_hpa(&stored).and_then(Result::ok);
    let desired = record.map_or_else(|| Bounds::from_hpa(&stored), |record| Some(record.desired));
    if let Some(cleanup) = cleanup.filter(|_| !is_dry) {
        cluster.patch(&resource, &id.name, &cleanup, false).await?;
    }
    if desired != Some(bounds) {
        let desired = desired.map_or_else(|| "unreadable".into(), |desired| desired.to_string());
        let message =
            format!("HorizontalPodAutoscaler {id}: {bounds} was written, and what its owner wants is {desired}");
        return Err(Failure::new(message).hint("end its overrides, then set the bounds by hand"));
    }
    let verb = if is_dry { "would be adopted (server dry run)" } else { "adopted" };
    say!("horizontalpodautoscaler.autoscaling/{} {verb}: its owner wants {bounds}", id.name);
    say!("note: who applies its manifest from Git writes other numbers: put these there, too");
    Ok(ExitCode::SUCCESS)
}

/// The HPA with that name, or that the override of that name names.
async fn target(name: &str, session: &Session) -> Outcome<Id> {
    let (cluster, namespace) = (session.cluster().await?, session.namespace().await?);
    let named = Named::parse(name)?;
    let hpa = Id { namespace: namespace.clone(), name: named.name().into() };
    match named {
        Named::Hpa(_) => return Ok(hpa),
        Named::Any(name) => match objects::hpa(cluster, &namespace, name).await {
            Ok(_) => return Ok(hpa),
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => return Err(failure),
        },
        Named::Override(_) => {}
    }
    let answer = objects::ovr(cluster, &namespace, named.name()).await?;
    match Target::of(&ParsedOverride::parse(&answer.object, session.now())) {
        Some(Target::Named { namespace, name }) => Ok(Id { namespace, name }),
        _ => Err(Failure::new(format!("{namespace}/{} names no HPA", named.name())).hint("name the HPA: hpa/NAME")),
    }
}

fn cannot(id: &Id, why: NotAdopted) -> Failure {
    let (why, hint) = match why {
        NotAdopted::NotOverridden => ("no override is active on it: its bounds are its owner's".to_owned(), None),
        NotAdopted::Unreadable => ("its record or its bounds cannot be read".to_owned(), None),
        NotAdopted::Returning => {
            let hint = "wait until they are there, or write the bounds that you want into the manifest";
            ("its bounds are returning gradually".to_owned(), Some(hint))
        }
        NotAdopted::Relative(bounds) => {
            let hint = "write the bounds into the manifest once the override has ended";
            (
                format!("an override or a limit is relative to what the owner wants, and would make {bounds} of it"),
                Some(hint),
            )
        }
    };
    let failure = Failure::new(format!("the bounds of HorizontalPodAutoscaler {id} cannot be adopted: {why}"));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
