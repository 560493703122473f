//! `list`: the overrides, sorted by their end.

use std::{process::ExitCode, time::Duration};

use futures::{StreamExt as _, pin_mut};
use hpa_override_core::{Instant, ParsedOverride, Settings, rules::window::Window};
use kube::api::WatchEvent;
use serde_json::Value;

use crate::{
    api::{Resource, Watched},
    cluster::Cluster,
    completer,
    failure::{Failure, Outcome},
    objects::{Named, items, target_of, text},
    output::{Format, shortened, table},
    say::{note, out, say},
    selection::BATCH_LABEL,
    session::Session,
    similar_name::suggestion,
    when::distance,
};

/// Between two watches.
const PAUSE: Duration = Duration::from_secs(1);
/// Characters of a reason that the table shows.
const LONGEST_REASON: usize = 40;

/// List overrides, the next to end first
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only these overrides, or those of these HPAs
    #[arg(value_name = "NAME|HPA", add = completer::overrides_and_hpas())]
    names: Vec<String>,

    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    /// Only those with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,

    /// Only those of one `set -l SELECTOR -A`, in all namespaces
    #[arg(long, value_name = "BATCH")]
    batch: Option<String>,

    /// Go on, with a line for each that changes
    #[arg(short, long, conflicts_with = "output")]
    watch: bool,

    /// wide, json, yaml, name, jsonpath=TEMPLATE
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

/// Lists them.
pub async fn run(args: ListArgs, session: &Session) -> Outcome {
    let cluster = session.cluster().await?;
    let everywhere = args.all_namespaces || args.batch.is_some();
    let namespace = if everywhere { None } else { Some(session.namespace().await?) };
    let batch = args.batch.as_ref().map(|batch| format!("{BATCH_LABEL}={batch}"));
    let labels: Vec<String> = args.selector.iter().cloned().chain(batch).collect();
    let labels = Some(labels.join(",")).filter(|labels| !labels.is_empty());
    let resource = Resource::overrides(namespace.as_deref());
    let answer = cluster.list(&resource, labels.as_deref()).await?;
    let now = answer.now.unwrap_or_else(|| session.now());
    let version = text(&answer.object, "/metadata/resourceVersion").to_owned();
    let mut found = items(answer);
    let names = args.names.iter().map(|name| Named::parse(name)).collect::<Outcome<Vec<_>>>()?;
    check_names(&found, &names)?;
    found.retain(|object| is_named(object, &names));
    found.sort_by_cached_key(|object| (ends(object).is_none(), ends(object), id(object)));
    let is_wide = match &args.output {
        None => false,
        Some(Format::Wide) => true,
        Some(format) => {
            match (names.as_slice(), found.as_slice()) {
                ([_], [one]) => format.print(one)?,
                _ => format.print_list(&found)?,
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    let columns = Columns { everywhere, is_wide };
    if found.is_empty() && !args.watch {
        let place =
            namespace.map_or_else(|| "in any namespace".into(), |namespace| format!("in namespace {namespace}"));
        note!("No AutoscalerOverrides found {place}.");
        return Ok(ExitCode::SUCCESS);
    }
    out(format_args!("{}", table(&columns.head(), found.iter().map(|object| columns.row(object, now)).collect())));
    if !args.watch {
        return Ok(ExitCode::SUCCESS);
    }
    let watched = Watched::Labelled(labels.as_deref());
    follow(cluster, &resource, version, watched, |object| is_named(object, &names), &columns, session).await
}

/// A line for each override that changes, until the user ends it. A watch ends now and then: the next goes on where it was; where the
/// API server no longer knows what was there, it begins anew, with all that there is.
async fn follow(
    cluster: &Cluster,
    resource: &Resource,
    version: String,
    watched: Watched<'_>,
    is_wanted: impl Fn(&Value) -> bool,
    columns: &Columns,
    session: &Session,
) -> Outcome {
    let mut since = Some(version);
    loop {
        match cluster.watch(resource, watched, since.as_deref()).await {
            Ok(events) => {
                pin_mut!(events);
                while let Some(event) = events.next().await {
                    let (object, is_deleted) = match event {
                        Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => (object, false),
                        Ok(WatchEvent::Deleted(object)) => (object, true),
                        Ok(WatchEvent::Bookmark(bookmark)) => {
                            since = Some(bookmark.metadata.resource_version);
                            continue;
                        }
                        Ok(WatchEvent::Error(_)) => {
                            since = None;
                            break;
                        }
                        Err(_) => break,
                    };
                    since = Some(text(&object, "/metadata/resourceVersion").to_owned());
                    if is_wanted(&object) {
                        let mut row = columns.row(&object, session.now());
                        row.extend(is_deleted.then(|| "deleted".to_owned()));
                        say!("{}", row.join("   "));
                    }
                }
            }
            Err(failure) if failure.is_forbidden() => return Err(failure),
            Err(failure) => note!("{}; trying again", failure.message()),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether it has one of these names, or names one of these HPAs; without any, it is.
fn is_named(object: &Value, names: &[Named<'_>]) -> bool {
    let (own, hpa) = (text(object, "/metadata/name"), text(object, "/spec/hpa"));
    let is = |name: &Named<'_>| match *name {
        Named::Any(name) => own == name || hpa == name,
        Named::Hpa(name) => hpa == name,
        Named::Override(name) => own == name,
    };
    names.is_empty() || names.iter().any(is)
}

/// Fails where a name is that of no override, and of no HPA that one names.
fn check_names(found: &[Value], names: &[Named<'_>]) -> Outcome<()> {
    for named in names {
        if !found.iter().any(|object| is_named(object, &[*named])) {
            let (name, known) =
                (named.name(), found.iter().map(|object| text(object, "/metadata/name")).collect::<Vec<_>>());
            let failure =
                Failure::new(format!("there is no AutoscalerOverride `{name}`, and none that names an HPA `{name}`"));
            return Err(failure.hint(suggestion(name, &known, "kubectl hpa-override list")));
        }
    }
    Ok(())
}

/// Namespace and name.
fn id(object: &Value) -> (String, String) {
    (text(object, "/metadata/namespace").into(), text(object, "/metadata/name").into())
}

/// When it ends: as its status says, where that is about this spec, else by its spec.
fn ends(object: &Value) -> Option<Instant> {
    let is_current = object.pointer("/status/observedGeneration") == object.pointer("/metadata/generation");
    if is_current && object.pointer("/status/conditions").is_some() {
        return text(object, "/status/endsAt").parse().ok();
    }
    Window::from_spec(&ParsedOverride::parse(object, Instant::MIN), &Settings::default(), None)?.until
}

struct Columns {
    everywhere: bool,
    is_wide: bool,
}

impl Columns {
    fn head(&self) -> Vec<&'static str> {
        let mut head = vec!["NAME", "TARGET", "OWNER", "EFFECTIVE", "MODE", "PHASE", "ENDS", "BY", "REASON"];
        if self.everywhere {
            head.insert(0, "NAMESPACE");
        }
        if self.is_wide {
            head.extend(["MIN", "MAX", "PRIORITY", "ENDS AT", "MESSAGE"]);
        }
        head
    }

    fn row(&self, object: &Value, now: Instant) -> Vec<String> {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let at = |pointer: &str| or_dash(text(object, pointer));
        let shown = |pointer: &str| {
            object
                .pointer(pointer)
                .map_or_else(|| "-".into(), |value| value.as_str().map_or_else(|| value.to_string(), Into::into))
        };
        let ends_in = ends(object).map_or_else(|| "never".into(), |end| distance(end, now));
        let mode = if text(object, "/spec/mode").is_empty() { "Set".into() } else { at("/spec/mode") };
        let mut row = vec![
            at("/metadata/name"),
            target_of(object),
            bounds(object, "/status/desired"),
            bounds(object, "/status/effective"),
            mode,
            at("/status/phase"),
            ends_in,
            at("/status/requestedBy"),
            or_dash(&shortened(text(object, "/spec/reason"), LONGEST_REASON)),
        ];
        if self.everywhere {
            row.insert(0, at("/metadata/namespace"));
        }
        if self.is_wide {
            let ready = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
            let ready = ready.into_iter().find(|condition| text(condition, "/type") == "Ready");
            row.extend([
                shown("/spec/minReplicas"),
                shown("/spec/maxReplicas"),
                object.pointer("/spec/priority").map_or_else(|| "0".into(), ToString::to_string),
                at("/status/endsAt"),
                or_dash(ready.map(|ready| text(ready, "/message")).unwrap_or_default()),
            ]);
        }
        row
    }
}

/// A pair of bounds, as `10-20`.
fn bounds(object: &Value, pointer: &str) -> String {
    let pair = object.pointer(pointer).and_then(hpa_override_core::Bounds::parse);
    pair.map_or_else(|| "-".into(), |bounds| bounds.to_string())
}
