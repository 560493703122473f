//! Makes overrides: shows what will happen, asks, writes, waits.

use std::{process::ExitCode, sync::Arc};

use anstyle::{AnsiColor, Style};
use hpa_override_core::{
    Bound, Bounds, Code, Finding, Id, Instant, MayPatch, ParsedOverride, Phase, Reason, Request, Settings,
    review_override,
};
use hpa_override_crd::Duration;
use hpa_override_plan::lowers;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::{
    api::{Answer, Resource},
    cluster::Cluster,
    completer,
    failure::{Failure, Outcome},
    flags::{DryRun, seconds},
    label_selector,
    objects::{self, Named},
    output::{Format, object_format, resource_name, shortened, table},
    say::{err, note, say},
    selection::BATCH_LABEL,
    session::{Session, confirm},
    situation::Situation,
    spec::{Target, Wanted, generated_name},
    wait::{self, WaitFor},
    when::{self, length, shown},
};

/// HPAs that a preview shows one by one.
const MOST_SHOWN: usize = 20;
/// How long an override stays whose end nobody has named: the default of the settings.
const DEFAULT_LENGTH: &str = "24h";
/// How far ahead the end is looked for.
const A_DAY: i64 = 86_400;

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// From when until when.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WindowArgs {
    /// How long, like 90m or 1d12h [default: 24h, where no --until is given]
    #[arg(long = "for", alias = "duration", value_name = "DURATION", conflicts_with = "until")]
    pub length: Option<Duration>,

    /// Until when: 18:00, "tomorrow 08:00", "2026-11-27 18:00", 2026-11-27T18:00:00Z
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,

    /// From when on, in the forms of --until [default: now]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
}

/// Which HPAs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TargetArgs {
    /// HorizontalPodAutoscaler to override
    #[arg(value_name = "HPA", required_unless_present = "selector", conflicts_with = "selector", add = completer::hpas())]
    pub hpa: Option<String>,

    /// HorizontalPodAutoscalers to override, by their labels, also those that are created or labelled later
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// In all namespaces where the selector matches an HPA: one override in each, with the label hpa-override.dev/batch
    #[arg(short = 'A', long, requires = "selector", conflicts_with = "namespace")]
    pub all_namespaces: bool,
}

/// What is said about the override, and how it is written.
#[derive(Clone, Debug, clap::Args)]
pub struct OrderArgs {
    /// Return to the owner's bounds gradually, over that time after the end
    #[arg(long, value_name = "DURATION")]
    pub return_over: Option<Duration>,

    /// Why: a ticket, an incident
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Which override takes precedence: the highest
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub priority: Option<i32>,

    /// Name of the override [default: the name of the HPA, and five letters]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// How long after its end the override is deleted
    #[arg(long, value_name = "DURATION", default_value = "7d")]
    pub ttl: Duration,

    /// Ask nothing
    #[arg(short, long)]
    pub yes: bool,

    /// none, client (send nothing that writes) or server (have everything checked, store nothing)
    #[arg(long, value_name = "HOW", default_value = "none", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub dry_run: DryRun,

    /// Print the override: json, yaml, name, jsonpath=TEMPLATE
    #[arg(short, long, value_name = "FORMAT", value_parser = object_format)]
    pub output: Option<Format>,

    /// Wait until the bounds are written (applied), or until the pods are there (reached)
    #[arg(long, value_name = "STATE", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "applied")]
    pub wait: Option<WaitFor>,

    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = seconds)]
    pub timeout: std::time::Duration,
}

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Order {
    pub target: TargetArgs,
    pub window: WindowArgs,
    pub min: Option<String>,
    pub max: Option<String>,
    pub mode: Option<String>,
    pub more: OrderArgs,
}

/// One namespace in which an override is to be made, with the HPAs that it targets now.
struct Place {
    namespace: String,
    hpas: Vec<Value>,
    overrides: Arc<Vec<ParsedOverride>>,
    is_whole: bool,
    /// Whether it could be read.
    is_seen: bool,
}

/// Makes the overrides.
pub async fn place(order: &Order, session: &Session) -> Outcome {
    let dry = order.more.dry_run;
    let cluster = match session.cluster().await {
        Ok(cluster) => Some(cluster),
        Err(_) if dry == DryRun::Client => None,
        Err(failure) => return Err(failure),
    };
    let (places, now) = match cluster {
        Some(cluster) => look(order, session, cluster).await?,
        None => (vec![Place::unseen(session.offline_namespace())], session.now()),
    };
    let wanted = wanted(order, session, now)?;
    let objects = objects(order, &places, &wanted)?;
    for object in &objects {
        check(object, now)?;
    }
    let mut is_harmless = true;
    for (place, object) in places.iter().zip(&objects) {
        is_harmless &= show(place, object, &wanted, session, now);
    }
    let Some(cluster) = cluster.filter(|_| dry != DryRun::Client) else {
        return report(&order.more, objects, " (dry run)");
    };
    let mut warnings = Vec::new();
    let mut checked = Vec::new();
    for object in &objects {
        let answer = create(cluster, object, true).await.map_err(|failure| {
            let is_default = order.window.length.is_none() && order.window.until.is_none();
            let is_about_length = failure.message().contains("spec.expiresAt: ");
            if is_default && is_about_length {
                failure.hint(format!("say how long: --for; without it, it is {DEFAULT_LENGTH}"))
            } else {
                failure
            }
        })?;
        warnings
            .extend(answer.warnings.iter().filter(|warning| !warnings.contains(*warning)).cloned().collect::<Vec<_>>());
        checked.push(answer.object);
    }
    for warning in &warnings {
        note!("{YELLOW}warning: {warning}{YELLOW:#}");
    }
    if dry == DryRun::Server {
        return report(&order.more, checked, " (server dry run)");
    }
    let targets: usize = places.iter().map(|place| place.hpas.len()).sum();
    let asks = !order.more.yes && (!is_harmless || targets != 1 || objects.len() > 1);
    if asks && !confirm("Go on?") {
        return Err(Failure::new("nothing was written"));
    }
    let mut made = Vec::new();
    for object in &objects {
        let answer = create(cluster, object, false).await.map_err(|failure| {
            if made.is_empty() { failure } else { failure.while_(format!("{} overrides were made before", made.len())) }
        })?;
        made.push(answer.object);
    }
    report(&order.more, made.clone(), "")?;
    match order.more.wait {
        Some(state) => wait::wait(cluster, &made, state, order.more.timeout).await,
        None => Ok(ExitCode::SUCCESS),
    }
}

impl Place {
    fn unseen(namespace: String) -> Self {
        Self { namespace, hpas: Vec::new(), overrides: Arc::default(), is_whole: true, is_seen: false }
    }
}

async fn create(cluster: &Cluster, object: &Value, dry_run: bool) -> Outcome<Answer> {
    cluster.create(&Resource::overrides(Some(objects::text(object, "/metadata/namespace"))), object, dry_run).await
}

/// What there is now, and the time of the API server.
async fn look(order: &Order, session: &Session, cluster: &Cluster) -> Outcome<(Vec<Place>, Instant)> {
    let is_dry = order.more.dry_run == DryRun::Client;
    let target = &order.target;
    let namespace = if target.all_namespaces { None } else { Some(session.namespace().await?) };
    let found = if let (Some(name), Some(namespace)) = (&target.hpa, &namespace) {
        let (hpa, overrides) =
            tokio::join!(objects::hpa(cluster, namespace, name), objects::overrides_of_namespace(cluster, namespace));
        hpa.and_then(|hpa| Ok((hpa.now, vec![hpa.object], overrides?)))
    } else {
        let resource = Resource::hpas(namespace.as_deref());
        let overrides = async {
            match &namespace {
                Some(namespace) => objects::overrides_of_namespace(cluster, namespace).await,
                None => Ok((objects::overrides(cluster, None, None).await?, true)),
            }
        };
        let (hpas, overrides) = tokio::join!(cluster.list(&resource, target.selector.as_deref()), overrides);
        hpas.and_then(|hpas| Ok((hpas.now, objects::items(hpas), overrides?)))
    };
    let (now, hpas, (overrides, is_whole)) = match found {
        Ok(found) => found,
        // Who may create overrides need not be able to read HPAs.
        Err(failure) if is_dry || failure.is_forbidden() && namespace.is_some() => {
            note!("note: there is no preview: {}", failure.message());
            let now = session.server_time().await;
            return Ok((vec![Place::unseen(namespace.unwrap_or_else(|| session.offline_namespace()))], now));
        }
        Err(failure) => return Err(failure),
    };
    let mut namespaces: Vec<String> = match &namespace {
        Some(namespace) => vec![namespace.clone()],
        None => hpas.iter().map(|hpa| objects::text(hpa, "/metadata/namespace").to_owned()).collect(),
    };
    namespaces.sort();
    namespaces.dedup();
    if namespaces.is_empty() {
        let selector = target.selector.as_deref().unwrap_or_default();
        let failure = Failure::new(format!("no HorizontalPodAutoscaler in any namespace has the labels `{selector}`"));
        return Err(failure.hint("`kubectl get hpa -A --show-labels` shows what there is"));
    }
    let now = now.unwrap_or_else(|| session.now());
    let overrides = Arc::new(overrides.iter().map(|ovr| ParsedOverride::parse(ovr, now)).collect::<Vec<_>>());
    let place = |namespace: String| Place {
        hpas: hpas.iter().filter(|hpa| objects::text(hpa, "/metadata/namespace") == namespace).cloned().collect(),
        overrides: overrides.clone(),
        is_whole,
        is_seen: true,
        namespace,
    };
    Ok((namespaces.into_iter().map(place).collect(), now))
}

/// What the flags say, in instants.
fn wanted(order: &Order, session: &Session, now: Instant) -> Outcome<Wanted> {
    let named = |text: &Option<String>, after: Instant| -> Outcome<Option<Instant>> {
        let Some(text) = text else { return Ok(None) };
        let named = when::parse_instant(text, now, after, &session.zone).map_err(Failure::new)?;
        for text in named.notes {
            note!("note: {text}");
        }
        Ok(Some(named.at))
    };
    let from = named(&order.window.from, now)?.unwrap_or(now);
    let length = order.window.length.or_else(|| DEFAULT_LENGTH.parse().ok());
    let until = match (named(&order.window.until, from)?, length) {
        (Some(until), _) => until,
        (None, Some(length)) => when::later(from, length),
        (None, None) => from,
    };
    Ok(Wanted {
        min: order.min.clone(),
        max: order.max.clone(),
        mode: order.mode.clone(),
        priority: order.more.priority,
        from,
        until,
        return_over: order.more.return_over,
        reason: order.more.reason.clone(),
        ttl: order.more.ttl,
    })
}

fn objects(order: &Order, places: &[Place], wanted: &Wanted) -> Outcome<Vec<Value>> {
    let (target, stem) = match (&order.target.hpa, &order.target.selector) {
        (Some(name), _) => {
            let name = match Named::parse(name)? {
                Named::Override(_) => return Err(Failure::new(format!("`{name}` is no HorizontalPodAutoscaler"))),
                named => named.name(),
            };
            (Target::Hpa(name.into()), name)
        }
        (None, selector) => {
            let selector = label_selector::parse(selector.as_deref().unwrap_or_default()).map_err(Failure::new)?;
            (Target::Selector(selector), if order.target.all_namespaces { "batch" } else { "selected" })
        }
    };
    let name = order.more.name.clone().unwrap_or_else(|| generated_name(stem));
    let labels = [(BATCH_LABEL, name.as_str())];
    let labels = if order.target.all_namespaces { &labels[..] } else { &[] };
    Ok(places.iter().map(|place| wanted.object(&place.namespace, &name, &target, labels)).collect())
}

/// What can be said against it without a cluster.
fn check(object: &Value, now: Instant) -> Outcome<()> {
    let review = review_override(object, None, &Request::default(), &Settings::default(), now, MayPatch::Yes);
    // Limits are for the platform team: the guard knows them.
    let is_shape = |finding: &&Finding| !matches!(finding.code, Code::PriorityTooHigh | Code::NamespaceProtected);
    let errors: Vec<String> = review.report.errors.iter().filter(is_shape).map(ToString::to_string).collect();
    if errors.is_empty() { Ok(()) } else { Err(Failure::new(errors.join("\n       "))) }
}

/// Shows what will happen. Says whether it is known that no bound is lowered.
fn show(place: &Place, object: &Value, wanted: &Wanted, session: &Session, now: Instant) -> bool {
    let id = objects::id_of(object);
    let Wanted { from, until, .. } = wanted;
    let begin = if *from <= now { "now".to_owned() } else { shown(*from, &session.zone) };
    let window = format!("from {begin} until {}, {} in all", shown(*until, &session.zone), length(until.since(*from)));
    note!("AutoscalerOverride {id}: {window}");
    let mut rows = Vec::new();
    let mut is_harmless = true;
    for hpa in &place.hpas {
        let before = Situation::new(hpa.clone(), &place.overrides);
        let before = if place.is_whole { before } else { before.without_other_namespaces(now) };
        let (effect, situation) = Effect::new(before, object, &id, wanted, now);
        is_harmless &= effect.is_harmless;
        if place.hpas.len() == 1 {
            effect.show_diff(&situation, wanted, session);
        } else {
            rows.push(effect.row(hpa));
        }
    }
    if rows.len() > 1 {
        let more = rows.len().saturating_sub(MOST_SHOWN);
        rows.truncate(MOST_SHOWN);
        err(format_args!("{}", table(&["HPA", "OWNER", "NOW", "DURING", "AFTERWARDS", "NOTE"], rows)));
        if more > 0 {
            note!("and {more} more");
        }
    }
    if place.hpas.is_empty() && place.is_seen {
        note!("note: no HorizontalPodAutoscaler matches yet");
    }
    is_harmless
}

/// What one override does to one HPA.
struct Effect {
    desired: Option<Bounds>,
    before: Option<Bounds>,
    during: Option<Bounds>,
    after: Option<Bounds>,
    /// Whether it is active at some time, and lowers no bound at any.
    is_harmless: bool,
    /// Why it does nothing, where that is so.
    problem: Option<String>,
    /// The other overrides that are active with it, highest precedence first.
    others: Vec<String>,
}

impl Effect {
    /// What `object`, the override `id`, does in that situation; and the situation with it.
    fn new(before: Situation, object: &Value, id: &Id, wanted: &Wanted, now: Instant) -> (Self, Situation) {
        let over = wanted.until.saturating_add(wanted.return_over.map_or(0, Duration::as_secs));
        let until = over.saturating_add(A_DAY);
        let without = before.timeline(now, until).unwrap_or_default();
        let (desired, bounds) = (before.desired(), before.bounds());
        let situation = before.with(object, now);
        let points = situation.timeline(now, until).unwrap_or_default();
        let active = points.iter().find(|point| point.layers.iter().any(|layer| layer.by == *id));
        let after = points.iter().rfind(|point| point.at <= over).map(|point| point.effective);
        let eligibility = situation.plan(wanted.from.max(now)).eligibility.remove(id);
        let is_well = |phase: Phase, reason: Reason| match phase {
            Phase::Active => true,
            Phase::Pending => reason == Reason::Pending,
            _ => false,
        };
        let problem = eligibility
            .filter(|found| !is_well(found.phase, found.reason))
            .map(|found| format!("{}: {}", found.phase.as_str(), found.message));
        let others = active.map(|point| {
            let others = point.layers.iter().filter(|layer| layer.by != *id);
            others.map(|layer| format!("{} (priority {})", layer.by, layer.priority)).collect()
        });
        let effect = Self {
            desired,
            before: bounds,
            during: active.map(|point| point.effective),
            after,
            is_harmless: active.is_some() && !lowers(&points, &without),
            problem,
            others: others.unwrap_or_default(),
        };
        (effect, situation)
    }

    fn row(&self, hpa: &Value) -> Vec<String> {
        let shown = |bounds: Option<Bounds>| bounds.map_or_else(|| "-".into(), |bounds| bounds.to_string());
        let id = objects::id_of(hpa);
        let note = self.problem.as_deref().map(|problem| shortened(problem, 60)).unwrap_or_default();
        vec![id.to_string(), shown(self.desired), shown(self.before), shown(self.during), shown(self.after), note]
    }

    fn show_diff(&self, situation: &Situation, wanted: &Wanted, session: &Session) {
        let owner = self.desired.map_or_else(
            || "what the owner wants cannot be read".into(),
            |desired| format!("the owner wants {desired}"),
        );
        note!("HorizontalPodAutoscaler {}: {owner}", situation.id());
        if let (Some(before), Some(during)) = (self.before, self.during) {
            let lines = |bounds: Bounds| {
                format!("minReplicas: {}\nmaxReplicas: {}\n", bounds.get(Bound::Min), bounds.get(Bound::Max))
            };
            let (old, new) = (lines(before), lines(during));
            for change in TextDiff::from_lines(&old, &new).iter_all_changes() {
                let (style, sign) = match change.tag() {
                    ChangeTag::Delete => (RED, '-'),
                    ChangeTag::Insert => (GREEN, '+'),
                    ChangeTag::Equal => (Style::new(), ' '),
                };
                note!("{style}{sign} {}{style:#}", change.value().trim_end());
            }
        }
        if let Some(problem) = &self.problem {
            note!("{YELLOW}warning: {problem}{YELLOW:#}");
        }
        if !self.others.is_empty() {
            note!("also active then: {}", self.others.join(", "));
        }
        if let Some(after) = self.after.filter(|_| self.during.is_some()) {
            let over = wanted.return_over.map(|over| format!(", gradually over {over}")).unwrap_or_default();
            note!("afterwards {after}, from {}{over}", shown(wanted.until, &session.zone));
        }
    }
}

/// Prints what was made.
fn report(more: &OrderArgs, objects: Vec<Value>, how: &str) -> Outcome {
    match &more.output {
        Some(format) => match <[Value; 1]>::try_from(objects) {
            Ok([object]) => format.print(&object)?,
            Err(objects) => format.print_list(&objects)?,
        },
        None => {
            for object in &objects {
                say!("{} created{how}", resource_name(object));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
