//! `release`: restores an HPA by hand, whatever overrides there are.

use std::process::ExitCode;

use hpa_override_core::{Bounds, MANAGER, RECORD_ANNOTATION, RELEASE_ANNOTATION, Record, hpa::raw::annotation};
use hpa_override_plan::{HpaView, plan_release};
use serde_json::{Value, json};

use crate::{
    api::Resource,
    change::ChangeArgs,
    cluster::Cluster,
    completer,
    failure::{Failure, Outcome},
    flags::DryRun,
    objects::{self, Named, id_of},
    say::{note, say},
    session::{Session, confirm},
};

/// Writes to one HPA, those that meet a change of somebody else included.
const MOST_WRITES: usize = 10;

/// Restore what the owner of an HPA wants, now and whatever overrides there are: the last resort
///
/// Where an admission honours the release annotation, that is written; else bounds, record and field ownership, as you. It needs
/// neither the CRD nor a controller. A running controller applies active overrides again: `end` them instead, where you can.
#[derive(Debug, clap::Args)]
pub struct ReleaseArgs {
    /// HorizontalPodAutoscaler
    #[arg(value_name = "HPA", add = completer::hpas())]
    name: String,

    /// Ask nothing
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    change: ChangeArgs,
}

/// Releases it.
pub async fn run(args: &ReleaseArgs, session: &Session) -> Outcome {
    let (cluster, namespace) = (session.cluster().await?, session.namespace().await?);
    let name = match Named::parse(&args.name)? {
        Named::Override(_) => {
            return Err(Failure::new("an HPA is released, not an override").hint("`end` ends an override"));
        }
        named => named.name().to_owned(),
    };
    let hpa = objects::hpa(cluster, &namespace, &name).await?.object;
    if HpaView::parse(&hpa).is_untouched() {
        say!("HorizontalPodAutoscaler {} carries nothing of hpa-override: its bounds are its owner's", id_of(&hpa));
        return Ok(ExitCode::SUCCESS);
    }
    let resource = Resource::hpas(Some(&namespace));
    let marker = json!({"metadata": {"annotations": {RELEASE_ANNOTATION: "true"}}});
    let tried = cluster.patch(&resource, &name, &marker, true).await?;
    let is_honoured =
        annotation(&tried.object, RECORD_ANNOTATION).is_none() && annotation(&hpa, RECORD_ANNOTATION).is_some();
    explain(&hpa, is_honoured.then_some(&tried.object), cluster).await;
    if args.change.dry_run != DryRun::None {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !confirm("Release it?") {
        return Err(Failure::new("nothing was written"));
    }
    let released = if is_honoured {
        let answer = cluster.patch(&resource, &name, &marker, false).await?;
        for warning in &answer.warnings {
            note!("warning: {warning}");
        }
        answer.object
    } else {
        by_hand(hpa, cluster, session).await?
    };
    say!("horizontalpodautoscaler.autoscaling/{name} released: {}", shown(Bounds::from_hpa(&released)));
    Ok(ExitCode::SUCCESS)
}

fn shown(bounds: Option<Bounds>) -> String {
    bounds.map_or_else(|| "unreadable".into(), |bounds| bounds.to_string())
}

/// Says what will be written. Overrides are looked for as far as that is possible.
async fn explain(hpa: &Value, honoured: Option<&Value>, cluster: &Cluster) {
    let (id, before) = (id_of(hpa), shown(Bounds::from_hpa(hpa)));
    match (honoured, Record::from_hpa(hpa)) {
        (Some(after), _) => {
            let after = shown(Bounds::from_hpa(after));
            note!("HorizontalPodAutoscaler {id}: {before} now, {after} afterwards, by the release annotation");
        }
        (None, Some(Err(_))) => note!(
            "HorizontalPodAutoscaler {id}: its record cannot be read, so the bounds stay {before}, and only the record is removed: \
             check the bounds afterwards"
        ),
        (None, record) => {
            let after = shown(record.and_then(Result::ok).map(|record| record.desired).or(Bounds::from_hpa(hpa)));
            note!(
                "HorizontalPodAutoscaler {id}: {before} now, {after} afterwards; no admission honours the release annotation, so \
                 bounds, record and field ownership are written as you"
            );
        }
    }
    let Some(Ok(record)) = Record::from_hpa(hpa) else { return };
    let by: Vec<String> = record.layers.iter().map(|layer| layer.by.to_string()).collect();
    let overrides = objects::overrides_of_namespace(cluster, &id.namespace).await;
    let are_there =
        overrides.is_ok_and(|(overrides, _)| overrides.iter().any(|ovr| by.contains(&id_of(ovr).to_string())));
    if are_there {
        note!(
            "note: a running controller applies these again: {}; `kubectl hpa-override end` ends them",
            by.join(", ")
        );
    }
}

/// The two writes of an end, as the user: bounds, then record and ownership. Planned anew where somebody else has written meanwhile.
async fn by_hand(mut hpa: Value, cluster: &Cluster, session: &Session) -> Outcome<Value> {
    let id = id_of(&hpa);
    let resource = Resource::hpas(Some(&id.namespace));
    for _ in 0..MOST_WRITES {
        let patch = match Record::from_hpa(&hpa) {
            Some(Err(_)) => json!({"metadata": {"annotations": {RECORD_ANNOTATION: null, RELEASE_ANNOTATION: null}}}),
            _ => match plan_release(&HpaView::parse(&hpa), session.server_time().await).patch {
                Some(patch) => patch,
                None => return Ok(hpa),
            },
        };
        // Under the name by which the bounds were taken, so that their ownership is returned.
        hpa = match cluster.patch_as(&resource, &id.name, &patch, false, MANAGER).await {
            Ok(answer) => answer.object,
            Err(failure) if failure.is_conflict() => objects::hpa(cluster, &id.namespace, &id.name).await?.object,
            Err(failure) => return Err(failure),
        };
    }
    Err(Failure::new(format!("HorizontalPodAutoscaler {id} is written again and again by somebody else"))
        .hint("is a controller running? end the overrides instead"))
}
