//! `explain`: why an HPA has the bounds that it has, or why an override is not active.

use std::process::ExitCode;

use hpa_override_core::{
    Bound, Bounds, Instant, Layer, Phase, Record, composed,
    hpa::managed_fields::{entries, owns, text as entry_text},
    superseded_by,
    value::text::until_text,
};
use serde_json::{Value, json};

use crate::{
    api::Resource,
    cluster::Cluster,
    completer,
    failure::{Failure, Outcome},
    objects::{self, id_of, text},
    output::{Format, data_format, table},
    remedy::{reason, remedy},
    say::{out, say},
    session::Session,
    situation::Situation,
    timeline::as_table,
    when::{distance, shown},
};

/// How far ahead what follows is shown.
const A_WEEK: i64 = 7 * 86_400;
/// Points of the timeline that are shown.
const MOST_POINTS: usize = 12;

/// Explain why an HPA has its bounds, or why an override is not active
///
/// Of an HPA: what its owner wants, the overrides in order and what each does, who owns the fields, which admission there is,
/// and what follows. `hpa/NAME` and `hpao/NAME` say which is meant.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// HPA, or override
    #[arg(value_name = "HPA|NAME", add = completer::overrides_and_hpas())]
    name: String,

    /// json or yaml
    #[arg(short, long, value_name = "FORMAT", value_parser = data_format)]
    output: Option<Format>,
}

/// Explains it.
pub async fn run(args: &ExplainArgs, session: &Session) -> Outcome {
    let (cluster, namespace) = (session.cluster().await?, session.namespace().await?);
    let now = session.server_time().await;
    let name = args.name.as_str();
    let is_hpa = match name.split_once('/') {
        Some((kind, _)) => kind.starts_with("hpa") && kind != "hpao" || kind.starts_with("horizontal"),
        None => true,
    };
    if is_hpa {
        match Situation::read(cluster, &namespace, name, now).await {
            Ok(situation) => return hpa(&situation, args, now, session, cluster).await,
            Err(failure) if failure.is_not_found() && !name.contains('/') => {}
            Err(failure) => return Err(failure),
        }
    }
    match objects::ovr(cluster, &namespace, name).await {
        Ok(answer) => ovr(&answer.object, args, now, session),
        Err(failure) if failure.is_not_found() && is_hpa => {
            // Of both kinds the HPA is what is mostly asked for.
            Err(Situation::read(cluster, &namespace, name, now).await.err().unwrap_or(failure))
        }
        Err(failure) => Err(failure),
    }
}

async fn hpa(situation: &Situation, args: &ExplainArgs, now: Instant, session: &Session, cluster: &Cluster) -> Outcome {
    let record = match situation.record() {
        Some(Err(_)) => {
            let failure =
                Failure::new(format!("the record on HorizontalPodAutoscaler {} cannot be read", situation.id()));
            return Err(failure.hint("`kubectl hpa-override release` takes it off; check the bounds afterwards"));
        }
        Some(Ok(record)) => Some(record),
        None => None,
    };
    let points = situation.timeline(now, now.saturating_add(A_WEEK)).unwrap_or_default();
    if let Some(format) = &args.output {
        let points: Vec<Value> =
            points.iter().map(|point| json!({"at": point.at, "effective": point.effective})).collect();
        format.print(&json!({
            "hpa": situation.id().to_string(), "bounds": situation.bounds(), "desired": situation.desired(),
            "record": record, "inactive": inactive(situation, now), "timeline": points,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    say!("HorizontalPodAutoscaler {}", situation.id());
    let or_unreadable =
        |bounds: Option<Bounds>| bounds.map_or_else(|| "unreadable".into(), |bounds| bounds.to_string());
    let mut facts = vec![
        ["Bounds".to_owned(), or_unreadable(situation.bounds())],
        ["Owner wants".to_owned(), or_unreadable(situation.desired())],
        ["Fields owned by".to_owned(), owners(&situation.hpa, record.as_ref())],
        ["Admission".to_owned(), admission(cluster).await],
    ];
    if let Some(controller) = situation.controller() {
        facts.insert(0, ["Controller".to_owned(), controller]);
    }
    if let Some(limits) = record.as_ref().and_then(limits) {
        facts.push(["Limits".to_owned(), limits]);
    }
    if let Some(returning) = record.as_ref().and_then(|record| record.gradual_return.as_ref()) {
        let text = format!("from {}, until {}", returning.by, shown(returning.end(), &session.zone));
        facts.push(["Returning".to_owned(), text]);
    }
    for [name, value] in facts {
        say!("  {:<17}{value}", format!("{name}:"));
    }
    if let Some(record) = record.as_ref().filter(|record| !record.layers.is_empty()) {
        say!("\nActive, lowest precedence first:");
        out(format_args!("{}", layers(record, session)));
    } else {
        say!("\nNo override is active on it.");
    }
    let inactive = inactive(situation, now);
    if !inactive.is_empty() {
        say!("\nNot active:");
        let rows = inactive.into_iter().map(|each| vec![each.name, each.phase, each.message]).collect();
        out(format_args!("{}", table(&["OVERRIDE", "PHASE", "WHY"], rows)));
    }
    if points.len() > 1 {
        say!("\nWhat follows:");
        let shown_points = points.get(..MOST_POINTS.min(points.len())).unwrap_or_default();
        out(format_args!("{}", as_table(shown_points, &session.zone)));
        if points.len() > MOST_POINTS {
            say!("and so on: `kubectl hpa-override preview {}`", situation.id().name);
        }
    }
    if !situation.is_whole {
        say!("\nYou may not list overrides of other namespaces: of those only the active ones are part of this.");
    }
    Ok(ExitCode::SUCCESS)
}

/// What each layer makes of the bounds below it.
fn layers(record: &Record, session: &Session) -> String {
    let mut rows =
        vec![vec!["the owner".into(), String::new(), record.desired.to_string(), String::new(), String::new()]];
    for (at, layer) in record.layers.iter().enumerate().rev() {
        let from_here = record.layers.get(at..).unwrap_or_default();
        let result = composed(record.desired, from_here.iter(), &record.limits);
        let superseded = superseded_by(record.desired, &record.layers, &record.limits, at);
        let note = superseded.map(|by| format!("superseded by {by}")).unwrap_or_default();
        let until = layer.until.map_or_else(|| until_text(None), |until| shown(until, &session.zone));
        rows.push(vec![layer.by.to_string(), amounts(layer), result.to_string(), until, note]);
    }
    table(&["BY", "SAYS", "GIVES", "UNTIL", "NOTE"], rows)
}

/// `Set 10-150%`, `Raise min 10`, with what `current` was.
fn amounts(layer: &Layer) -> String {
    let mode = format!("{:?}", layer.mode);
    let text = match (layer.min_replicas, layer.max_replicas) {
        (Some(min), Some(max)) => format!("{mode} {min}-{max}"),
        (Some(min), None) => format!("{mode} min {min}"),
        (None, Some(max)) => format!("{mode} max {max}"),
        (None, None) => mode,
    };
    layer.current.map_or_else(|| text.clone(), |current| format!("{text} (current was {current})"))
}

/// An override that is not active, and why.
#[derive(serde::Serialize)]
struct Inactive {
    name: String,
    phase: String,
    message: String,
}

fn inactive(situation: &Situation, now: Instant) -> Vec<Inactive> {
    let plan = situation.plan(now);
    let found = plan.eligibility.into_iter().filter(|(_, found)| found.phase != Phase::Active);
    let found = found.filter(|(id, _)| !is_superseded_layer(situation, id));
    found
        .map(|(id, found)| Inactive {
            name: id.to_string(),
            phase: found.phase.as_str().into(),
            message: found.message,
        })
        .collect()
}

/// A superseded override is active, too: it is among the layers.
fn is_superseded_layer(situation: &Situation, id: &hpa_override_core::Id) -> bool {
    let record = situation.record().and_then(Result::ok);
    record.is_some_and(|record| record.layers.iter().any(|layer| layer.by == *id))
}

fn owners(hpa: &Value, record: Option<&Record>) -> String {
    let managed = entries(hpa);
    let of = |bound: Bound| {
        let managers = managed.iter().filter(|entry| owns(entry, bound));
        let names: Vec<String> = managers
            .map(|entry| format!("{} ({})", entry_text(entry, "manager"), entry_text(entry, "operation")))
            .collect();
        if names.is_empty() { "nobody".into() } else { names.join(", ") }
    };
    let (min, max) = (of(Bound::Min), of(Bound::Max));
    let now = if min == max { min } else { format!("min {min}; max {max}") };
    let saved = record.map(|record| record.owners.len()).unwrap_or_default();
    if saved == 0 { now } else { format!("{now}; returned to {saved} others at the end") }
}

fn limits(record: &Record) -> Option<String> {
    let limits = &record.limits;
    let parts = [
        limits.ceiling.map(|ceiling| format!("at most {ceiling}")),
        limits.factor.map(|factor| format!("at most {factor} times the owner's max")),
        limits.up_only.then(|| "never below what the owner wants".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Some(parts.join(", ")).filter(|text| !text.is_empty())
}

/// Which merge admission is installed, as far as this user may see it.
async fn admission(cluster: &Cluster) -> String {
    let resource = Resource::webhooks();
    let (policy, webhook) = tokio::join!(
        cluster.get(&resource, "clusterwide-hpa-override-merge"),
        cluster.get(&resource, "hpa-override-merge")
    );
    match (policy, webhook) {
        (Ok(_), Ok(_)) => {
            "Kubewarden and the controller's webhook: owners' writes change nothing; releases have no effect".into()
        }
        (Ok(_), Err(_)) => "Kubewarden: owners' writes are recorded, and change nothing".into(),
        (Err(_), Ok(_)) => "the controller's webhook: owners' writes are recorded, and change nothing".into(),
        (Err(policy), Err(webhook)) if policy.is_not_found() && webhook.is_not_found() => {
            "none for the whole cluster: owners' writes remove the override until the controller writes again".into()
        }
        _ => "not known: you may not read MutatingWebhookConfigurations".into(),
    }
}

fn ovr(object: &Value, args: &ExplainArgs, now: Instant, session: &Session) -> Outcome {
    if let Some(format) = &args.output {
        format.print(object)?;
        return Ok(ExitCode::SUCCESS);
    }
    let or_dash = |value: &str| if value.is_empty() { "-".to_owned() } else { value.to_owned() };
    say!("AutoscalerOverride {}", id_of(object));
    let instant = |pointer: &str| {
        let at: Option<Instant> = text(object, pointer).parse().ok();
        at.map_or_else(|| "-".into(), |at| format!("{}, {}", shown(at, &session.zone), distance(at, now)))
    };
    let facts = [
        ("Target", objects::target_of(object)),
        ("Phase", or_dash(text(object, "/status/phase"))),
        ("Starts", instant("/status/startsAt")),
        ("Ends", instant("/status/endsAt")),
        ("Requested by", or_dash(text(object, "/status/requestedBy"))),
        ("Reason", or_dash(text(object, "/spec/reason"))),
    ];
    for (name, value) in facts {
        say!("  {:<17}{value}", format!("{name}:"));
    }
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    if conditions.is_empty() {
        say!("\nIt has no status: no controller has seen it. `kubectl hpa-override doctor` looks for one.");
        return Ok(ExitCode::SUCCESS);
    }
    if object.pointer("/status/observedGeneration") != object.pointer("/metadata/generation") {
        say!("\nThe status is about an earlier spec: the controller has not seen this one yet.");
    }
    say!();
    let rows = conditions
        .iter()
        .map(|each| ["/type", "/status", "/reason", "/message"].map(|field| text(each, field).to_owned()).to_vec());
    out(format_args!("{}", table(&["CONDITION", "STATUS", "REASON", "MESSAGE"], rows.collect())));
    for failing in object.pointer("/status/failing").and_then(Value::as_array).into_iter().flatten() {
        let [hpa, reason, message] = ["/hpa", "/reason", "/message"].map(|field| text(failing, field));
        say!("  on {hpa}: {reason}: {message}");
    }
    let mut remedies: Vec<&str> = conditions.iter().filter_map(|each| remedy(reason(text(each, "/reason"))?)).collect();
    remedies.dedup();
    if !remedies.is_empty() {
        say!("\nWhat to do:");
        for remedy in remedies {
            say!("  {remedy}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
