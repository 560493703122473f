//! The numbers of this process, as `/metrics` gives them.
//!
//! ```text
//!   what happens (writes, reconciles, failures) ──► counters, histograms ──┐
//!   what there is, looked at when it is asked for ──► Census ──► gauges ────┴──► `OpenMetrics` text
//! ```
//! At most 200 series, whatever the size of the cluster: every label has a closed set of values, and none is the name of an
//! object. `docs/reference/metrics.md` is made of what is registered here.

mod labels;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::{Metric, Registry},
};

use self::labels::{
    ByAnswer, ByLoop, ByOutcome, ByPhase, ByReason, ByReview, ByTransition, FailedWatch, OfKind, UNREPORTED,
};
pub use self::labels::{Loop, Outcome, Reviewed, Transition};
use crate::{error::Class, state::Census, write::Write};

type Seconds = Gauge<f64, std::sync::atomic::AtomicU64>;

/// For what is to be done at an instant, in seconds.
const LATENESS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// For a reconcile, its waiting for requests included, in seconds.
const DURATION: [f64; 5] = [0.001, 0.01, 0.1, 1.0, 10.0];

/// The numbers. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct Metrics(Arc<Numbers>);

/// What changes with each thing that happens.
struct Numbers {
    registry: Registry,
    writes: Family<ByAnswer, Counter>,
    stale_writes: Counter,
    reconciles: Family<ByOutcome, Counter>,
    durations: Family<ByLoop, Histogram, Buckets>,
    lateness: Family<ByTransition, Histogram, Buckets>,
    reverts: Counter,
    failed_watches: Family<FailedWatch, Counter>,
    lists: Family<OfKind, Counter>,
    events_lost: Counter,
    settings_changes: Counter,
    settings_invalid: Gauge,
    reviews: Family<ByReview, Counter>,
    gauges: Gauges,
    /// One at a time: a gauge that is over is taken away before the others are set.
    scrape: Mutex<()>,
}

/// What is looked at when it is asked for.
struct Gauges {
    overrides: Family<ByPhase, Gauge>,
    not_ready: Family<ByReason, Gauge>,
    endless: Gauge,
    hpas: Gauge,
    under_override: Gauge,
    unreadable_records: Gauge,
    with_problem: Family<ByReason, Gauge>,
    overdue: Family<ByTransition, Seconds>,
    next_transition: Seconds,
    queued: Family<ByLoop, Gauge>,
    oldest: Family<ByLoop, Seconds>,
    leads: Gauge,
    lease_age: Seconds,
    listed: Family<OfKind, Gauge>,
    rights_missing: Gauge,
    dry_run: Gauge,
    admissions: Gauge,
    certificate_expiry: Seconds,
}

/// What there is at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Of the objects.
    pub census: Census,
    /// How long HPAs have waited, at most, for what was to be done at an instant.
    pub overdue: [Duration; 2],
    /// How long until something is to be done; none: nothing is.
    pub next_transition: Option<Duration>,
    /// Of both loops: how many keys wait for their turn, and the first for how long.
    pub queues: [(usize, Duration); 2],
    /// Whether this replica leads.
    pub leads: bool,
    /// Whether this replica leads and writes no HPA.
    pub dry_run: bool,
    /// How long ago the Lease was renewed; none: there is none, or another replica holds it.
    pub lease_age: Option<Duration>,
    /// By plural, whether all are listed.
    pub listed: [(&'static str, bool); 2],
    /// How many of the rights that the controller needs it lacks.
    pub rights_missing: usize,
    /// How many admissions answer for HPAs.
    pub admissions: usize,
    /// When the certificate of the webhook expires, since 1970; zero before there is one; none: it does not answer admission.
    pub certificate_expires: Option<Duration>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// All zero.
    pub fn new() -> Self {
        let mut names = Names(Registry::with_prefix("hpa_override"));
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        names.0.register("build", "The version of the controller", build);
        let gauges = Gauges::register(&mut names);
        let writes = names.family(
            "writes",
            "Requests that write, and questions about requesters, by what is written and what the API server answered",
        );
        for kind in Write::COUNTED.into_iter().filter_map(Write::label) {
            drop(writes.get_or_create(&ByAnswer { kind, answer: labels::OK }));
        }
        let reconciles = names.family("reconciles", "Looks at one object, by loop and what came of it");
        let (lateness, durations) = (Buckets(&LATENESS), Buckets(&DURATION));
        let numbers = Numbers {
            writes,
            stale_writes: names.one(
                "stale_writes",
                "Writes that were on their way when this replica led no more: harmless, and one is one too many",
            ),
            reconciles,
            durations: names.add(
                "reconcile_duration_seconds",
                "How long a look at one object took, waiting for requests included",
                Family::new_with_constructor(durations),
            ),
            lateness: names.add(
                "transition_lateness_seconds",
                "From the instant at which an override begins, changes or ends by itself on an HPA until the HPA is as planned",
                Family::new_with_constructor(lateness),
            ),
            reverts: names
                .one("reverts", "Bounds that somebody else had written over an override, and that were written again"),
            failed_watches: names.family(
                "watch_failures",
                "Lists and watches that failed, by resource and what the API server answered",
            ),
            lists: names
                .family("lists", "Complete lists, by resource: one at the start, others where a watch could not go on"),
            events_lost: names.one("events_lost", "Events that were not published since too many waited"),
            settings_changes: names
                .one("settings_changes", "Times that the settings file said something else, valid or not"),
            settings_invalid: names
                .one("settings_invalid", "1 where the settings file is not valid, and those from before are in force"),
            reviews: names.family(
                "admission_reviews",
                "Requests to the controller's own webhook, by what they are about and what came of them",
            ),
            gauges,
            scrape: Mutex::default(),
            registry: names.0,
        };
        for name in [Loop::Hpas, Loop::Statuses] {
            drop(numbers.durations.get_or_create(&ByLoop::of(name)));
        }
        for transition in Transition::ALL {
            drop(numbers.lateness.get_or_create(&ByTransition::of(transition)));
        }
        Self(Arc::new(numbers))
    }

    /// Counts a write; what the API server answered, where it refused.
    pub fn note_write(&self, write: Write, refused: Option<Class>) {
        let answer = refused.map_or(labels::OK, Class::as_str);
        if let Some(kind) = write.label() {
            self.0.writes.get_or_create(&ByAnswer { kind, answer }).inc();
        }
    }

    /// Counts a write that was on its way when the lead was lost.
    pub fn note_stale_write(&self) {
        self.0.stale_writes.inc();
    }

    /// Counts a look at one object.
    pub fn note_reconcile(&self, of: Loop, outcome: Outcome, took: Duration) {
        self.0.reconciles.get_or_create(&ByOutcome { queue: of.as_str(), outcome: outcome.as_str() }).inc();
        self.0.durations.get_or_create(&ByLoop::of(of)).observe(took.as_secs_f64());
    }

    /// Counts something that was to be done at an instant, and is done so much later.
    pub fn note_transition(&self, transition: Transition, late: Duration) {
        self.0.lateness.get_or_create(&ByTransition::of(transition)).observe(late.as_secs_f64());
    }

    /// Counts a revert that is undone.
    pub fn note_revert(&self) {
        self.0.reverts.inc();
    }

    /// Counts a list or a watch that failed.
    pub fn note_watch_failure(&self, resource: &'static str, class: Class) {
        self.0.failed_watches.get_or_create(&FailedWatch { resource, answer: class.as_str() }).inc();
    }

    /// Counts a complete list.
    pub fn note_list(&self, resource: &'static str) {
        self.0.lists.get_or_create(&OfKind { resource }).inc();
    }

    /// Counts events that are not published.
    pub fn note_events_lost(&self, count: u64) {
        self.0.events_lost.inc_by(count);
    }

    /// Counts a change of the settings file; whether it is valid now.
    pub fn note_settings(&self, are_valid: bool) {
        self.0.settings_changes.inc();
        self.0.settings_invalid.set(i64::from(!are_valid));
    }

    /// Counts a request to the webhook; `resource` is empty where it is about neither kind.
    pub fn note_review(&self, resource: &'static str, outcome: Reviewed) {
        self.0.reviews.get_or_create(&ByReview { resource, answer: outcome.as_str() }).inc();
    }

    /// All numbers, as `OpenMetrics` text.
    ///
    /// # Errors
    /// Where they cannot be written as text, which never happens into a `String`.
    pub fn text(&self, snapshot: &Snapshot) -> Result<String, fmt::Error> {
        let _alone = self.0.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.gauges.set(snapshot);
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

impl Gauges {
    fn register(names: &mut Names) -> Self {
        Self {
            overrides: names.family("overrides", "Overrides, by the phase that their status says"),
            not_ready: names.family("overrides_not_ready", "Overrides whose condition Ready is False, by its reason"),
            endless: names.one("overrides_endless", "Active overrides without an end"),
            hpas: names.one("hpas", "HPAs that the controller watches"),
            under_override: names.one("hpas_under_override", "HPAs whose record holds an override"),
            unreadable_records: names.one("unreadable_records", "HPAs whose record cannot be read: nothing is changed there"),
            with_problem: names.family("hpas_with_problem", "HPAs that are not as planned, by reason; of the replica that leads"),
            overdue: names.family("overdue_seconds", "How long the HPA that has waited longest is not as planned, by what is to be done; of the replica that leads"),
            next_transition: names.one("next_transition_seconds", "Until an override begins, changes or ends next; +Inf: never; of the replica that leads"),
            queued: names.family("queue_depth", "Objects that wait for their turn, by loop"),
            oldest: names.family("queue_oldest_seconds", "How long the object waits that has waited longest, by loop"),
            leads: names.one("leader", "1 where this replica leads"),
            lease_age: names.one("lease_age_seconds", "How long ago this replica has renewed the Lease; 0 where it does not hold one"),
            listed: names.family("listed", "1 where all objects of the resource are known"),
            dry_run: names.one("dry_run", "1 where this replica leads and writes no HPA"),
            rights_missing: names.one("rights_missing", "Rights that the controller needs and does not have"),
            admissions: names.one("admissions", "Which answer for HPAs: the policies, the controller's own webhook, or both, which are 2; 0 where there is none, or the right to look is missing; as it was when the replica started, or last wrote an HPA"),
            certificate_expiry: names.one("webhook_certificate_expiry_timestamp_seconds", "When the certificate of the webhook expires, in seconds since 1970; 0 before there is one, +Inf without --webhook"),
        }
    }

    fn set(&self, snapshot: &Snapshot) {
        let Snapshot {
            census,
            overdue,
            next_transition,
            queues,
            leads,
            dry_run,
            lease_age,
            listed,
            rights_missing,
            admissions,
            certificate_expires,
        } = snapshot;
        let Census { hpas, under_override, unreadable_records, problems, phases, unreported, not_ready, endless } =
            census;
        for (phase, count) in phases {
            self.overrides.get_or_create(&ByPhase { phase: phase.as_str() }).set(number(*count));
        }
        self.overrides.get_or_create(&ByPhase { phase: UNREPORTED }).set(number(*unreported));
        for (family, counts) in [(&self.not_ready, not_ready), (&self.with_problem, problems)] {
            // What there was before, and is no more, has no series any longer.
            family.clear();
            for (reason, count) in counts {
                family.get_or_create(&ByReason { reason: reason.as_str() }).set(number(*count));
            }
        }
        self.endless.set(number(*endless));
        self.hpas.set(number(*hpas));
        self.under_override.set(number(*under_override));
        self.unreadable_records.set(number(*unreadable_records));
        for (transition, overdue) in Transition::ALL.into_iter().zip(overdue) {
            self.overdue.get_or_create(&ByTransition::of(transition)).set(overdue.as_secs_f64());
        }
        self.next_transition.set(next_transition.map_or(f64::INFINITY, |left| left.as_secs_f64()));
        for (of, (depth, oldest)) in [Loop::Hpas, Loop::Statuses].into_iter().zip(queues) {
            self.queued.get_or_create(&ByLoop::of(of)).set(number(*depth));
            self.oldest.get_or_create(&ByLoop::of(of)).set(oldest.as_secs_f64());
        }
        self.leads.set(i64::from(*leads));
        self.dry_run.set(i64::from(*dry_run));
        self.lease_age.set(lease_age.unwrap_or_default().as_secs_f64());
        for (resource, is_listed) in listed {
            self.listed.get_or_create(&OfKind { resource }).set(i64::from(*is_listed));
        }
        self.rights_missing.set(number(*rights_missing));
        self.admissions.set(number(*admissions));
        self.certificate_expiry.set(certificate_expires.map_or(f64::INFINITY, |since_1970| since_1970.as_secs_f64()));
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A histogram with these upper bounds, in seconds.
#[derive(Clone)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// Registers what it hands out.
struct Names(Registry);

impl Names {
    fn add<M: Clone + Metric>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn one<M: Clone + Default + Metric>(&mut self, name: &str, help: &str) -> M {
        self.add(name, help, M::default())
    }

    fn family<S, M>(&mut self, name: &str, help: &str) -> Family<S, M>
    where
        S: Clone + std::hash::Hash + Eq,
        M: Default,
        Family<S, M>: Metric,
    {
        self.add(name, help, Family::default())
    }
}
