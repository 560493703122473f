//! `preview`: what overrides will do to an HPA, from instant to instant. With files it needs no cluster.

use std::{path::PathBuf, process::ExitCode};

use hpa_override_api::call;
use hpa_override_core::{Id, Instant, ParsedOverride, Phase, Record};
use hpa_override_crd::Duration;
use hpa_override_plan::Target;
use serde_json::{Value, json};

use super::validate::{OfflineArgs, in_namespace, is_override};
use crate::{
    completer,
    documents::{read_files, read_one},
    failure::{Failure, Outcome},
    objects::{self, Named},
    say::{note, out, say},
    session::Session,
    situation::{Situation, layers_of_other_namespaces, settings_shown_by},
    timeline::{as_plot, as_svg, as_table},
    when,
};

/// How far ahead, without --for and --until.
const DEFAULT_SPAN: &str = "24h";

/// Show what overrides will do to an HPA over time, nobody else writing
///
/// With --hpa FILE it needs no cluster. Without it the HPA is read from the cluster, and its overrides, too, where no -f is given.
#[derive(Debug, clap::Args)]
pub struct PreviewArgs {
    /// HorizontalPodAutoscaler in the cluster [default: the one that the override of -f names]
    #[arg(value_name = "HPA", required_unless_present_any = ["hpa_file", "files"], conflicts_with = "hpa_file", add = completer::hpas())]
    hpa: Option<String>,

    /// Overrides: files, folders, or - for the standard input
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// HorizontalPodAutoscaler, a file
    #[arg(long = "hpa", value_name = "FILE", id = "hpa_file")]
    hpa_file: Option<PathBuf>,

    #[command(flatten)]
    offline: OfflineArgs,

    /// How far ahead [default: 24h]
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until")]
    length: Option<Duration>,

    /// Until when: 18:00, "2026-11-27 18:00", 2026-11-27T18:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,

    /// text, json (as the function `timeline` of the API) or svg
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_enum)]
    output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Svg,
}

/// Shows it.
pub async fn run(args: &PreviewArgs, session: &Session) -> Outcome {
    let now = args.offline.at(session);
    let until = match (&args.until, args.length.or_else(|| DEFAULT_SPAN.parse().ok())) {
        (Some(text), _) => session.instant(text, now, now)?,
        (None, Some(length)) => when::later(now, length),
        (None, None) => now,
    };
    let mut overrides = Vec::new();
    for file in read_files(&args.files)? {
        let documents = file.readable()?.into_iter().map(|document| document.value).filter(is_override);
        overrides.extend(documents.map(|object| in_namespace(&object, session)));
    }
    let files = overrides.len();
    let (hpa, overrides, settings) = match (&args.hpa, &args.hpa_file) {
        (None, Some(file)) => (in_namespace(&read_one(file)?, session), overrides, args.offline.settings_document()?),
        (name, _) => {
            let id = target(name.as_deref(), &overrides, session).await?;
            let (hpa, overrides) = from_cluster(&id, overrides, now, session).await?;
            let record = Record::from_hpa(&hpa).and_then(Result::ok);
            let given = args.offline.settings_document()?;
            (hpa, overrides, if given.is_null() { settings_shown_by(record.as_ref()) } else { given })
        }
    };
    if args.output == Format::Json {
        let question = json!({"now": now, "until": until, "hpa": hpa, "overrides": overrides, "settings": settings,
                              "mayPatch": args.offline.may_patch().as_str()});
        let answer = call("timeline", &question).map_err(|error| Failure::new(error.to_string()))?;
        say!("{answer:#}");
        return Ok(ExitCode::SUCCESS);
    }
    let parsed: Vec<_> = overrides.iter().map(|ovr| ParsedOverride::parse(ovr, now)).collect();
    let situation = Situation::new(hpa, &parsed).under(&settings, args.offline.may_patch())?;
    for other in parsed.iter().rev().take(files).filter(|ovr| situation.overrides().iter().all(|own| own.id != ovr.id))
    {
        note!("warning: {} does not target HorizontalPodAutoscaler {}", other.id, situation.id());
    }
    let id = situation.id();
    let points =
        situation.timeline(now, until).ok_or_else(|| Failure::new(format!("the bounds of HPA {id} cannot be read")))?;
    if args.output == Format::Svg {
        out(format_args!("{}", as_svg(&format!("HorizontalPodAutoscaler {id}"), &points, until)));
        return Ok(ExitCode::SUCCESS);
    }
    for (ovr, found) in situation.plan(now).eligibility {
        if matches!(found.phase, Phase::Invalid | Phase::Blocked) {
            note!("warning: {ovr}: {}: {}", found.phase.as_str(), found.message);
        }
    }
    out(format_args!("{}", as_table(&points, &session.zone)));
    if points.len() > 1 {
        say!("\nmin and max, in hours from {}", when::shown(now, &session.zone));
        out(format_args!("{}", as_plot(&points, until)));
    }
    Ok(ExitCode::SUCCESS)
}

/// The HPA that is named, or that the first of the overrides names.
async fn target(name: Option<&str>, overrides: &[Value], session: &Session) -> Outcome<Id> {
    if let Some(name) = name {
        return Ok(Id { namespace: session.namespace().await?, name: Named::parse(name)?.name().into() });
    }
    let first = overrides.first().map(|ovr| ParsedOverride::parse(ovr, session.now()));
    match first.as_ref().and_then(Target::of) {
        Some(Target::Named { namespace, name }) => Ok(Id { namespace, name }),
        _ => {
            Err(Failure::new("the override of -f names no HPA").hint("name one: `preview HPA -f FILE`, or --hpa FILE"))
        }
    }
}

/// The HPA of the cluster; the overrides of the files are there in place of those of the same name, or beside them.
async fn from_cluster(id: &Id, files: Vec<Value>, now: Instant, session: &Session) -> Outcome<(Value, Vec<Value>)> {
    let cluster = session.cluster().await?;
    let hpa = objects::hpa(cluster, &id.namespace, &id.name).await?.object;
    let (mut overrides, is_whole) = objects::overrides_of_namespace(cluster, &id.namespace).await?;
    if !is_whole {
        overrides.extend(layers_of_other_namespaces(&hpa, &overrides, now));
    }
    overrides.retain(|object| !files.iter().any(|file| objects::id_of(file) == objects::id_of(object)));
    overrides.extend(files);
    Ok((hpa, overrides))
}
