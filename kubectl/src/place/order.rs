//! What is to be made: the flags, and the overrides that they describe.

use hpa_override_core::{Code, Finding, Instant, MayPatch, Request, Settings, review_override};
use hpa_override_crd::Duration;
use serde_json::Value;

use crate::{
    completer,
    failure::{Failure, Outcome},
    flags::{DryRun, seconds},
    label_selector,
    objects::Named,
    output::{Format, object_format},
    selection::BATCH_LABEL,
    session::Session,
    spec::{Target, Wanted, generated_name},
    wait::WaitFor,
    when,
};

/// How long an override stays whose end nobody has named: the default of the settings.
pub const DEFAULT_LENGTH: &str = "24h";

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

/// What the flags say, in instants.
pub fn wanted(order: &Order, session: &Session, now: Instant) -> Outcome<Wanted> {
    let named = |text: &Option<String>, after| text.as_ref().map(|text| session.instant(text, now, after)).transpose();
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

/// The overrides, one in each of the namespaces.
pub fn objects(order: &Order, namespaces: &[&str], wanted: &Wanted) -> Outcome<Vec<Value>> {
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
    Ok(namespaces.iter().map(|namespace| wanted.object(namespace, &name, &target, labels)).collect())
}

/// What can be said against it without a cluster.
pub fn check(object: &Value, now: Instant) -> Outcome<()> {
    let review = review_override(object, None, &Request::default(), &Settings::default(), now, MayPatch::Yes);
    // Limits are for the platform team: the guard knows them.
    let is_shape = |finding: &&Finding| !matches!(finding.code, Code::PriorityTooHigh | Code::NamespaceProtected);
    let errors: Vec<String> = review.report.errors.iter().filter(is_shape).map(ToString::to_string).collect();
    if errors.is_empty() { Ok(()) } else { Err(Failure::new(errors.join("\n       "))) }
}
