//! What `/metrics` says.

use std::collections::{BTreeMap, BTreeSet};

use hpa_override_core::{ConditionStatus, Phase, Reason};
use hpa_override_plan::status_table;

use super::*;

const CLASSES: [Class; 10] = [
    Class::Forbidden,
    Class::Denied,
    Class::WebhookDown,
    Class::Conflict,
    Class::Gone,
    Class::NotFound,
    Class::Throttled,
    Class::Unauthorized,
    Class::Timeout,
    Class::Other,
];
const RESOURCES: [&str; 2] = ["horizontalpodautoscalers", "autoscaleroverrides"];
/// What a write to an HPA can fail with. In a dry run nothing is written: `DryRun` takes the place of all of them.
const PROBLEMS: [Reason; 5] =
    [Reason::Forbidden, Reason::WriteDenied, Reason::WriteAltered, Reason::Contested, Reason::Released];

/// What a condition Ready that is False may give as its reason, where HPAs are written.
fn not_ready() -> impl Iterator<Item = Reason> {
    let reasons = status_table().into_iter().filter(|row| row.ready.0 == ConditionStatus::False).map(|row| row.ready.1);
    reasons.filter(|reason| *reason != Reason::DryRun)
}

/// Everything that may happen has happened.
fn everything() -> String {
    let metrics = Metrics::new();
    for write in Write::COUNTED {
        for class in CLASSES {
            metrics.note_write(write, Some(class));
        }
    }
    for of in [Loop::Hpas, Loop::Statuses] {
        for outcome in [Outcome::Unchanged, Outcome::Written, Outcome::Failed] {
            metrics.note_reconcile(of, outcome, Duration::from_millis(3));
        }
    }
    for resource in RESOURCES {
        metrics.note_list(resource);
        for class in CLASSES {
            metrics.note_watch_failure(resource, class);
        }
    }
    for resource in RESOURCES {
        for outcome in [Reviewed::Allowed, Reviewed::Refused] {
            metrics.note_review(resource, outcome);
        }
    }
    for outcome in [Reviewed::Allowed, Reviewed::Malformed] {
        metrics.note_review("", outcome);
    }
    for transition in Transition::ALL {
        metrics.note_transition(transition, Duration::from_millis(30));
    }
    let census = Census {
        phases: Phase::ALL.map(|phase| (phase, 1)).into(),
        not_ready: not_ready().map(|reason| (reason, 1)).collect(),
        problems: PROBLEMS.map(|reason| (reason, 1)).into(),
        ..Census::default()
    };
    let snapshot = Snapshot { census, listed: RESOURCES.map(|resource| (resource, true)), ..Snapshot::default() };
    metrics.text(&snapshot).unwrap()
}

#[test]
fn there_are_at_most_200_series() {
    let text = everything();
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series <= 200, "{series} series");
}

#[test]
fn a_reason_that_is_over_is_no_longer_counted() {
    let metrics = Metrics::new();
    let census = Census { problems: BTreeMap::from([(Reason::Contested, 2)]), ..Census::default() };
    let text = metrics.text(&Snapshot { census, ..Snapshot::default() }).unwrap();
    assert!(text.contains("hpa_override_hpas_with_problem{reason=\"Contested\"} 2\n"), "{text}");
    assert!(!metrics.text(&Snapshot::default()).unwrap().contains("Contested"));
}

#[test]
fn a_write_is_counted_by_what_the_api_server_answered() {
    let metrics = Metrics::new();
    metrics.note_write(Write::Status, None);
    metrics.note_write(Write::Status, Some(Class::Denied));
    let text = metrics.text(&Snapshot::default()).unwrap();
    for line in
        [r#"{kind="status",answer="ok"} 1"#, r#"{kind="status",answer="denied"} 1"#, r#"{kind="hpa",answer="ok"} 0"#]
    {
        assert!(text.contains(&format!("hpa_override_writes_total{line}\n")), "{line}: {text}");
    }
}

/// What is registered, as a table.
fn table() -> String {
    let text = everything();
    let (mut types, mut helps, mut labels) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::<_, BTreeSet<_>>::new());
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            types.insert(name, kind);
        } else if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            helps.insert(name, help);
        } else if let Some((name, rest)) = line.split_once('{') {
            let keys = rest.split('}').next().unwrap_or_default().split(',').filter_map(|pair| pair.split_once('='));
            labels.entry(name).or_default().extend(keys.map(|(key, _)| key).filter(|key| *key != "le"));
        }
    }
    let row = |(name, help): (&&str, &&str)| {
        let kind = types[name];
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let of_histogram = format!("{name}_bucket");
        let series = format!("{name}{suffix}");
        let keys = labels.get(series.as_str()).or_else(|| labels.get(of_histogram.as_str())).into_iter().flatten();
        let keys = keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        format!("| `{series}` | {kind} | {keys} | {} |\n", help.trim_end_matches('.'))
    };
    helps.iter().map(row).collect()
}

#[test]
fn the_reference_lists_every_metric() {
    let page = include_str!("../../../docs/reference/metrics.md");
    let table = table();
    assert!(page.contains(&table), "docs/reference/metrics.md lacks this table:\n{table}");
}
