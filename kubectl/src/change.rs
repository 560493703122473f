//! Changes overrides one by one, goes on where one fails, and says of each what the bounds are now and what follows.

use std::process::ExitCode;

use hpa_override_core::{Id, Instant, ParsedOverride};
use hpa_override_plan::{Point, Target};
use serde_json::{Map, Value, json};

use crate::{
    api::{Resource, on_server},
    cluster::Cluster,
    failure::{Failure, Outcome},
    flags::DryRun,
    objects::{self, text},
    output::resource_name,
    say::{note, say},
    session::Session,
    situation::Situation,
    when::shown,
};

/// How a change is written.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ChangeArgs {
    /// none, client (send nothing that writes) or server (have everything checked, store nothing)
    #[arg(long, value_name = "HOW", default_value = "none", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub dry_run: DryRun,
}

/// What is to be done to one override.
pub enum Change {
    /// These fields of its spec; null removes one.
    Spec(Map<String, Value>),
    /// The same, and that ends it: that its end has passed is what is wanted.
    End(Map<String, Value>),
    /// It is to be deleted.
    Delete,
    /// Nothing, and why.
    Nothing(&'static str),
}

/// How far ahead it is looked for what follows.
const A_WEEK: i64 = 7 * 86_400;

/// Writes the changes; `what` is the word for one that is written, like `extended`. An override that somebody else has changed since
/// it was read is read and looked at again, once.
pub async fn write(
    overrides: &[Value],
    what: &str,
    args: ChangeArgs,
    session: &Session,
    change: impl Fn(&Value) -> Outcome<Change>,
) -> Outcome {
    let cluster = session.cluster().await?;
    let mut failed = 0;
    for object in overrides {
        let mut written = write_one(cluster, object, &change, args.dry_run).await;
        if written.as_ref().is_err_and(Failure::is_conflict) {
            let id = objects::id_of(object);
            let again = objects::ovr(cluster, &id.namespace, &id.name).await;
            written = match again {
                Ok(again) => write_one(cluster, &again.object, &change, args.dry_run).await,
                Err(failure) => Err(failure),
            };
        }
        match written {
            Ok(Written::Nothing(why)) => say!("{} {why}", resource_name(object)),
            Ok(written) => report(cluster, object, &written, what, args, session).await,
            Err(failure) => {
                failure.print();
                failed += 1;
            }
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was done.
enum Written {
    /// The override as it is afterwards.
    Changed(Value),
    Deleted,
    Nothing(&'static str),
}

async fn write_one(
    cluster: &Cluster,
    object: &Value,
    change: &impl Fn(&Value) -> Outcome<Change>,
    dry: DryRun,
) -> Outcome<Written> {
    let id = objects::id_of(object);
    let resource = Resource::overrides(Some(&id.namespace));
    let change = change(object)?;
    let is_end = matches!(change, Change::End(_));
    match change {
        Change::Nothing(why) => Ok(Written::Nothing(why)),
        Change::Spec(fields) | Change::End(fields) if dry == DryRun::Client => {
            Ok(Written::Changed(merged(object, &fields)))
        }
        Change::Spec(fields) | Change::End(fields) => {
            let version = text(object, "/metadata/resourceVersion");
            let patch = json!({"metadata": {"resourceVersion": version}, "spec": fields});
            let answer = cluster.patch(&resource, &id.name, &patch, on_server(dry)).await;
            let answer = answer.map_err(|failure| if is_end { with_way_out(failure, &id) } else { failure })?;
            for warning in answer.warnings.iter().filter(|_| !is_end) {
                note!("warning: {warning}");
            }
            Ok(Written::Changed(answer.object))
        }
        Change::Delete => {
            if dry != DryRun::Client {
                cluster.delete(&resource, object, on_server(dry)).await?;
            }
            Ok(Written::Deleted)
        }
    }
}

/// An end is an edit, which the guard checks; a deletion it does not.
fn with_way_out(failure: Failure, id: &Id) -> Failure {
    let is_other = !failure.is_conflict() && !failure.is_forbidden() && !failure.is_not_found();
    let delete =
        format!("`kubectl -n {} delete hpao {}` ends it, too, and is not checked by the guard", id.namespace, id.name);
    if is_other { failure.hint(delete) } else { failure }
}

async fn report(cluster: &Cluster, object: &Value, written: &Written, what: &str, args: ChangeArgs, session: &Session) {
    let how = match args.dry_run {
        DryRun::None => "",
        DryRun::Client => " (dry run)",
        DryRun::Server => " (server dry run)",
    };
    let (word, after) = match written {
        Written::Changed(after) => (what, Some(after)),
        Written::Deleted | Written::Nothing(_) => ("deleted", None),
    };
    say!("{} {word}{how}", resource_name(object));
    if let Some(tool) = git_tool(object) {
        say!("note: {tool} manages {}: change it in Git, too, or the old one comes back", objects::id_of(object));
    }
    follows(cluster, object, after, args.dry_run != DryRun::None, session).await;
}

/// The override with these fields of its spec.
fn merged(object: &Value, fields: &Map<String, Value>) -> Value {
    let mut after = object.clone();
    if let Some(spec) = after.get_mut("spec").and_then(Value::as_object_mut) {
        for (key, value) in fields {
            if value.is_null() { drop(spec.remove(key)) } else { drop(spec.insert(key.clone(), value.clone())) }
        }
    }
    after
}

/// Says what the bounds of its HPA are now and what follows, where it names one. What cannot be read is left out: the change is
/// made.
async fn follows(cluster: &Cluster, before: &Value, after: Option<&Value>, is_dry: bool, session: &Session) {
    let now = session.server_time().await;
    let parsed = ParsedOverride::parse(before, now);
    let Some(Target::Named { namespace, name }) = Target::of(&parsed) else {
        if let Some(targets) = before.pointer("/status/targets").and_then(Value::as_i64) {
            say!("{}: {targets} HPAs by their labels", parsed.id);
        }
        return;
    };
    let Ok(situation) = Situation::read(cluster, &namespace, &name, now).await else { return };
    let situation = match after {
        Some(after) => situation.with(after, now),
        None => situation.without(&parsed.id),
    };
    if let Some(line) = sentence(&situation, now, session) {
        say!("{line}{}", if is_dry { " (it would be so)" } else { "" });
    }
}

/// `shop/web: 10-20, 2-5 from 2026-11-27 18:00 CET on`.
fn sentence(situation: &Situation, now: Instant, session: &Session) -> Option<String> {
    let points = situation.timeline(now, now.saturating_add(A_WEEK))?;
    let (first, rest) = points.split_first()?;
    let next = rest.iter().find(|point| point.effective != first.effective);
    let is_returning = |point: &&Point| point.gradual_return.is_some();
    let then = if is_returning(&first) || next.as_ref().is_some_and(is_returning) {
        // The steps between are many.
        let returned = rest.iter().skip_while(|point| !is_returning(point)).find(|point| !is_returning(point));
        let returned = if is_returning(&first) { rest.iter().find(|point| !is_returning(point)) } else { returned };
        returned.map(|point| format!(", gradually {} until {}", point.effective, shown(point.at, &session.zone)))
    } else {
        next.map(|next| format!(", {} from {} on", next.effective, shown(next.at, &session.zone)))
    };
    Some(format!("{}: {}{}", situation.id(), first.effective, then.unwrap_or_default()))
}

/// The tool that writes the object from Git, as far as its labels say.
fn git_tool(object: &Value) -> Option<&'static str> {
    let marks = [
        ("/metadata/labels/kustomize.toolkit.fluxcd.io~1name", "Flux"),
        ("/metadata/labels/helm.toolkit.fluxcd.io~1name", "Flux"),
        ("/metadata/annotations/argocd.argoproj.io~1tracking-id", "Argo CD"),
        ("/metadata/labels/argocd.argoproj.io~1instance", "Argo CD"),
        ("/metadata/annotations/meta.helm.sh~1release-name", "Helm"),
    ];
    marks.into_iter().find(|(pointer, _)| object.pointer(pointer).is_some()).map(|(_, tool)| tool)
}
