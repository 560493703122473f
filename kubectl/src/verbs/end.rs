//! `end`: ends overrides now.

use hpa_override_core::{Instant, ParsedOverride, Phase};
use hpa_override_crd::Duration;
use hpa_override_plan::{Ending, Target, plan_ending};
use serde_json::{Map, Value, json};

use crate::{
    change::{Change, ChangeArgs, write},
    completer,
    failure::{Failure, Outcome},
    objects::{self, Named, id_of, text},
    say::note,
    selection::{BatchArgs, recorded_end, select},
    session::{Session, confirm},
    similar_name::suggestion,
    situation::Situation,
};

/// End overrides now: the owners' bounds are restored
///
/// An override that has not begun is deleted. Of an HPA, and with --all, those that are active end, but what recurs; of an HPA
/// those that name it, and not those that select it by its labels. By its own name each ends.
#[derive(Debug, clap::Args)]
pub struct EndArgs {
    /// Overrides, or HPAs: of an HPA the active overrides that name it
    #[arg(value_name = "NAME|HPA", required_unless_present_any = ["batch", "all"], add = completer::overrides_and_hpas())]
    names: Vec<String>,

    #[command(flatten)]
    batch: BatchArgs,

    /// All active overrides in the namespace
    #[arg(long, conflicts_with_all = ["names", "batch"])]
    all: bool,

    /// Return to the owner's bounds gradually, over that time
    #[arg(long, value_name = "DURATION")]
    return_over: Option<Duration>,

    /// Ask nothing
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    change: ChangeArgs,
}

/// Ends them.
pub async fn run(args: &EndArgs, session: &Session) -> Outcome {
    let overrides = find(args, session).await?;
    let server_clock = session.server_clock().await;
    let now = server_clock();
    let over = args.return_over;
    let ending = |object: &Value| plan_ending(&ParsedOverride::parse(object, now), recorded_end(object), over, now);
    let what: Vec<String> = overrides
        .iter()
        .map(|object| match ending(object) {
            Ending::Delete => format!("{} (it has not begun, and is deleted)", id_of(object)),
            Ending::RecursUntil(_) => format!("{} (it recurs, and will no more)", id_of(object)),
            Ending::At(_) | Ending::Over => id_of(object).to_string(),
        })
        .collect();
    let is_plain = overrides.iter().all(|object| matches!(ending(object), Ending::At(_) | Ending::Over));
    let asks = !args.yes && (overrides.len() > 1 || !is_plain);
    if asks && !confirm(&format!("End {}?", what.join(", "))) {
        return Err(Failure::new("nothing was written"));
    }
    // The user may have taken time to answer, and the writes take some, too.
    write(&overrides, "ended", args.change, session, |object| Ok(end(object, over, server_clock()))).await
}

fn end(object: &Value, return_over: Option<Duration>, now: Instant) -> Change {
    let (at, is_recurring) =
        match plan_ending(&ParsedOverride::parse(object, now), recorded_end(object), return_over, now) {
            Ending::At(at) => (at, false),
            Ending::RecursUntil(at) => (at, true),
            Ending::Delete => return Change::Delete,
            Ending::Over => return Change::Nothing("has ended already"),
        };
    let mut spec = Map::from_iter([("expiresAt".to_owned(), json!(at))]);
    if !is_recurring {
        spec.insert("duration".into(), Value::Null);
    }
    spec.extend(return_over.map(|over| ("returnOver".to_owned(), json!(over.to_string()))));
    Change::End(spec)
}

async fn find(args: &EndArgs, session: &Session) -> Outcome<Vec<Value>> {
    if args.batch.batch.is_some() {
        return select(&[], &args.batch, session).await;
    }
    if args.all {
        return all(session).await;
    }
    let mut found: Vec<Value> = Vec::new();
    for name in &args.names {
        for object in named_or_of_hpa(name, session).await? {
            if !found.iter().any(|other| id_of(other) == id_of(&object)) {
                found.push(object);
            }
        }
    }
    Ok(found)
}

/// The active overrides of the namespace.
async fn all(session: &Session) -> Outcome<Vec<Value>> {
    let namespace = session.namespace().await?;
    let mut overrides = objects::overrides(session.cluster().await?, Some(&namespace), None).await?;
    let is_active = |object: &Value| matches!(text(object, "/status/phase"), "Active" | "Superseded");
    let recurs = |object: &Value| object.pointer("/spec/schedule").is_some_and(|schedule| !schedule.is_null());
    for left in overrides.iter().filter(|object| is_active(object) && recurs(object)) {
        note!("left alone: {} recurs; `suspend` makes it inactive, `end` by its name ends it for good", id_of(left));
    }
    overrides.retain(|object| is_active(object) && !recurs(object));
    if overrides.is_empty() {
        return Err(Failure::new(format!("no override is active in namespace `{namespace}`")));
    }
    Ok(overrides)
}

/// The override with that name or, where there is none, the active ones that name the HPA of that name.
async fn named_or_of_hpa(name: &str, session: &Session) -> Outcome<Vec<Value>> {
    let (cluster, namespace) = (session.cluster().await?, session.namespace().await?);
    let now = session.server_time().await;
    let named = Named::parse(name)?;
    let mut ended = None;
    if !matches!(named, Named::Hpa(_)) {
        match objects::ovr(cluster, &namespace, named.name()).await {
            Ok(answer) => {
                let ovr = ParsedOverride::parse(&answer.object, now);
                let is_over = plan_ending(&ovr, recorded_end(&answer.object), None, now) == Ending::Over;
                // An HPA of that name may be meant, on which others are active.
                if !is_over || matches!(named, Named::Override(_)) {
                    return Ok(vec![answer.object]);
                }
                ended = Some(answer.object);
            }
            Err(failure) if failure.is_not_found() && matches!(named, Named::Any(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let situation = match Situation::read(cluster, &namespace, named.name(), now).await {
        Ok(situation) => situation,
        Err(failure) if failure.is_not_found() && ended.is_some() => return Ok(ended.into_iter().collect()),
        Err(failure) if failure.is_not_found() && matches!(named, Named::Any(_)) => {
            let all = objects::overrides(cluster, Some(&namespace), None).await.unwrap_or_default();
            let known: Vec<&str> = all.iter().map(|ovr| text(ovr, "/metadata/name")).collect();
            let message =
                format!("there is neither an AutoscalerOverride nor an HPA `{name}` in namespace `{namespace}`");
            return Err(Failure::new(message).not_found().hint(suggestion(name, &known, "kubectl hpa-override list")));
        }
        Err(failure) => return Err(failure),
    };
    let mut overrides = Vec::new();
    for (id, found) in situation.plan(now).eligibility {
        if !matches!(found.phase, Phase::Active | Phase::Superseded) {
            continue;
        }
        let Some(ovr) = situation.overrides().iter().find(|ovr| ovr.id == id) else { continue };
        if matches!(Target::of(ovr), Some(Target::Selected { .. })) {
            note!("left alone: {id} selects HPAs by their labels; it ends by its name");
        } else if ovr.schedule.is_some() {
            note!("left alone: {id} recurs; `suspend` makes it inactive, `end` by its name ends it for good");
        } else {
            match objects::ovr(cluster, &id.namespace, &id.name).await {
                Ok(answer) => overrides.push(answer.object),
                Err(failure) if failure.is_forbidden() && id.namespace != namespace => {
                    note!("left alone: {id} is in a namespace that you may not read");
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    if overrides.is_empty() {
        return Err(Failure::new(format!(
            "no override that names HorizontalPodAutoscaler {} is active",
            situation.id()
        ))
        .hint(format!("`kubectl hpa-override explain {}` shows what there is", named.name())));
    }
    Ok(overrides)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-27T06:00:00Z";

    #[test]
    fn it_expires_now_and_returns_gradually() {
        let object = json!({"metadata": {"namespace": "shop", "name": "a", "creationTimestamp": "2026-11-27T05:00:00Z"},
                            "spec": {"hpa": "web", "minReplicas": 10, "duration": "2h"}});
        match end(&object, "10m".parse().ok(), NOW.parse().unwrap()) {
            Change::End(spec) => {
                assert_eq!(
                    Value::from(spec),
                    json!({"expiresAt": "2026-11-27T06:00:05Z", "duration": null, "returnOver": "10m"})
                );
            }
            Change::Spec(_) | Change::Delete | Change::Nothing(_) => panic!("it is active"),
        }
    }
}
